"""WaveNet as one compiled loop: rings in place, embedding by look-up, skips as one product."""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from rawtone.generation.kernels.streaming import State, Streaming
from rawtone.generation.kernels.tasks import HEAR, Codes, Task, settle
from rawtone.generation.kernels.wavenet_steps import levels_of, logits_of, take_in
from rawtone.generation.kernels.wavenet_weights import labels_table, pack
from rawtone.generation.kernels.weights import Precision, inputs
from rawtone.kernels.compiling import compiled
from rawtone.models.heads import Categorical
from rawtone.models.wavenet import WaveNet

Floats = NDArray[np.float32]


class WaveNetKernel(Streaming):
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

    @staticmethod
    def fits(model: Any) -> bool:
        """Return whether a model is one that predicts by a softmax."""
        return isinstance(model, WaveNet) and isinstance(model.head, Categorical)

    def __init__(self, model: Any, precision: Precision = "float32") -> None:
        self.model = model
        self.weights = pack(model, precision)
        self.labels = labels_table(model)

    def state(self, lanes: int, labels: Floats) -> State:
        """Return the state after endless silence.

        Args:
            lanes: 1 or 16.
            labels: [lanes, labels], how much of each label they are told.
        """
        alone = [self._silence(shares) for shares in labels[:lanes]]
        return [
            np.ascontiguousarray(np.stack(arrays, axis=-1)) for arrays in zip(*alone, strict=True)
        ]

    def _silence(self, shares: Floats) -> State:
        """Return the state of one stream, without an axis of lanes."""
        _, past, _, *rings = self.model.initial_state(1, shares[None])
        heard = np.concatenate([ops.convert_to_numpy(ring)[:, 0] for ring in rings])
        filled = np.pad(heard, [(0, 0), (0, self.weights.causal.shape[-1] - heard.shape[-1])])
        silence = self.model.audio.quantizer.silence
        codes = np.append(ops.convert_to_numpy(past)[:, 0], silence).astype(np.int32)
        return [filled, self._told(shares), codes, np.zeros(1, np.int64)]

    def _told(self, shares: Floats) -> Floats:
        """Return [blocks, 2 * dilation] for one stream."""
        if not self.model.settings.labelled:
            return self.weights.gated_bias
        # an einsum, or a product of all streams, may add up in another order for other numbers
        told: Floats = (self.weights.gated_bias + np.tensordot(shares, self.labels, 1)).astype(
            np.float32
        )
        return told

    def tell(self, state: State, labels: Floats) -> None:
        """Replace the labels that streams are told, [lanes, labels]."""
        if self.model.settings.labelled:
            state[1][:] = np.stack([self._told(shares) for shares in labels], axis=-1)

    def hear(self, state: State, codes: Codes) -> None:
        """Let all streams hear codes [n]; those beyond the receptive field are forgotten."""
        super().hear(state, codes[-self.model.settings.context :])

    def _do(self, state: State, task: Task) -> None:
        _run(self.weights, *state, task)


@compiled
def _run(w: Any, rings: Any, told: Any, past: Any, count: Any, task: Any) -> None:
    lanes = past.shape[1]
    gated = np.empty((inputs(w.skip), lanes), np.float32)
    logits = np.empty((len(w.out_bias), lanes), np.float32)
    own = np.empty((lanes, len(logits)), np.float32)
    for sample in range(len(task.codes)):
        take_in(w, rings, told, past, count, gated)
        if task.kind != HEAR:
            logits_of(w, gated, logits)
        for k in range(len(past) - 1):
            for lane in range(lanes):
                past[k, lane] = past[k + 1, lane]
        settle(task, sample, logits, levels_of(w), own, past[len(past) - 1 :])
