"""What linear prediction makes of the held-out audio: the bar for a model that was trained on it.

Each sample is predicted from the 32 before it, by weights that start at zero and follow the signal
(normalized least mean squares). How far off it may be is told by how far off it was lately. It has
learned nothing beforehand, and knows at every sample only what came before.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.quantizers import Quantizer
from rawtone.kernels.compiling import compiled

Floats = NDArray[np.float64]

_ORDER = 32
_BLOCK = 1 << 20
_RATE = 0.2
_MEMORY = 0.95  # of the scale: about the last 20 samples
_FIRST_SCALE = 0.01
_FLOOR = 1e-5  # of an amplitude: less than half a step of 16-bit audio
_SURPRISE = 1e-4  # of all probability, shared by all codes: what is off by much costs no more


def linear_prediction_bits(codes: NDArray[np.integer], quantizer: Quantizer) -> float:
    """Return what a coder needs that predicts linearly and adapts as it goes.

    Args:
        codes: [samples] or [samples, channels]; each channel is predicted from its own past.
        quantizer: that made them.

    Returns:
        Bits per sample of a channel: the negative log2 of the probability mass that a Laplace
        distribution around the prediction gives to the cell of each code.
    """
    channels = np.atleast_2d(codes.T)
    return float(np.mean([_bits(channel, quantizer) for channel in channels]))


def _bits(codes: NDArray[np.integer], quantizer: Quantizer) -> float:
    """Return the bits per sample of one channel, block by block: memory does not grow."""
    edges = quantizer.edges().copy()
    edges[[0, -1]] = -math.inf, math.inf  # what is louder is clipped
    past, weights, state = np.zeros(_ORDER), np.zeros(_ORDER), np.array([_FIRST_SCALE, 0.0])
    total = 0.0
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        heard = np.concatenate([past, quantizer.decode(block).astype(np.float64)])
        predicted, scale = np.empty(len(block)), np.empty(len(block))
        _follow(heard, weights, state, predicted, scale)
        past = heard[len(block) :]
        mass = _cdf(edges[block + 1], predicted, scale) - _cdf(edges[block], predicted, scale)
        probability = (1 - _SURPRISE) * mass + _SURPRISE / quantizer.levels
        total -= float(np.log2(probability).sum())
    return total / len(codes)


@compiled
def _follow(
    heard: Floats, weights: Floats, state: Floats, predicted: Floats, scales: Floats
) -> None:
    """Predict samples one after the other, and learn from each.

    Args:
        heard: float64 [32 + samples], those before the first as well.
        weights: float64 [32], changed in place.
        state: the mean distance from what was predicted lately, and the power of the last 32;
            changed in place, too.
        predicted: float64 [samples], filled in: what the past says each is.
        scales: float64 [samples], filled in: how far off that may be.
    """
    scale, power = state
    for index in range(len(predicted)):
        guess = 0.0
        for place in range(_ORDER):
            guess += weights[place] * heard[index + place]
        predicted[index], scales[index] = guess, max(scale, _FLOOR)
        error = heard[index + _ORDER] - guess
        rate = _RATE * error / (_FLOOR + power)
        for place in range(_ORDER):
            weights[place] += rate * heard[index + place]
        scale = _MEMORY * scale + (1 - _MEMORY) * abs(error)
        power += heard[index + _ORDER] ** 2 - heard[index] ** 2
    state[0], state[1] = scale, power


def _cdf(x: Floats, centre: Floats, scale: Floats) -> Floats:
    """Return a Laplace distribution's share below x."""
    distance = (x - centre) / scale
    tail = np.exp(-np.abs(distance)) / 2
    return np.where(distance < 0, tail, 1 - tail)
