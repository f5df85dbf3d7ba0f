"""A bank of resonators: the power of the past in bands, frame by frame.

Each is one complex number z[t] = d z[t - 1] + x[t]; there is no buffer and no transform.
"""

import math
from typing import Any

import numpy as np
from keras import ops

from rawtone.models import scans

_LOWEST, _HIGHEST = 0.015, 0.9 * math.pi  # radians a sample
_PERIODS = 6.0  # that a resonator remembers
_SHORTEST, _LONGEST = 32.0, 1024.0  # samples
FLOOR = 1e-9


class Resonators:
    """Resonators evenly spread over the logarithm of frequency.

    Args:
        count: of resonators.
        frame: samples between two looks at them.

    Attributes:
        shape: of a stream's state.
        weights: what a sample of a frame adds to it, real and then imaginary, [frame, 2 * count].
        ageing: what a frame makes of the state before it, complex [count].
    """

    def __init__(self, count: int, frame: int) -> None:
        self.shape = (2, count)
        frequency = np.geomspace(_LOWEST, _HIGHEST, count)
        memory = np.clip(_PERIODS * 2.0 * math.pi / frequency, _SHORTEST, _LONGEST)
        pole = np.exp(-1.0 / memory + 1j * frequency)
        age = np.arange(frame)[::-1, None]
        weights = pole**age * (2.0 / memory)
        self.weights = np.concatenate([weights.real, weights.imag], axis=1)
        self.ageing = pole**frame

    def run(self, samples: Any, before: Any) -> Any:
        """Return the resonators' state after each frame, [batch, n, *shape].

        Args:
            samples: float32 [batch, n, frame].
            before: their state before the first, [batch, *shape].
        """
        struck = ops.matmul(samples, ops.convert_to_tensor(self.weights, "float32"))
        return scans.turning(
            self.ageing, ops.reshape(struck, (*samples.shape[:2], *self.shape)), before
        )

    def levels(self, state: Any) -> Any:
        """Return the logarithm of each one's power, float32 [..., count].

        Args:
            state: float32 [..., *shape].
        """
        return ops.log(ops.sum(ops.square(state), axis=-2) + FLOOR)
