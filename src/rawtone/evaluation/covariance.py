"""Covariances of few vectors of many dimensions, and the Frechet distance between two sets."""

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


def power(covariance: Floats, exponent: float) -> Floats:
    """Return a power of a symmetric matrix without negative eigenvalues; of 0 it is 0."""
    values, vectors = np.linalg.eigh(covariance)
    present = values > values.max(initial=0.0) * 1e-12
    raised = np.where(present, np.where(present, values, 1.0) ** exponent, 0.0)
    result: Floats = (vectors * raised) @ vectors.T
    return result


def frechet_distance(one: Floats, other: Floats) -> float:
    """Return the Frechet distance between normal distributions fitted to two sets of vectors.

    Dowson & Landau, "The Fréchet distance between multivariate normal distributions" (1982), as
    used by FID (Heusel et al. 2017) and FAD (Kilgour et al. 2019): squared. Covariances are shrunk,
    or sets with fewer vectors than dimensions would have none; it is still biased, so sets of other
    sizes do not compare.

    Args:
        one: float64 [vectors, dimensions], at least two.
        other: likewise.
    """
    first, second = shrunk(one), shrunk(other)
    root = power(first, 0.5)
    common = np.linalg.eigvalsh(root @ second @ root)
    apart = one.mean(axis=0) - other.mean(axis=0)
    overlap = 2 * np.sqrt(np.maximum(common, 0.0)).sum()
    return float(apart @ apart + np.trace(first) + np.trace(second) - overlap)
