"""A next_sample network as one compiled loop, the same for one stream and for 16 side by side."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rawtone.generation.kernels.elements import rectify, spread
from rawtone.generation.kernels.look_up import add_look_up, room
from rawtone.generation.kernels.next_sample_weights import pack_weights, state_rows
from rawtone.generation.kernels.packed import add_packed
from rawtone.generation.kernels.recurrent import LSTM, advance
from rawtone.generation.kernels.streaming import State, Streaming
from rawtone.generation.kernels.tasks import HEAR, MAKE, Task, settle
from rawtone.generation.kernels.weights import Precision
from rawtone.kernels.compiling import compiled
from rawtone.models.heads import Categorical, LeastSquares
from rawtone.models.next_sample import NextSample

Floats = NDArray[np.float32]


class NextSampleKernel(Streaming):
    """The streaming form of next_sample.

    A state is
    - code, int32 [1, lanes], heard last, and not yet taken in;
    - count, int64 [1, lanes], codes taken in, modulo those that are heard at once;
    - past, int32 [heard at once, lanes], a ring of them;
    - of each layer its state [2 * units, lanes].

    Args:
        model: whose weights are packed as they are now.
        precision: of the weights.
    """

    @staticmethod
    def fits(model: Any) -> bool:
        """Return whether a model is one."""
        return isinstance(model, NextSample) and isinstance(model.head, Categorical | LeastSquares)

    def __init__(self, model: Any, precision: Precision = "float32") -> None:
        self.model = model
        self.weights = pack_weights(model, precision)

    def state(self, lanes: int, labels: Floats) -> State:
        """Return the state after endless silence; it is told no labels."""
        codes = np.full(
            (self.weights.taps + 1, lanes), self.model.audio.quantizer.silence, np.int32
        )
        states = [np.zeros((rows, lanes), np.float32) for rows in state_rows(self.model)]
        return [codes[:1].copy(), np.zeros((1, lanes), np.int64), codes[1:].copy(), *states]

    def _do(self, state: State, task: Task) -> None:
        code, count, past, *states = state
        _run(self.weights, code, count, past, tuple(states), task)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _widest(w: Any) -> int:
    units = 0
    for layer in w.layers:
        units = max(units, len(layer.inner))
    return units


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _take_in(
    w: Any, code: Any, count: Any, past: Any, states: Any, sums: Any, features: Any, work: Any
) -> None:
    """Let the layers hear a code."""
    slot = count[0, 0]
    taken = (slot + 1) % len(past)
    for lane in range(past.shape[1]):
        past[slot, lane] = code[0, lane]
        count[0, lane] = taken
    heard = features if w.convolved else sums[: len(w.codes_bias)]
    spread(w.codes_bias, heard)
    add_look_up(w.codes, past, taken, w.taps, work, heard)
    if w.convolved:
        rectify(features)
    for number in range(len(w.layers)):
        layer = w.layers[number]
        own = sums[: len(layer.bias)]
        if number or w.convolved:
            spread(layer.bias, own)
        if number:
            before = states[number - 1]
            add_packed(layer.below, before[: len(before) // 2], own)
        elif w.convolved:
            add_packed(layer.below, features, own)
        advance(LSTM, layer, own, sums, states[number])


@compiled
def _run(w: Any, code: Any, count: Any, past: Any, states: Any, task: Any) -> None:
    lanes, last = past.shape[1], states[len(states) - 1]
    sums = np.empty((4 * _widest(w), lanes), np.float32)
    features = np.empty((len(w.codes_bias), lanes), np.float32)
    work = room(w.codes, w.taps, lanes)
    outputs = np.empty((len(w.dense_bias), lanes), np.float32)
    own = np.empty((lanes, len(outputs)), np.float32)
    for sample in range(len(task.codes)):
        _take_in(w, code, count, past, states, sums, features, work)
        if task.kind != HEAR:
            spread(w.dense_bias, outputs)
            add_packed(w.dense, last[: len(last) // 2], outputs)
        if w.steps > 0 and task.kind == MAKE:
            _round(outputs, w.steps, w.levels, code[0])
            for lane in range(lanes):
                task.codes[sample, lane] = code[0, lane]
        else:
            settle(task, sample, outputs, w.levels, own, code)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _round(positions: Any, steps: float, levels: int, codes: Any) -> None:
    """Set codes to those nearest to positions[0] on the axis from -1 to 1, in float32."""
    half = np.float32(steps / 2.0)
    for lane in range(len(codes)):
        place = np.floor((positions[0, lane] + np.float32(1)) * half + np.float32(0.5))
        codes[lane] = int(min(max(place, np.float32(0)), np.float32(levels - 1)))
