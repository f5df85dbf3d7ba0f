"""How strange a clip sounds to an ear that knows a corpus."""

from dataclasses import dataclass
from statistics import median
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rawtone.evaluation.features import Features, Points


@dataclass(frozen=True)
class Strangeness:
    """Compares each second of a clip with the second of the training recordings nearest to it.

    Attributes:
        known: float32 [seconds, dimensions], of training recordings.
        usual: the median of such distances, for seconds of held-out recordings; None where no
            recording is long enough to tell.
    """

    known: Points
    usual: float | None

    @classmethod
    def of(cls, features: Features) -> Self:
        """Get to know a corpus by its features."""
        none = np.zeros((0, len(features.centre)), np.float32)
        known, held_out = (np.concatenate([none, *p]) for p in (features.train, features.held_out))
        if not len(known) or not len(held_out):
            return cls(known, None)
        return cls(known, median(_nearest(held_out, known).tolist()) or 1.0)

    def of_clip(self, points: Points) -> float:
        """Return the mean distance of a clip's seconds as a multiple of the usual one.

        Args:
            points: float32 [seconds, dimensions]; without any, a clip counts as usual.
        """
        if self.usual is None or not len(points):
            return 1.0
        return float(_nearest(points, self.known).mean()) / self.usual


def _nearest(points: Points, known: Points) -> NDArray[np.float64]:
    """Return the distance of each point to the nearest known one, in bounded memory."""
    apart = (np.linalg.norm(known - point, axis=1).min(initial=np.inf) for point in points)
    return np.fromiter(apart, np.float64, len(points))
