"""Covariances of few vectors of many dimensions, and the Frechet distance between two sets."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shrunk(vectors: Floats) -> Floats:
    """Estimate a covariance that can be inverted, by pulling it towards a multiple of the identity.

    Ledoit & Wolf, "A well-conditioned estimator for large-dimensional covariance matrices" (2004),
    lemma 3.2 to 3.4: how far follows from how much the vectors disagree about it.

    Args:
        vectors: float64 [vectors, dimensions], at least two.

    Returns:
        float64 [dimensions, dimensions].
    """
    count, dimensions = vectors.shape
    centred = vectors - vectors.mean(axis=0)
    sample = centred.T @ centred / count
    scale = float(np.trace(sample)) / dimensions
    spread = float(np.sum((sample - scale * np.eye(dimensions)) ** 2))
    # the sum over vectors of |x x' - S|^2 is that of |x|^4, less n |S|^2
    fourth = float(np.sum(np.sum(centred**2, axis=1) ** 2))
    noise = max(fourth / count**2 - float(np.sum(sample**2)) / count, 0.0)
    share = min(noise / spread, 1.0) if spread else 1.0
    pulled: Floats = (1 - share) * sample + share * scale * np.eye(dimensions)
    return pulled


@dataclass(frozen=True)
class Normal:
    """A normal distribution fitted to vectors.

    Args:
        vectors: float64 [vectors, dimensions], at least two.
    """

    vectors: Floats

    @cached_property
    def mean(self) -> Floats:
        """The mean: float64 [dimensions]."""
        mean: Floats = self.vectors.mean(axis=0)
        return mean

    @cached_property
    def covariance(self) -> Floats:
        """The covariance, shrunk: float64 [dimensions, dimensions]."""
        return shrunk(self.vectors)

    @cached_property
    def root(self) -> Floats:
        """The symmetric square root of the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        return root


def frechet_distance(one: Normal, other: Normal) -> float:
    """Return the squared Frechet distance between two normal distributions.

    Dowson & Landau, "The Fréchet distance between multivariate normal distributions" (1982), as
    used by FID (Heusel et al. 2017) and FAD (Kilgour et al. 2019). Covariances are shrunk, or sets
    with fewer vectors than dimensions would have none; it is still biased by their number.
    """
    common = np.linalg.eigvalsh(one.root @ other.covariance @ one.root)
    apart = one.mean - other.mean
    overlap = 2 * np.sqrt(np.maximum(common, 0.0)).sum()
    spread = np.trace(one.covariance) + np.trace(other.covariance)
    return float(apart @ apart + spread - overlap)
