"""Matrices of any precision, and one name for their product with a vector.

A matrix is what `packed` returns: an array of floats, an array of bfloat16, or `eight_bits.Eight`.
`add_product` and `add_products` take any of them, so a kernel says nothing of precision: numba
compiles it anew for each.
"""

from typing import Any, Literal

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from rawtone.generation.kernels import eight_bits, products, sixteen_bits
from rawtone.generation.kernels.eight_bits import Eight

Precision = Literal["float32", "bfloat16", "int8"]
Matrix = NDArray[np.float32] | NDArray[np.uint16] | Eight

_LINE = 64  # bytes; a register that is loaded from two lines of the cache costs twice as much


def packed(weights: NDArray[Any], precision: Precision) -> Matrix:
    """Return weights as kernels read them.

    Args:
        weights: [..., inputs, outputs], one matrix or several of a size. Outputs are a multiple of
            16, for int8 inputs, too.
        precision: that they are kept in.
    """
    floats = np.asarray(weights, np.float32)
    match precision:
        case "float32":
            return aligned(floats)
        case "bfloat16":
            return aligned(sixteen_bits.packed(floats))
        case "int8":
            return Eight(*map(aligned, eight_bits.packed(floats)))


def of_logits(precision: Precision) -> Precision:
    """Return the precision of the matrix that logits come from.

    Rounding it to 8 bits moves every logit: of the demo's WaveNet it costs 0.014 bits a sample, and
    all other matrices together less than 0.001. In 16 bits it costs 0.0003.
    """
    return "bfloat16" if precision == "int8" else precision


def aligned(array: NDArray[Any]) -> NDArray[Any]:
    """Return a C-contiguous copy that begins with a line of the cache."""
    room = np.empty(array.nbytes + _LINE, np.uint8)
    skip = -room.ctypes.data % _LINE
    copy = room[skip : skip + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def part(matrices: Matrix, number: int) -> Matrix:
    """Return one of several matrices."""
    if isinstance(matrices, Eight):
        return Eight(*(array[number] for array in matrices))
    return matrices[number]


def inputs(matrix: Matrix) -> int:
    """Return how many inputs a matrix has, or each of several."""
    if isinstance(matrix, Eight):
        return eight_bits.GROUP * matrix.data.shape[-3]
    return matrix.shape[-2]


def add_product(matrix: Matrix, x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
    """Add to y[outputs] the product of x[inputs] with a matrix; in compiled code only."""
    raise TypeError("only compiled code can call it")


def add_products(matrix: Matrix, x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
    """Add to y[outputs, 16] those of x[inputs, 16], of 16 streams; in compiled code only.

    Each stream gets the bits that `add_product` gives it.
    """
    raise TypeError("only compiled code can call it")


def _is_eight(matrix: Any) -> bool:
    return isinstance(matrix, types.NamedTuple) and matrix.instance_class is Eight


@overload(part, strict=False)  # type: ignore[untyped-decorator]
def _part(matrices: Any, number: Any) -> Any:
    if _is_eight(matrices):
        return lambda matrices, number: Eight(
            matrices.data[number], matrices.scales[number], matrices.corrections[number]
        )
    return lambda matrices, number: matrices[number]


@overload(inputs, strict=False)  # type: ignore[untyped-decorator]
def _inputs(matrix: Any) -> Any:
    if _is_eight(matrix):
        return lambda matrix: eight_bits.GROUP * matrix.data.shape[-3]
    return lambda matrix: matrix.shape[-2]


@overload(add_product, strict=False)  # type: ignore[untyped-decorator]
def _add_product(matrix: Any, x: Any, y: Any) -> Any:
    if _is_eight(matrix):
        return lambda matrix, x, y: eight_bits.add_product(
            matrix.data, matrix.scales, matrix.corrections, x, y
        )
    return lambda matrix, x, y: products.add_product(matrix, x, y)


@overload(add_products, strict=False)  # type: ignore[untyped-decorator]
def _add_products(matrix: Any, x: Any, y: Any) -> Any:
    if _is_eight(matrix):
        return lambda matrix, x, y: eight_bits.add_products(
            matrix.data, matrix.scales, matrix.corrections, x, y
        )
    return lambda matrix, x, y: products.add_products(matrix, x, y)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def multiply(matrix: Any, x: Any, y: Any) -> None:
    """Add to y[outputs, lanes] the products of x[inputs, lanes] with a matrix, of 1 or 16 lanes."""
    if x.shape[1] == 1:
        add_product(matrix, x, y)
    else:
        add_products(matrix, x, y)
