"""What an lpc_lru network does once a frame: fit linear prediction, and go on with what it heard.

Products are of floats, all else is in doubles; the last axis is that of the streams.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from rawtone.generation.kernels.doubles import exp, gelu, log, sigmoid
from rawtone.generation.kernels.elements import spread
from rawtone.generation.kernels.lpc_prediction import (
    autocorrelation,
    follow_bank,
    follow_windows,
    levinson,
)
from rawtone.generation.kernels.weights import inputs, multiply
from rawtone.models.resonators import FLOOR
from rawtone.models.rg_lru import EPSILON


@njit(nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def next_frame(w: Any, memory: Any) -> None:
    """Let prediction and recurrent layers hear the frame that is past.

    Args:
        w: `lpc_lru_weights.Weights`.
        memory: `lpc_lru.Memory`. Written.
    """
    frame = memory.past[len(memory.past) - w.frames.size :]
    follow_windows(w.prediction, memory.past, memory.rounding, memory.running)
    follow_bank(w.prediction, frame, memory.bank)
    order, windows, lanes = memory.coefficients.shape
    r = np.empty((order + 1, windows, lanes))
    reflections, powers = np.empty((order, windows, lanes)), np.empty((windows, lanes))
    autocorrelation(w.prediction.lags, memory.running, r)
    levinson(
        r.reshape((order + 1, -1)),
        memory.coefficients.reshape((order, -1)),
        reflections.reshape((order, -1)),
        powers.reshape(-1),
    )
    for lane in range(lanes):
        memory.expected[0, lane] = math.sqrt(powers[0, lane])
    heard = np.zeros((inputs(w.frames.entry), lanes), np.float32)
    _tell(heard, reflections, powers, r[0], memory.bank)
    _advance(w.frames, heard, memory.units, memory.condition)
    for k in range(order):  # the next frame is heard behind the last samples
        for lane in range(lanes):
            memory.past[k, lane] = memory.past[w.frames.size + k, lane]


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _tell(heard: Any, reflections: Any, powers: Any, loudness: Any, bank: Any) -> None:
    """Set heard [heard, lanes] to what the frame's network is told."""
    order, windows, lanes = reflections.shape
    first, levels = order * windows, (order + 2) * windows
    for lane in range(lanes):
        for lag in range(order):
            for window in range(windows):
                heard[lag * windows + window, lane] = reflections[lag, window, lane]
        for window in range(windows):
            heard[first + window, lane] = log(powers[window, lane]) / 4.0
            heard[first + windows + window, lane] = log(loudness[window, lane]) / 4.0
        for k in range(bank.shape[1]):
            real, imaginary = bank[0, k, lane], bank[1, k, lane]
            heard[levels + k, lane] = log(real * real + imaginary * imaginary + FLOOR) / 4.0


@njit(nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _advance(w: Any, heard: Any, units: Any, condition: Any) -> None:
    """Run the recurrent layers; set what the sample network is told, [hidden, lanes]."""
    _, width, lanes = units.shape
    x, y = np.empty((width, lanes), np.float32), np.empty((width, lanes), np.float32)
    both, nothing = np.empty((2 * width, lanes), np.float32), np.zeros(2 * width, np.float32)
    gates = np.empty((2 * width, lanes), np.float32)
    spread(w.entry_bias, x)
    multiply(w.entry, heard, x)
    for number in range(len(w.layers)):
        layer = w.layers[number]
        _level(x, w.width, y)
        spread(nothing, both)
        multiply(layer.enter, y, both)
        spread(layer.gates_bias, gates)
        multiply(layer.gates, both[:width], gates)
        _renew(layer.rate, gates, both, units[number], y)
        multiply(layer.leave, y, x)
    spread(w.tell_bias, condition)
    multiply(w.tell, x, condition)


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _level(x: Any, width: int, y: Any) -> None:
    """Set y to x, divided by its root mean square; only the first `width` units count."""
    for lane in range(x.shape[1]):
        total = 0.0
        for k in range(width):
            total += np.float64(x[k, lane]) * x[k, lane]
        level = 1.0 / math.sqrt(total / width + EPSILON)
        for k in range(len(x)):
            y[k, lane] = x[k, lane] * level


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _renew(rate: Any, gates: Any, both: Any, units: Any, y: Any) -> None:
    """Renew a layer's units (De et al. 2024, eq. 1 to 4), and set y to what leaves it.

    Args:
        rate: of `lpc_lru_weights.Layer`.
        gates: sums of the recurrence's and of the input's, [2 * units, lanes].
        both: what enters, and what it is multiplied with when it leaves, [2 * units, lanes].
        units: [units, lanes]. Written.
        y: [units, lanes]. Written.
    """
    rates, size = np.empty(units.shape), units.size
    for k in range(len(rate)):
        for lane in range(units.shape[1]):
            rates[k, lane] = rate[k]
    flat, state, out = rates.reshape(-1), units.reshape(-1), y.reshape(-1)
    opened, heard = gates.reshape(-1), both.reshape(-1)
    for i in range(size):
        kept = exp(flat[i] * sigmoid(opened[i]))
        into = math.sqrt(EPSILON + 1.0 - kept * kept) * sigmoid(opened[size + i])
        state[i] = kept * state[i] + into * heard[i]
        out[i] = state[i] * gelu(heard[size + i])
