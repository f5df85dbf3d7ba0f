"""Weights kept in 16 bits, widened to floats where they are multiplied.

They are the upper halves of floats (bfloat16), so widening loses nothing: a product is, to the bit,
that of a matrix of floats rounded beforehand.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from rawtone.generation.kernels.vectors import FLOAT, INTEGERS, LANES, VECTOR

_HALF, _WORD = ir.IntType(16), ir.IntType(32)
_HALVES = ir.VectorType(_HALF, LANES)


def packed(weights: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return the upper halves of floats, rounded to nearest, half to even.

    Args:
        weights: float32 of any shape, finite.
    """
    bits = np.ascontiguousarray(weights, np.float32).view(np.uint32)
    odd = bits >> np.uint32(16) & np.uint32(1)
    return (bits + np.uint32(0x7FFF) + odd >> np.uint32(16)).astype(np.uint16)


def load_sixteen(builder: Any, pointer: Any, at: Any) -> Any:
    """Load 16 halves from anywhere as floats."""
    place = builder.bitcast(builder.gep(pointer, [at]), _HALVES.as_pointer())
    halves = builder.load(place)
    halves.align = 2
    upper = builder.shl(builder.zext(halves, INTEGERS), ir.Constant(INTEGERS, [16] * LANES))
    return builder.bitcast(upper, VECTOR)


def load_one(builder: Any, pointer: Any, at: Any) -> Any:
    """Load a half as a float."""
    half = builder.load(builder.gep(pointer, [at]))
    return builder.bitcast(builder.shl(builder.zext(half, _WORD), _WORD(16)), FLOAT)
