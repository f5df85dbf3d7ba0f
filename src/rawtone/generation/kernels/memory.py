"""Where weights lie: a vector that crosses two lines of the cache takes twice as long to load."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.generation.kernels.vectors import LANES

LINE = 64  # bytes


def aligned(array: NDArray[Any]) -> NDArray[Any]:
    """Return a C-contiguous copy that begins where a line of the cache does."""
    room = np.empty(array.nbytes + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    copied = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copied[...] = array
    return copied


def padded(array: NDArray[Any], *axes: int) -> NDArray[np.float32]:
    """Return it aligned, as float32, with axes filled up to multiples of 16 with zeros."""
    widths = [(0, -size % LANES if axis in axes else 0) for axis, size in enumerate(array.shape)]
    return aligned(np.pad(array, widths).astype(np.float32))
