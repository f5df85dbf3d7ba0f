"""What a WaveNet does with a sample, for one stream or for 16: the last axis is theirs."""

from typing import Any

import numpy as np
from numba import njit

from rawtone.generation.kernels.elements import add, copy, gate, rectify, spread
from rawtone.generation.kernels.weights import inputs, multiply, part


@njit(nogil=True)  # type: ignore[untyped-decorator]
def levels_of(w: Any) -> int:
    """Return the number of codes."""
    return len(w.samples) or w.causal.shape[1]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _embed(w: Any, past: Any, x: Any) -> None:
    """Set x [residual, lanes] to what the first convolution says."""
    taps, lanes = past.shape
    residual = len(x)
    if len(w.samples):
        heard = np.empty((taps, lanes), np.float32)
        for k in range(taps):
            for lane in range(lanes):
                heard[k, lane] = w.samples[past[k, lane]]
        for channel in range(residual):
            for lane in range(lanes):
                x[channel, lane] = 0
        multiply(w.causal.reshape((taps, residual)), heard, x)
        return
    own = np.empty(residual, np.float32)
    for lane in range(lanes):
        copy(w.causal[0, past[0, lane]], own)
        for k in range(1, taps):
            add(w.causal[k, past[k, lane]], own)
        for channel in range(residual):
            x[channel, lane] = own[channel]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def take_in(w: Any, rings: Any, told: Any, past: Any, count: Any, gated: Any) -> None:
    """Let the layers hear the last of the past codes.

    Args:
        w: `wavenet_weights.Weights`.
        rings: of the state.
        told: of the state.
        past: of the state.
        count: of the state.
        gated: [blocks * dilation, lanes]; written.
    """
    lanes, residual, channels = past.shape[1], w.dense_bias.shape[1], w.gated_bias.shape[1] // 2
    taps = inputs(w.past) // residual + 1
    x, bias = np.empty((residual, lanes), np.float32), np.empty((residual, lanes), np.float32)
    heard = np.empty((inputs(w.past), lanes), np.float32)
    both = np.empty((2 * channels, lanes), np.float32)
    _embed(w, past, x)
    slot = 0
    for b in range(len(w.dilations)):
        size = (taps - 1) * w.dilations[b] + 1
        now = count[0, 0] % size
        copy(x, rings[slot + now])
        for k in range(taps - 1):
            age = (taps - 1 - k) * w.dilations[b]
            then = now - age if now >= age else now - age + size
            copy(rings[slot + then], heard[k * residual : (k + 1) * residual])
        slot += size
        copy(told[b], both)
        multiply(part(w.past, b), heard, both)
        multiply(part(w.now, b), x, both)
        z = gated[b * channels : (b + 1) * channels]
        gate(both[:channels], both[channels:], z)
        spread(w.dense_bias[b], bias)
        add(bias, x)
        multiply(part(w.dense, b), z, x)
    for lane in range(lanes):
        count[0, lane] += 1


@njit(nogil=True)  # type: ignore[untyped-decorator]
def logits_of(w: Any, gated: Any, logits: Any) -> None:
    """Set logits [levels, lanes] to what the layers together say.

    Args:
        w: `wavenet_weights.Weights`.
        gated: [blocks * dilation, lanes].
        logits: filled up to a multiple of 16. Written.
    """
    lanes = gated.shape[1]
    hidden = np.empty((len(w.skip_bias), lanes), np.float32)
    second = np.empty((len(w.post_bias), lanes), np.float32)
    spread(w.skip_bias, hidden)
    multiply(w.skip, gated, hidden)
    rectify(hidden)
    spread(w.post_bias, second)
    multiply(w.post, hidden, second)
    rectify(second)
    spread(w.out_bias, logits)
    multiply(w.out, second, logits)
