"""WaveNet as one compiled loop: rings in place, embedding by look-up, skips as one product."""

from typing import Any, ClassVar, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rawtone.generation.kernels.compiling import compiled
from rawtone.generation.kernels.elements import add, add_to_lanes, copy, gate, rectify, to_lanes
from rawtone.generation.kernels.products import add_product, add_products
from rawtone.generation.kernels.sampling import choose
from rawtone.generation.kernels.vectors import LANES
from rawtone.generation.kernels.wavenet_weights import labels_table, pack
from rawtone.models.heads import Categorical
from rawtone.models.wavenet import WaveNet

Floats = NDArray[np.float32]
State = list[NDArray[Any]]


class WaveNetKernel:
    """WaveNet's streaming form.

    A state is
    - rings [slots, residual, lanes], the past inputs of all blocks, one ring after the other;
    - told [blocks, 2 * dilation, lanes], what is added to filters and gates: biases and labels;
    - past, int32 [first filter's width, lanes], the codes heard last;
    - count, int64 [1, lanes], samples that went through the rings.

    Args:
        model: whose weights are packed as they are now.
        precision: of the weights.
    """

    group: ClassVar[float] = 4.0

    @staticmethod
    def fits(model: Any) -> bool:
        """Return whether a model is one."""
        return isinstance(model, WaveNet) and isinstance(model.head, Categorical)

    def __init__(self, model: Any, precision: Literal["float32"] = "float32") -> None:
        if precision != "float32":
            raise ValueError(f"expected float32, found {precision}")
        self.model = model
        self.weights = pack(model)
        self.labels = labels_table(model)

    def state(self, lanes: int, labels: Floats) -> State:
        """Return the state after endless silence; labels [lanes, labels]."""
        alone = [self._silence(shares) for shares in labels]
        return [
            np.ascontiguousarray(np.stack(arrays, axis=-1)) for arrays in zip(*alone, strict=True)
        ]

    def _silence(self, shares: Floats) -> State:
        """Return the state of one stream, without an axis of lanes."""
        _, past, _, *rings = self.model.initial_state(1, shares[None])
        residual = self.weights.causal.shape[-1]
        inputs = np.concatenate([np.asarray(ring)[:, 0] for ring in rings])
        padded = np.pad(inputs, [(0, 0), (0, residual - inputs.shape[-1])])
        silence = self.model.audio.quantizer.silence
        codes = np.append(np.asarray(past)[:, 0], silence).astype(np.int32)
        return [padded, self._told(shares), codes, np.zeros(1, np.int64)]

    def _told(self, shares: Floats) -> Floats:
        """Return [blocks, 2 * dilation] for one stream."""
        if not self.model.settings.labelled:
            return self.weights.gated_bias
        told: Floats = (self.weights.gated_bias + shares @ self.labels).astype(np.float32)
        return told

    def tell(self, state: State, labels: Floats) -> None:
        """Replace the labels that streams are told, [lanes, labels]."""
        if self.model.settings.labelled:
            state[1][:] = np.stack([self._told(shares) for shares in labels], axis=-1)

    def hear(self, state: State, codes: NDArray[np.int32]) -> None:
        """Let all streams hear codes [n]; those beyond the receptive field are forgotten."""
        rings, told, past, count = state
        recent = codes[-self.model.settings.context :]
        if past.shape[-1] == 1:
            _hear_one(self.weights, rings[..., 0], told[..., 0], past[:, 0], count[0], recent)
        else:
            _hear_many(self.weights, rings, told, past, count[0], recent)

    def make(
        self,
        state: State,
        temperatures: Floats,
        top_p: Floats,
        uniforms: Floats,
        codes: NDArray[np.int32],
    ) -> None:
        """Make n samples of each stream, as `rawtone.generation.kernel.FamilyKernel` says."""
        rings, told, past, count = state
        if past.shape[-1] == 1:
            _make_one(
                self.weights,
                *(rings[..., 0], told[..., 0], past[:, 0], count[0]),
                *(temperatures[:, 0], top_p[0], uniforms[:, 0], codes[:, 0]),
            )
        else:
            _make_many(
                self.weights, rings, told, past, count[0], temperatures, top_p, uniforms, codes
            )


@compiled
def _make_one(
    w: Any,
    rings: Any,
    told: Any,
    past: Any,
    count: Any,
    temperatures: Any,
    top_p: float,
    uniforms: Any,
    codes: Any,
) -> None:
    """Make samples of one stream: arrays are those of the state, without their last axis."""
    gated = np.empty(w.skip.shape[0], np.float32)
    hidden = np.empty(w.skip.shape[1], np.float32)
    second = np.empty(w.skip.shape[1], np.float32)
    logits = np.empty(w.out.shape[1], np.float32)
    for sample in range(len(codes)):
        _layers_one(w, rings, told, past, count[0], gated)
        count[0] += 1
        copy(w.skip_bias, hidden)
        add_product(w.skip, gated, hidden)
        rectify(hidden, hidden)
        copy(w.post_bias, second)
        add_product(w.post, hidden, second)
        rectify(second, second)
        copy(w.out_bias, logits)
        add_product(w.out, second, logits)
        levels = len(w.samples) or w.causal.shape[1]
        code = choose(logits, levels, temperatures[sample], top_p, uniforms[sample])
        codes[sample] = code
        _heard(past, code)


