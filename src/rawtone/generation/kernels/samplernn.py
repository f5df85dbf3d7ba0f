"""SampleRNN as one compiled loop, the same for one stream and for 16 side by side."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rawtone.generation.kernels.elements import copy, rectify, spread
from rawtone.generation.kernels.look_up import add_look_up, room
from rawtone.generation.kernels.packed import add_packed
from rawtone.generation.kernels.padding import up
from rawtone.generation.kernels.recurrent import advance, begin
from rawtone.generation.kernels.samplernn_weights import pack_weights
from rawtone.generation.kernels.streaming import State, Streaming
from rawtone.generation.kernels.tasks import HEAR, Task, settle
from rawtone.generation.kernels.weights import Precision
from rawtone.kernels.compiling import compiled
from rawtone.models.heads import Categorical
from rawtone.models.samplernn import SampleRNN

Floats = NDArray[np.float32]


class SampleRNNKernel(Streaming):
    """SampleRNN's streaming form.

    A state is
    - code, int32 [1, lanes], heard last, and not yet taken in;
    - count, int64 [1, lanes], codes taken in, modulo the longest frame;
    - past, int32 [longest frame, lanes], a ring of them;
    - of each tier its layers' state [layers * state, lanes];
    - of each tier what it says to the one below [parts * heard, lanes].

    Args:
        model: whose weights are packed as they are now.
        precision: of the weights.
    """

    @staticmethod
    def fits(model: Any) -> bool:
        """Return whether a model is one."""
        return isinstance(model, SampleRNN) and isinstance(model.head, Categorical)

    def __init__(self, model: Any, precision: Precision = "float32") -> None:
        self.model = model
        self.weights, self.above = pack_weights(model, precision)

    def state(self, lanes: int, labels: Floats) -> State:
        """Return the state after endless silence; it is told no labels."""
        settings = self.model.settings
        context, silence = settings.context, self.model.audio.quantizer.silence
        codes = np.full((context + 1, lanes), silence, np.int32)
        count = np.full((1, lanes), context - 1)
        states = [self._first(layers) for layers in self.model.initial_carry(1)]
        said = [np.zeros(len(tier.tell_bias), np.float32) for tier in self.weights.tiers]
        wide = [np.repeat(each[:, None], lanes, axis=1) for each in (*states, *said)]
        return [codes[:1].copy(), count, codes[1:].copy(), *wide]

    def _first(self, layers: Any) -> Floats:
        """Return a tier's first state, [layers * state]."""
        dim = self.model.settings.dim
        parts = np.concatenate([np.asarray(state).reshape(-1, dim) for state in layers])
        return np.pad(parts, [(0, 0), (0, up(dim) - dim)]).astype(np.float32).reshape(-1)

    def _do(self, state: State, task: Task) -> None:
        tiers = len(self.weights.tiers)
        above = np.repeat(self.above[:, None], state[0].shape[-1], axis=1)
        said = (*state[3 + tiers :], above)
        _run(self.weights, *state[:3], tuple(state[3 : 3 + tiers]), said, task)


