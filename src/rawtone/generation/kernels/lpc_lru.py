"""lpc_lru as one compiled loop, the same for one stream and for 16 side by side."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numba import njit
from numpy.typing import NDArray

from rawtone.generation.kernels.doubles import arcsinh, log
from rawtone.generation.kernels.elements import copy, rectify, spread
from rawtone.generation.kernels.lpc_lru_frames import next_frame
from rawtone.generation.kernels.lpc_lru_weights import pack_weights
from rawtone.generation.kernels.lpc_prediction import place, predict
from rawtone.generation.kernels.mixtures import draw, log_probability
from rawtone.generation.kernels.padding import up
from rawtone.generation.kernels.streaming import State, Streaming
from rawtone.generation.kernels.tasks import HEAR, MAKE, SCORE, Task
from rawtone.generation.kernels.weights import Precision, inputs, multiply
from rawtone.kernels.compiling import compiled
from rawtone.models.logistics import LogisticMixture
from rawtone.models.lpc_lru import NARROWEST, LpcLru

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]
Doubles = NDArray[np.float64]


class Memory(NamedTuple):
    """The state.

    Attributes:
        code: [1, lanes], heard last, and not yet taken in.
        taken: int64 [1, lanes], codes taken in, modulo a frame.
        past: [order + frame, lanes], samples, those of the frame that is heard at the end.
        rounding: [frame, lanes], power of the rounding of the frame's samples.
        told: [heard, lanes], the last errors and places of codes, the newest first.
        middles: [windows, lanes], where predictions lie, in cells from the middle of the axis.
        scale: [1, lanes], how far off the first may be.
        coefficients: [order, windows, lanes], of the linear predictions.
        expected: [1, lanes], how far off the first one may be, as a sample.
        condition: [hidden, lanes], what the sample network is told of the frame.
        running: [3 * windows, order + 2, lanes], sums under recursive windows.
        bank: [2, resonators, lanes].
        units: [layers, units, lanes], of the recurrent layers.
    """

    code: Codes
    taken: NDArray[np.int64]
    past: Doubles
    rounding: Doubles
    told: Floats
    middles: Doubles
    scale: Doubles
    coefficients: Doubles
    expected: Doubles
    condition: Floats
    running: Doubles
    bank: Doubles
    units: Doubles


class LpcLruKernel(Streaming):
    """The streaming form of lpc_lru; a state is a `Memory`'s arrays.

    Args:
        model: whose weights are packed as they are now.
        precision: of the weights.
    """

    @staticmethod
    def fits(model: Any) -> bool:
        """Return whether a model is one."""
        return isinstance(model, LpcLru) and isinstance(model.head, LogisticMixture)

    def __init__(self, model: Any, precision: Precision = "float32") -> None:
        self.model = model
        self.weights = pack_weights(model, precision)

    def state(self, lanes: int, labels: Floats) -> State:
        """Return the state after endless silence; it is told no labels."""
        return [np.repeat(array[..., None], lanes, axis=-1) for array in self._silence()]

    def _silence(self) -> Memory:
        """Return the state of a stream, without the axis of lanes."""
        sizes = self.model.settings
        found = [ops.convert_to_numpy(part)[0] for part in self.model.initial_state(1)[1:]]
        _, errors, middles, scale, coefficients, power, _, running, bank, *_ = found
        silence = self.model.audio.quantizer.silence
        told = np.zeros(inputs(self.weights.hear), np.float32)
        told[: errors.size] = errors.reshape(-1)
        told[errors.size : errors.size + sizes.taps] = 2.0 * silence / self.weights.axis.steps - 1.0
        return Memory(
            code=np.array([silence], np.int32),
            taken=np.zeros(1, np.int64),
            past=np.zeros(sizes.order + sizes.frame_size),
            rounding=np.full(sizes.frame_size, self.weights.axis.rounding[silence]),
            told=told,
            middles=middles.astype(np.float64),
            scale=scale.astype(np.float64),
            coefficients=coefficients.T.astype(np.float64),
            expected=np.sqrt(power[:1].astype(np.float64)),
            condition=np.zeros(len(self.weights.hidden_bias), np.float32),
            running=running.astype(np.float64),
            bank=bank.astype(np.float64),
            units=np.zeros((sizes.layers, up(sizes.width))),
        )

    def _do(self, state: State, task: Task) -> None:
        _run(self.weights, Memory(*state), task)


class _Room(NamedTuple):
    """What a step works in."""

    places: Any
    x: Any
    y: Any
    outputs: Any
    logits: Any
    means: Any
    widths: Any


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _room(w: Any, lanes: int) -> Any:
    components, hidden = len(w.mixture.first), len(w.hidden_bias)
    return _Room(
        np.empty((w.prediction.lags.shape[0] + 2, lanes)),
        np.empty((hidden, lanes), np.float32),
        np.empty((hidden, lanes), np.float32),
        np.empty((len(w.out_bias), lanes), np.float32),
        np.empty(components),
        np.empty(components),
        np.empty(components),
    )


@njit(nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _take_in(w: Any, m: Any) -> None:
    """Let the streams' memories have the code that was heard last."""
    windows, lanes = m.middles.shape
    order, size, slot = len(m.coefficients), len(m.rounding), m.taken[0, 0]
    errors, at = w.residuals * windows, (slot + size - 1) % size
    _later(m.told[:errors], windows)
    _later(m.told[errors : errors + w.taps], 1)
    for lane in range(lanes):
        code = m.code[0, lane]
        middle = code - w.axis.steps / 2.0
        for window in range(windows):
            m.told[window, lane] = arcsinh((middle - m.middles[window, lane]) / m.scale[0, lane])
        m.told[errors, lane] = code * (2.0 / w.axis.steps) - 1.0
        m.past[order + at, lane] = w.axis.values[code]
        m.rounding[at, lane] = w.axis.rounding[code]
        m.taken[0, lane] = (slot + 1) % size


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _later(rows: Any, count: int) -> None:
    """Move rows [n, lanes] back by so many; the first ones stay."""
    for row in range(len(rows) - 1, count - 1, -1):
        for lane in range(rows.shape[1]):
            rows[row, lane] = rows[row - count, lane]


