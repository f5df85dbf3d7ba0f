"""Matrices of any precision, and one name for their product with a vector.

A matrix is what `packed` returns: an array of floats, an array of bfloat16, or `eight_bits.Eight`.
`multiply` takes any of them, so a kernel says nothing of precision: numba compiles it anew for
each.
"""

from typing import Any, Literal

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload
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
            data, scales, corrections = eight_bits.packed(floats)
            return Eight(aligned(data), aligned(scales), aligned(corrections))


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
    chosen: Matrix = matrices[number]
    return chosen


def inputs(matrix: Matrix) -> int:
    """Return how many inputs a matrix has, or each of several."""
    if isinstance(matrix, Eight):
        return eight_bits.GROUP * int(matrix.data.shape[-3])
    return int(matrix.shape[-2])


def _is_eight(matrix: Any) -> bool:
    return isinstance(matrix, types.NamedTuple) and matrix.instance_class is Eight


@overload(part, strict=False)  # type: ignore[untyped-decorator]
def _part(matrices: Any, _number: Any) -> Any:
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


def _of_parts(generate: Any) -> Any:
    """Return what generates code for an `Eight`, of what does so for its arrays one by one."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (matrix, *kinds), (value, *others) = signature.args, arguments
        arrays = cgutils.unpack_tuple(builder, value, len(matrix.types))
        parts = types.void(*matrix.types, *kinds)
        return generate(context, builder, parts, [*arrays, *others])

    return generated


@intrinsic  # type: ignore[untyped-decorator]
def add_product(_: Any, matrix: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs] the product of x[inputs] with a matrix; x and y are float32."""
    eight = _is_eight(matrix)
    generate = _of_parts(eight_bits.for_one) if eight else products.for_one(matrix)
    return types.void(matrix, x, y), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_products(_: Any, matrix: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] those of x[inputs, 16], of 16 streams: for each the same bits."""
    eight = _is_eight(matrix)
    generate = _of_parts(eight_bits.for_many) if eight else products.for_many(matrix)
    return types.void(matrix, x, y), generate


@njit(nogil=True)  # type: ignore[untyped-decorator]
def multiply(matrix: Any, x: Any, y: Any) -> None:
    """Add to y[outputs, lanes] the products of x[inputs, lanes] with a matrix, of 1 or 16 lanes."""
    if x.shape[1] == 1:
        add_product(matrix, x, y)
    else:
        add_products(matrix, x, y)