@compiled
def _hear_one(w: Any, rings: Any, told: Any, past: Any, count: Any, codes: Any) -> None:
    gated = np.empty(w.skip.shape[0], np.float32)
    for code in codes:
        _layers_one(w, rings, told, past, count[0], gated)
        count[0] += 1
        _heard(past, code)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _heard(past: Any, code: Any) -> None:
    """Put the codes heard last behind the others, and forget the oldest."""
    for k in range(len(past) - 1):
        past[k] = past[k + 1]
    past[-1] = code


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _layers_one(w: Any, rings: Any, told: Any, past: Any, count: int, gated: Any) -> None:
    """Let one stream hear the last of its past codes; sets gated [blocks * dilation]."""
    taps, channels, residual = (
        w.past.shape[1] // w.now.shape[1] + 1,
        w.dense.shape[1],
        w.now.shape[1],
    )
    x, heard = np.zeros(residual, np.float32), np.empty(w.past.shape[1], np.float32)
    both = np.empty(2 * channels, np.float32)
    if len(w.samples):
        for k in range(len(past)):
            x += w.causal[k, 0] * w.samples[past[k]]
    else:
        for k in range(len(past)):
            x += w.causal[k, past[k]]
    slot = 0
    for b in range(len(w.dilations)):
        size = (taps - 1) * w.dilations[b] + 1
        now = count % size
        copy(x, rings[slot + now])
        for k in range(taps - 1):
            age = (taps - 1 - k) * w.dilations[b]
            copy(rings[slot + (now - age) % size], heard[k * residual : (k + 1) * residual])
        slot += size
        copy(told[b], both)
        add_product(w.past[b], heard, both)
        add_product(w.now[b], x, both)
        z = gated[b * channels : (b + 1) * channels]
        gate(both[:channels], both[channels:], z)
        add(w.dense_bias[b], x, x)
        add_product(w.dense[b], z, x)


@compiled
def _make_many(
    w: Any,
    rings: Any,
    told: Any,
    past: Any,
    count: Any,
    temperatures: Any,
    top_p: Any,
    uniforms: Any,
    codes: Any,
) -> None:
    """Make samples of 16 streams side by side, each the same bits as by itself."""
    gated = np.empty((w.skip.shape[0], LANES), np.float32)
    hidden = np.empty((w.skip.shape[1], LANES), np.float32)
    second = np.empty((w.skip.shape[1], LANES), np.float32)
    logits = np.empty((w.out.shape[1], LANES), np.float32)
    own = np.empty(w.out.shape[1], np.float32)
    for sample in range(len(codes)):
        _layers_many(w, rings, told, past, count[0], gated)
        count += 1
        to_lanes(w.skip_bias, hidden)
        add_products(w.skip, gated, hidden)
        rectify(hidden, hidden)
        to_lanes(w.post_bias, second)
        add_products(w.post, hidden, second)
        rectify(second, second)
        to_lanes(w.out_bias, logits)
        add_products(w.out, second, logits)
        levels = len(w.samples) or w.causal.shape[1]
        for lane in range(LANES):
            own[:] = logits[:, lane]
            codes[sample, lane] = choose(
                own, levels, temperatures[sample, lane], top_p[lane], uniforms[sample, lane]
            )
        _heard(past, codes[sample])


@compiled
def _hear_many(w: Any, rings: Any, told: Any, past: Any, count: Any, codes: Any) -> None:
    gated = np.empty((w.skip.shape[0], LANES), np.float32)
    for code in codes:
        _layers_many(w, rings, told, past, count[0], gated)
        count += 1
        _heard(past, code)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _layers_many(w: Any, rings: Any, told: Any, past: Any, count: int, gated: Any) -> None:
    """Let 16 streams hear the last of their past codes; sets gated [blocks * dilation, 16]."""
    taps, channels, residual = (
        w.past.shape[1] // w.now.shape[1] + 1,
        w.dense.shape[1],
        w.now.shape[1],
    )
    x = np.zeros((residual, LANES), np.float32)
    heard = np.empty((w.past.shape[1], LANES), np.float32)
    both = np.empty((2 * channels, LANES), np.float32)
    for k in range(len(past)):
        for lane in range(LANES):
            code = past[k, lane]
            if len(w.samples):
                for channel in range(residual):
                    x[channel, lane] += w.causal[k, 0, channel] * w.samples[code]
            else:
                for channel in range(residual):
                    x[channel, lane] += w.causal[k, code, channel]
    slot = 0
    for b in range(len(w.dilations)):
        size = (taps - 1) * w.dilations[b] + 1
        now = count % size
        copy(x, rings[slot + now])
        for k in range(taps - 1):
            age = (taps - 1 - k) * w.dilations[b]
            copy(rings[slot + (now - age) % size], heard[k * residual : (k + 1) * residual])
        slot += size
        copy(told[b], both)
        add_products(w.past[b], heard, both)
        add_products(w.now[b], x, both)
        z = gated[b * channels : (b + 1) * channels]
        gate(both[:channels], both[channels:], z)
        add_to_lanes(w.dense_bias[b], x, x)
        add_products(w.dense[b], z, x)
