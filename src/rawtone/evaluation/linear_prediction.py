"""What linear prediction makes of the held-out audio: the bar for a model that was trained on it.

Each sample is predicted from the 32 before it, by weights that start at zero and follow the signal
(normalized least mean squares). How far off it may be is told by how far off it was lately. It has
learned nothing beforehand, and knows at every sample only what came before.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.quantizers import Quantizer

Floats = NDArray[np.float64]

_ORDER = 32
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
    predicted, scale = _predictions(quantizer.decode(codes).astype(np.float64))
    edges = quantizer.edges().copy()
    edges[[0, -1]] = -math.inf, math.inf  # what is louder is clipped
    mass = _cdf(edges[codes + 1], predicted, scale) - _cdf(edges[codes], predicted, scale)
    probability = (1 - _SURPRISE) * mass + _SURPRISE / quantizer.levels
    return float(-np.log2(probability).mean())


def _predictions(samples: Floats) -> tuple[Floats, Floats]:
    """Return for every sample what the past says it is, and the mean distance from that lately."""
    past = np.concatenate([np.zeros(_ORDER), samples])
    weights = np.zeros(_ORDER)
    predicted, scales = np.empty(len(samples)), np.empty(len(samples))
    scale, power = _FIRST_SCALE, 0.0
    for index, sample in enumerate(samples.tolist()):
        heard = past[index : index + _ORDER]
        guess = float(weights @ heard)
        predicted[index], scales[index] = guess, max(scale, _FLOOR)
        error = sample - guess
        weights += (_RATE * error / (_FLOOR + power)) * heard
        scale = _MEMORY * scale + (1 - _MEMORY) * abs(error)
        power += sample * sample - past[index] ** 2
    return predicted, scales


def _cdf(x: Floats, centre: Floats, scale: Floats) -> Floats:
    """Return a Laplace distribution's share below x."""
    distance = (x - centre) / scale
    tail = np.exp(-np.abs(distance)) / 2
    return np.where(distance < 0, tail, 1 - tail)
