"""WaveNet as one compiled loop: rings in place, embedding by look-up, skips as one product."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rawtone.generation.kernels.products import add_product, add_products, gate
from rawtone.generation.kernels.sampling import choose
from rawtone.generation.kernels.vectors import LANES

Floats = NDArray[np.float32]


class Weights(NamedTuple):
    """A network's weights as the kernel reads them; channels are filled up to multiples of 16.

    Attributes:
        causal: [taps, levels, residual], the first convolution as tables.
        gated: [blocks, taps * residual, 2 * dilation], filters and gates side by side.
        gated_bias: [blocks, 2 * dilation].
        dense: [blocks, dilation, residual].
        dense_bias: [blocks, residual].
        skip: [blocks * dilation, skip].
        skip_bias: [skip].
        post: [skip, skip].
        post_bias: [skip].
        out: [skip, levels].
        out_bias: [levels].
        dilations: int64 [blocks].
    """

    causal: Floats
    gated: Floats
    gated_bias: Floats
    dense: Floats
    dense_bias: Floats
    skip: Floats
    skip_bias: Floats
    post: Floats
    post_bias: Floats
    out: Floats
    out_bias: Floats
    dilations: NDArray[np.int64]


def _padded(array: NDArray[Any], *axes: int) -> Floats:
    """Fill axes up to multiples of 16 with zeros."""
    widths = [(0, -size % LANES if axis in axes else 0) for axis, size in enumerate(array.shape)]
    return np.ascontiguousarray(np.pad(array, widths), dtype=np.float32)


def pack(model: Any) -> Weights:
    """Return a model's weights for the kernel.

    Args:
        model: rawtone.models.wavenet.WaveNet.
    """
    get = lambda variable: np.asarray(variable)  # noqa: E731
    settings, blocks = model.settings, model.blocks
    zeros = lambda size: np.zeros(size, np.float32)  # noqa: E731
    biases = settings.biases
    channels = settings.dilation_channels
    filters = _padded(np.stack([get(b.filter) for b in blocks]), 2, 3)
    gates = _padded(np.stack([get(b.gate) for b in blocks]), 2, 3)
    gated = np.concatenate([filters, gates], axis=-1)
    both = [get(b.gated_bias) if biases else zeros(2 * channels) for b in blocks]
    halves = _padded(np.stack(both).reshape(len(blocks), 2, channels), 2)
    dense = [get(b.dense_bias) if biases else zeros(settings.residual_channels) for b in blocks]
    skip = _padded(np.stack([get(b.skip) for b in blocks]), 1, 2)
    post, out = model.post
    total = sum(get(b.skip_bias) for b in blocks) if biases else zeros(settings.skip_channels)
    return Weights(
        causal=_padded(get(model.causal), 2),
        gated=np.ascontiguousarray(gated.reshape(len(blocks), -1, gated.shape[-1])),
        gated_bias=np.ascontiguousarray(halves.reshape(len(blocks), -1)),
        dense=_padded(np.stack([get(b.dense) for b in blocks]), 1, 2),
        dense_bias=_padded(np.stack(dense), 1),
        skip=np.ascontiguousarray(skip.reshape(-1, skip.shape[-1])),
        skip_bias=_padded(total, 0),
        post=_padded(get(post.kernel), 0, 1),
        post_bias=_padded(get(post.bias) if biases else zeros(settings.skip_channels), 0),
        out=_padded(get(out.kernel), 0, 1),
        out_bias=_padded(get(out.bias) if biases else zeros(model.head.size), 0),
        dilations=np.array(settings.dilations, np.int64),
    )


class State(NamedTuple):
    """What 1 or 16 streams have heard; for 16 every array has a last axis of 16.

    Attributes:
        rings: [slots, residual], the past inputs of all blocks, one ring after the other.
        codes: int64 [taps - 1] or [taps - 1, 16], heard last.
    """

    rings: Floats
    codes: NDArray[np.int64]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def generate_one(w: Any, rings: Any, past: Any, count: int, code: int, temperature: Any, uniforms: Any, codes: Any) -> int:
    """Generate samples of one stream.

    Args:
        w: `Weights`.
        rings: float32 [slots, residual]; written.
        past: int64 [taps - 1], the codes before `code`; written.
        count: samples heard before.
        code: heard last.
        temperature: float32.
        uniforms: float32 [samples].
        codes: int32 [samples]; written.

    Returns:
        The last code.
    """
    taps, levels, residual = w.causal.shape
    blocks, channels = len(w.dilations), w.dense.shape[1]
    x, heard = np.empty(residual, np.float32), np.empty(taps * residual, np.float32)
    both = np.empty(2 * channels, np.float32)
    gated, hidden = np.empty(blocks * channels, np.float32), np.empty(w.skip.shape[1], np.float32)
    second, logits = np.empty(w.skip.shape[1], np.float32), np.empty(w.out.shape[1], np.float32)
    for sample in range(len(codes)):
        x[:] = w.causal[taps - 1, code]
        for k in range(taps - 1):
            x += w.causal[k, past[k]]
        for k in range(taps - 2):
            past[k] = past[k + 1]
        past[taps - 2] = code
        slot = 0
        for b in range(blocks):
            size = (taps - 1) * w.dilations[b] + 1
            now = (count + sample) % size
            rings[slot + now] = x
            for k in range(taps - 1):
                age = (taps - 1 - k) * w.dilations[b]
                heard[k * residual : (k + 1) * residual] = rings[slot + (now - age) % size]
            heard[(taps - 1) * residual :] = x
            slot += size
            both[:] = w.gated_bias[b]
            add_product(w.gated[b], heard, both)
            z = gated[b * channels : (b + 1) * channels]
            gate(both[:channels], both[channels:], z)
            x += w.dense_bias[b]
            add_product(w.dense[b], z, x)
        hidden[:] = w.skip_bias
        add_product(w.skip, gated, hidden)
        _rectify(hidden)
        second[:] = w.post_bias
        add_product(w.post, hidden, second)
        _rectify(second)
        logits[:] = w.out_bias
        add_product(w.out, second, logits)
        code = choose(logits, levels, temperature, uniforms[sample])
        codes[sample] = code
    return code


@njit(nogil=True)  # type: ignore[untyped-decorator]
def generate_many(w: Any, rings: Any, past: Any, count: int, code: Any, temperature: Any, uniforms: Any, codes: Any) -> None:
    """Generate samples of 16 streams side by side, each the same bits as by itself.

    Args:
        w: `Weights`.
        rings: float32 [slots, residual, 16]; written.
        past: int64 [taps - 1, 16], the codes before `code`; written.
        count: samples heard before.
        code: int64 [16], heard last; written.
        temperature: float32 [16].
        uniforms: float32 [samples, 16].
        codes: int32 [samples, 16]; written.
    """
    taps, levels, residual = w.causal.shape
    blocks, channels = len(w.dilations), w.dense.shape[1]
    x = np.empty((residual, LANES), np.float32)
    heard = np.empty((taps * residual, LANES), np.float32)
    both = np.empty((2 * channels, LANES), np.float32)
    gated = np.empty((blocks * channels, LANES), np.float32)
    hidden = np.empty((w.skip.shape[1], LANES), np.float32)
    second = np.empty((w.skip.shape[1], LANES), np.float32)
    logits = np.empty((w.out.shape[1], LANES), np.float32)
    own = np.empty(w.out.shape[1], np.float32)
    for sample in range(len(codes)):
        for lane in range(LANES):
            for channel in range(residual):
                x[channel, lane] = w.causal[taps - 1, code[lane], channel]
                for k in range(taps - 1):
                    x[channel, lane] += w.causal[k, past[k, lane], channel]
            for k in range(taps - 2):
                past[k, lane] = past[k + 1, lane]
            past[taps - 2, lane] = code[lane]
        slot = 0
        for b in range(blocks):
            size = (taps - 1) * w.dilations[b] + 1
            now = (count + sample) % size
            rings[slot + now] = x
            for k in range(taps - 1):
                age = (taps - 1 - k) * w.dilations[b]
                heard[k * residual : (k + 1) * residual] = rings[slot + (now - age) % size]
            heard[(taps - 1) * residual :] = x
            slot += size
            _broadcast(w.gated_bias[b], both)
            add_products(w.gated[b], heard, both)
            z = gated[b * channels : (b + 1) * channels]
            gate(both[:channels], both[channels:], z)
            for channel in range(residual):
                x[channel] += w.dense_bias[b, channel]
            add_products(w.dense[b], z, x)
        _broadcast(w.skip_bias, hidden)
        add_products(w.skip, gated, hidden)
        _rectify(hidden.reshape(-1))
        _broadcast(w.post_bias, second)
        add_products(w.post, hidden, second)
        _rectify(second.reshape(-1))
        _broadcast(w.out_bias, logits)
        add_products(w.out, second, logits)
        for lane in range(LANES):
            own[:] = logits[:, lane]
            code[lane] = choose(own, levels, temperature[lane], uniforms[sample, lane])
            codes[sample, lane] = code[lane]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _broadcast(bias: Any, x: Any) -> None:
    for i in range(len(bias)):
        x[i] = bias[i]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _rectify(x: Any) -> None:
    for i in range(len(x)):
        x[i] = max(x[i], np.float32(0))
