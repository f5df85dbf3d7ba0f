"""How far a measure may go before it is a defect: further than the recordings ever do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """How the limit of a measure is set from what the corpus's chunks measure.

    Attributes:
        least: the limit is never lower: what every kind of music may measure.
        sure: what the defect measures when there is nothing else.
        margin: the limit lies this share of the way from the recordings to `sure`.
    """

    least: float
    sure: float
    margin: float

    def limit(self, measured: Sequence[float]) -> float:
        """Return the limit; a clip that measures more has the defect.

        Args:
            measured: of the corpus's chunks. The highest of them are left out (two, or fewer of
                few, and 2 % of many), so that a spoiled chunk does not make defects normal.

        Returns:
            The limit to six figures; infinite where the recordings measure as the defect does, so
            that it cannot be told.
        """
        ordered = sorted(value for value in measured if np.isfinite(value))
        spoiled = min(2, len(ordered) // 4) + len(ordered) // 50
        if not ordered:
            return self.least
        highest = ordered[-1 - spoiled]
        if highest >= self.sure:
            return float("inf")
        limit = highest + self.margin * (self.sure - highest)
        return float(f"{max(self.least, limit):.6g}")
