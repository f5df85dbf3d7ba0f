"""How far figures would differ if other tracks of the same kind had been held out."""

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

FEWEST_TRACKS = 3
_RESAMPLES = 2000
_TAILS = (0.025, 0.975)
_SEED = 0


def ratio_interval(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> Interval | None:
    """Return the 95 % interval of a mean over tracks that are drawn anew (percentile bootstrap).

    Whole tracks are drawn, since the samples of one track have much in common (the cluster
    bootstrap; Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 8 and 13.3). The same
    draws serve all checkpoints, so that intervals differ only where losses do. Of few tracks the
    interval is too narrow: of 3 it holds the true mean about 75 times of 100, of 5 about 85, of 20
    about 94.

    Args:
        sums: float64 [tracks], of all samples of a track.
        counts: int64 [tracks], samples.

    Returns:
        Both ends of sum over count, or None of fewer than three tracks.
    """
    if len(sums) < FEWEST_TRACKS:
        return None
    random = np.random.Generator(np.random.Philox(key=_SEED))
    drawn = [random.integers(len(sums), size=len(sums)) for _ in range(_RESAMPLES)]
    means = [float(sums[tracks].sum() / counts[tracks].sum()) for tracks in drawn]
    low, high = np.quantile(means, _TAILS)
    return float(low), float(high)
