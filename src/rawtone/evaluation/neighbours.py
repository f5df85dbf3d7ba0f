"""Whether sets of points lie where another does: precision, recall, density and coverage."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEAREST = 5  # as in Naeem et al. 2020
_SAME = 1e-6  # squared: points of silence are the same on all machines


def distances(one: Floats, other: Floats) -> Floats:
    """Return the Euclidean distances of two sets of points.

    Args:
        one: float64 [n, dimensions].
        other: float64 [m, dimensions].

    Returns:
        float64 [n, m]; 0 of what is the same but for rounding.
    """
    squares = np.sum(one**2, axis=1)[:, None] + np.sum(other**2, axis=1) - 2 * one @ other.T
    apart: Floats = np.sqrt(np.where(squares < _SAME, 0.0, squares))
    return apart


def radii(among: Floats) -> Floats:
    """Return how far the fifth nearest other point is from each.

    Args:
        among: float64 [n, n], distances of the points of a set; n is more than 5.
    """
    return np.partition(among, NEAREST, axis=1)[:, NEAREST]


def overlap(between: Floats, real: Floats, made: Floats) -> dict[str, float]:
    """Tell how two sets of points lie in each other.

    A ball lies around each point and reaches its fifth nearest. Precision is the share of made
    points in the ball of a real one, recall that of real points in the ball of a made one
    (Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models",
    2019, eq. 1 and 2). Density is how many balls of real points hold a made one, divided by five,
    coverage the share of real balls that hold any (Naeem et al., "Reliable fidelity and diversity
    metrics for generative models", 2020, eq. 3 and 4).

    Args:
        between: float64 [real, made], distances.
        real: float64 [real], `radii` of the real points.
        made: float64 [made], those of the made points.
    """
    in_real, in_made = between <= real[:, None], between <= made
    return {
        "precision": float(in_real.any(axis=0).mean()),
        "recall": float(in_made.any(axis=1).mean()),
        "density": float(in_real.sum() / (NEAREST * between.shape[1])),
        "coverage": float(in_real.any(axis=1).mean()),
    }