@njit(nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _guess(w: Any, m: Any, past: Any, places: Any) -> None:
    """Predict linearly, given the last samples.

    Args:
        w: `lpc_lru_weights.Weights`.
        m: `Memory`. Its guess is written, and what is told of it.
        past: [order, lanes], the newest last.
        places: [windows + 2, lanes]; overwritten.
    """
    windows, lanes = m.middles.shape
    predict(m.coefficients, past, places[:windows])
    for lane in range(lanes):
        places[windows, lane] = places[0, lane] - m.expected[0, lane]
        places[windows + 1, lane] = places[0, lane] + m.expected[0, lane]
    place(w.axis, places.reshape(-1))
    first = w.residuals * windows + w.taps
    for lane in range(lanes):
        off = (places[windows + 1, lane] - places[windows, lane]) / 2.0
        middle, scale = places[0, lane], max(off, NARROWEST)
        m.middles[0, lane], m.scale[0, lane] = middle, scale
        for window in range(1, windows):
            m.middles[window, lane] = places[window, lane]
            m.told[first + window - 1, lane] = arcsinh((places[window, lane] - middle) / scale)
        m.told[first + windows - 1, lane] = middle * (2.0 / w.axis.steps)
        m.told[first + windows, lane] = log(scale)


@njit(nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _say(w: Any, m: Any, room: Any) -> None:
    """Run the network for a sample."""
    copy(m.condition, room.x)
    multiply(w.hear, m.told, room.x)
    rectify(room.x)
    spread(w.hidden_bias, room.y)
    multiply(w.hidden, room.x, room.y)
    rectify(room.y)
    spread(w.out_bias, room.outputs)
    multiply(w.out, room.y, room.outputs)


@njit(nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _settle(w: Any, m: Any, task: Any, sample: int, room: Any) -> None:
    """Set the code of each stream to the next one: drawn, or given."""
    mixture, axis = w.mixture, w.axis
    components = len(mixture.first)
    for lane in range(m.code.shape[1]):
        if task.kind != HEAR:
            scale = m.scale[0, lane]
            width_of_scale = log(scale)
            for k in range(components):
                room.logits[k] = room.outputs[k, lane]
                room.means[k] = m.middles[0, lane] + scale * room.outputs[components + k, lane]
                width = width_of_scale + room.outputs[2 * components + k, lane] + mixture.first[k]
                room.widths[k] = min(max(width, mixture.narrowest), mixture.widest)
        found = room.logits, room.means, room.widths
        if task.kind == MAKE:
            heat, first = task.temperatures[sample, lane], task.uniforms[sample, 0, lane]
            second = task.uniforms[sample, 1, lane]
            code = draw(*found, heat, first, second, axis.steps, axis.levels)
            task.codes[sample, lane] = code
        code = task.codes[sample, lane]
        if task.kind == SCORE:
            task.scores[sample, lane] = log_probability(*found, code, axis.steps, axis.levels)
        m.code[0, lane] = code


@compiled
def _run(w: Any, m: Any, task: Any) -> None:
    room = _room(w, m.code.shape[1])
    for sample in range(len(task.codes)):
        slot, order = m.taken[0, 0], len(m.coefficients)
        _take_in(w, m)
        if slot == 0:  # a frame ends with the first code of all
            next_frame(w, m)
        _guess(w, m, m.past[slot : slot + order], room.places)
        if task.kind != HEAR:
            _say(w, m, room)
        _settle(w, m, task, sample, room)
