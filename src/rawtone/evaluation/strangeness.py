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
        usual: the median of such distances, for seconds of held-out recordings.
    """

    known: Points
    usual: float

    @classmethod
    def of(cls, features: Features) -> Self:
        """Get to know a corpus by its features."""
        known = np.concatenate(features.train)
        held_out = _nearest(np.concatenate(features.held_out), known)
        return cls(known, median(held_out.tolist()) or 1.0)

    def of_clip(self, points: Points) -> float:
        """Return the mean distance of a clip's seconds as a multiple of the usual one.

        Args:
            points: float32 [seconds, dimensions]; without any, a clip counts as usual.
        """
        return float(_nearest(points, self.known).mean()) / self.usual if len(points) else 1.0


def _nearest(points: Points, known: Points) -> NDArray[np.float64]:
    """Return the distance of each point to the nearest known one, in bounded memory."""
    apart = (np.linalg.norm(known - point, axis=1).min(initial=np.inf) for point in points)
    return np.fromiter(apart, np.float64, len(points))
