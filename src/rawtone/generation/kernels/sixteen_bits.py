"""Weights kept in 16 bits, widened to floats where they are multiplied.

They are the upper halves of floats (bfloat16), so widening loses nothing: a product is, to the bit,
that of a matrix of floats rounded beforehand.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numpy.typing import NDArray

from rawtone.kernels.vectors import INTEGERS, LANES, VECTOR, index

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


def widen(
    builder: Any, pointer: Any, first: Any, stride: Any, rows: Any, registers: int, wide: Any
) -> None:
    """Copy so many halves from each of the rows of a matrix, as floats.

    Args:
        builder: of LLVM's code.
        pointer: of the matrix.
        first: where in its row the halves begin.
        stride: elements to a row.
        rows: how many.
        registers: halves to copy of each row.
        wide: where to, the floats of a row behind those of the row before.
    """
    halves, words = ir.VectorType(_HALF, registers), ir.VectorType(_WORD, registers)
    with cgutils.for_range(builder, rows) as loop:
        at = builder.add(builder.mul(loop.index, stride), first)
        found = builder.load(builder.bitcast(builder.gep(pointer, [at]), halves.as_pointer()))
        found.align = 2
        upper = builder.shl(builder.zext(found, words), ir.Constant(words, [16] * registers))
        place = builder.gep(wide, [builder.mul(loop.index, index(registers))])
        kept = builder.store(upper, builder.bitcast(place, words.as_pointer()))
        kept.align = 4
