"""Linear prediction of streams, fitted anew for every frame, in doubles.

It is what `rawtone.models.linear_prediction` and `resonators` compute, a frame at a time. A fit of
many lags lifts what rounding leaves a thousandfold: floats would tell engines apart. The last axis
is that of the streams; a sum has one order, whatever their number.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from rawtone.generation.kernels.doubles import log
from rawtone.generation.kernels.lpc_lru_weights import A_LAW, MU_LAW
from rawtone.models.linear_prediction import FLOOR, LARGEST_REFLECTION, LEAST, WHITE


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _add_outer(column: Any, x: Any, y: Any) -> None:
    """Add to y[n, lanes] the products of column[n] and x[lanes]."""
    if len(x) == 1:
        for i in range(len(column)):
            y[i, 0] += column[i] * x[0]
        return
    for i in range(len(column)):
        for lane in range(len(x)):
            y[i, lane] += column[i] * x[lane]


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def follow_windows(w: Any, past: Any, rounding: Any, running: Any) -> None:
    """Let running sums hear a frame.

    Args:
        w: `lpc_lru_weights.Prediction`.
        past: samples [order + frame, lanes], the frame at its end.
        rounding: power of each one's rounding [frame, lanes].
        running: [3 * windows, order + 2, lanes]. Written.
    """
    sums = running.reshape((len(running), -1))
    order, lanes = running.shape[1] - 2, past.shape[1]
    _age(w.ageing, sums)
    products = np.empty((order + 2, lanes))
    flat = products.reshape(-1)
    for m in range(len(rounding)):
        for lag in range(order + 1):
            for lane in range(lanes):
                products[lag, lane] = past[order + m, lane] * past[order + m - lag, lane]
        for lane in range(lanes):
            products[order + 1, lane] = rounding[m, lane]
        for p in range(len(sums)):
            weight, own = w.products[p, m], sums[p]
            for i in range(len(flat)):
                own[i] += weight * flat[i]


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _age(ageing: Any, sums: Any) -> None:
    """Age sums [3 * windows, n] by a frame; those of a window depend on those alone."""
    for first in range(0, len(sums), 3):
        a, b, c = sums[first], sums[first + 1], sums[first + 2]
        by = ageing[first : first + 3, first : first + 3]
        for i in range(len(a)):
            c[i] = by[2, 0] * a[i] + by[2, 1] * b[i] + by[2, 2] * c[i]
            b[i] = by[1, 0] * a[i] + by[1, 1] * b[i]
            a[i] = by[0, 0] * a[i]


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def follow_bank(w: Any, frame: Any, bank: Any) -> None:
    """Let resonators hear a frame.

    Args:
        w: `lpc_lru_weights.Prediction`.
        frame: samples [frame, lanes].
        bank: [2, resonators, lanes]. Written.
    """
    for k in range(bank.shape[1]):
        by, beside = w.turning[0, k], w.turning[1, k]
        for lane in range(bank.shape[2]):
            real, imaginary = bank[0, k, lane], bank[1, k, lane]
            bank[0, k, lane] = real * by - imaginary * beside
            bank[1, k, lane] = real * beside + imaginary * by
    for m in range(len(frame)):
        for part in range(2):
            _add_outer(w.struck[m, part], frame[m], bank[part])


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def autocorrelation(lags: Any, running: Any, r: Any) -> None:
    """Set r [order + 1, windows, lanes] to windowed autocorrelations of what was heard.

    Args:
        lags: of `lpc_lru_weights.Prediction`.
        running: [3 * windows, order + 2, lanes].
        r: with the rounding's power as white noise. Written.
    """
    noise = r.shape[0]
    for window in range(r.shape[1]):
        by, sums = lags[window], running[3 * window : 3 * window + 3]
        for lane in range(r.shape[2]):
            for lag in range(noise):
                total = by[0, lag] * sums[0, lag, lane] + by[1, lag] * sums[1, lag, lane]
                r[lag, window, lane] = total + by[2, lag] * sums[2, lag, lane]
            total = by[0, noise] * sums[0, noise, lane] + by[1, noise] * sums[1, noise, lane]
            total += by[2, noise] * sums[2, noise, lane]
            r[0, window, lane] = r[0, window, lane] * (1.0 + WHITE) + total + FLOOR


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def levinson(r: Any, a: Any, reflections: Any, error: Any) -> None:
    """Solve for the coefficients of linear prediction, of n fits side by side.

    Args:
        r: autocorrelations [order + 1, n].
        a: coefficients [order, n], that of the newest sample first. Written.
        reflections: [order, n]. Written.
        error: the power of what is left [n]. Written.
    """
    for i in range(len(error)):
        error[i] = r[0, i]
    for order in range(len(a)):
        k = reflections[order]
        for i in range(len(k)):
            k[i] = r[order + 1, i]
        for j in range(order):
            for i in range(len(k)):
                k[i] -= a[j, i] * r[order - j, i]
        for i in range(len(k)):
            k[i] = min(max(k[i] / error[i], -LARGEST_REFLECTION), LARGEST_REFLECTION)
            error[i] = max(error[i] * (1.0 - k[i] * k[i]), LEAST * r[0, i])
        for j in range((order + 1) // 2):
            for i in range(len(k)):
                low, high = a[j, i], a[order - 1 - j, i]
                a[j, i] = low - k[i] * high
                a[order - 1 - j, i] = high - k[i] * low
        for i in range(len(k)):
            a[order, i] = k[i]


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def predict(a: Any, past: Any, predicted: Any) -> None:
    """Set predicted [windows, lanes] to what each window's prediction says comes next.

    Args:
        a: coefficients [order, windows, lanes].
        past: the last samples [order, lanes], the newest last.
        predicted: written.
    """
    for window in range(predicted.shape[0]):
        for lane in range(predicted.shape[1]):
            predicted[window, lane] = 0.0
    for j in range(len(a)):
        newest = len(a) - 1 - j
        for window in range(predicted.shape[0]):
            for lane in range(predicted.shape[1]):
                predicted[window, lane] += a[j, window, lane] * past[newest, lane]


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def place(axis: Any, samples: Any) -> None:
    """Replace samples [n] by where they stand, in cells from the middle of the axis.

    Args:
        axis: `lpc_lru_weights.Axis`.
        samples: those beyond -1 and 1 are clipped. Written.
    """
    cells = axis.steps / 2.0
    for i in range(len(samples)):
        size = min(abs(samples[i]), 1.0) * axis.slope
        if axis.kind == MU_LAW:
            size = log(1.0 + size)
        elif axis.kind == A_LAW:
            size = min(size, 1.0) + log(max(size, 1.0))
        samples[i] = math.copysign(size / axis.whole * cells, samples[i])
