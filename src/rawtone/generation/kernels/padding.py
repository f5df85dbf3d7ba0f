"""Filling axes up to whole vectors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.kernels.vectors import LANES


def up(size: int) -> int:
    """Return a size rounded up to whole vectors."""
    return -(-size // LANES) * LANES


def padded(array: NDArray[Any], axis: int, parts: int = 1) -> NDArray[Any]:
    """Fill each of several equal parts of an axis up to whole vectors with zeros."""
    axis %= array.ndim
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    size = array.shape[axis] // parts
    widths = [(0, up(size) - size if k == axis + 1 else 0) for k in range(array.ndim + 1)]
    filled = np.pad(array.reshape(*before, parts, size, *after), widths)
    return filled.reshape(*before, parts * up(size), *after)