class _Room(NamedTuple):
    """What a step works in."""

    frame: Any
    heard: Any
    sums: Any
    kept: Any
    outputs: Any
    summed: Any


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _of_tiers(units: int, layers: int, past: Any, saids: Any) -> Any:
    lanes = past.shape[1]
    wide = 0
    for said in saids:
        wide = max(wide, len(said))
    return _Room(
        np.empty((len(past), lanes), np.float32),
        np.empty((wide, lanes), np.float32),
        np.empty((4 * units, lanes), np.float32),
        np.empty((units, lanes), np.float32),
        np.empty((layers * units, lanes), np.float32),
        np.empty((units, lanes), np.float32),
    )


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _take_in(w: Any, code: Any, count: Any, past: Any, states: Any, saids: Any, room: Any) -> None:
    """Let the frame tiers hear a code."""
    slot = count[0, 0]
    taken = (slot + 1) % len(past)
    for lane in range(past.shape[1]):
        past[slot, lane] = code[0, lane]
        count[0, lane] = taken
    for number in range(len(w.tiers) - 1, -1, -1):
        tier = w.tiers[number]
        if taken % tier.size == 0:
            said, start = saids[number + 1], 0
            if number + 1 < len(w.tiers):
                longer = w.tiers[number + 1].size
                width = len(said) // (longer // tier.size)
                start = taken % longer // tier.size * width
                said = said[start : start + width]
            end = taken or len(past)
            _frame(
                w.levels,
                w.kind,
                w.shared,
                tier,
                past[end - tier.size : end],
                said,
                room,
                states[number],
            )
            _say(tier, room, saids[number])


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _frame(
    levels: int,
    kind: int,
    shared: bool,
    tier: Any,
    codes: Any,
    said: Any,
    room: Any,
    state: Any,
) -> None:
    """Let a tier hear a frame [size, lanes]; sets the outputs of its layers."""
    frame, heard = room.frame[: len(codes)], room.heard[: len(said)]
    scale = np.float32(4 / levels)
    for k in range(frame.shape[0]):
        for lane in range(frame.shape[1]):
            frame[k, lane] = np.float32(codes[k, lane]) * scale - np.float32(2)
    copy(said, heard)
    add_packed(tier.entry, frame, heard)
    units, layers = len(tier.layers[0].inner), len(tier.layers)
    own, gates = len(state) // layers, len(tier.layers[0].bias)
    first = begin(kind, units)
    for number in range(layers):
        layer, output = tier.layers[number], room.outputs[number * units : (number + 1) * units]
        sums = room.sums[first : first + gates]
        if number == 0 or shared:
            copy(heard[number * gates : (number + 1) * gates], sums)
        else:
            spread(layer.bias, sums)
        if number:
            add_packed(layer.below, room.outputs[(number - 1) * units : number * units], sums)
        kept = state[number * own : (number + 1) * own]
        advance(kind, layer, room.sums, room.kept, kept)
        copy(kept[:units], output)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _say(tier: Any, room: Any, said: Any) -> None:
    """Set what a tier says to the one below until its next frame."""
    summed = room.outputs[len(room.outputs) - len(room.kept) :]
    if len(tier.skip_bias):
        summed = room.summed
        spread(tier.skip_bias, summed)
        add_packed(tier.skip, room.outputs, summed)
    spread(tier.tell_bias, said)
    add_packed(tier.tell, summed, said)


@compiled
def _run(w: Any, code: Any, count: Any, past: Any, states: Any, saids: Any, task: Any) -> None:
    lanes, size = past.shape[1], w.tiers[0].size
    units, layers = len(w.tiers[0].layers[0].inner), len(w.tiers[0].layers)
    of_tiers, dim = _of_tiers(units, layers, past, saids), len(saids[0]) // size
    x, y = np.empty((dim, lanes), np.float32), np.empty((dim, lanes), np.float32)
    logits = np.empty((len(w.last_bias), lanes), np.float32)
    own = np.empty((lanes, len(logits)), np.float32)
    of_codes = room(w.codes, size, lanes)
    for sample in range(len(task.codes)):
        _take_in(w, code, count, past, states, saids, of_tiers)
        if task.kind != HEAR:
            place = count[0, 0] % size * dim
            copy(saids[0][place : place + dim], x)
            first = count[0, 0] - size + len(past)
            add_look_up(w.codes, past, first, size, of_codes, x)
            rectify(x)
            for number in range(len(w.hidden_bias)):
                spread(w.hidden_bias[number], y)
                add_packed(w.hidden[number], x, y)
                rectify(y)
                x, y = y, x
            spread(w.last_bias, logits)
            add_packed(w.last, x, logits)
        settle(task, sample, logits, w.levels, own, code)
