"""Products with weights and inputs of 8 bits, summed as integers and so exact in any order.

Weights have a scale for each output, inputs one for each vector and stream, found from its
greatest element. Where the processor has AVX-512 VNNI, one instruction multiplies and adds 64
pairs, with AVX VNNI 32; elsewhere the same integers come from plain arithmetic.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from rawtone.generation.kernels.loops import carried, in_tiles
from rawtone.generation.kernels.products import REGISTERS, product
from rawtone.kernels.vectors import (
    FLOAT,
    INTEGERS,
    LANES,
    VECTOR,
    constant,
    fma,
    index,
    load,
    prefetch,
    splat,
    store,
)

GROUP = 4  # products that one instruction adds up in each of 16 places
MOST = 127  # weights and inputs lie between -127 and 127
_AHEAD = 8  # rows that are asked for early: from the second cache a third more come in time
_SMALLEST = 1e-30  # of a greatest element, so that nothing is divided by zero
_BYTE, _WORD = ir.IntType(8), ir.IntType(32)
_BYTES, _HALF = ir.VectorType(_BYTE, LANES), ir.VectorType(_WORD, LANES // 2)
_PAIRS = ir.VectorType(ir.IntType(16), 2 * LANES)


class Eight(NamedTuple):
    """A matrix, or several, in 8 bits.

    Attributes:
        data: int8 [..., inputs / 4, outputs, 4].
        scales: float32 [..., outputs], what a 1 in `data` stands for.
        corrections: int32 [..., outputs], -128 times the sums of `data` over inputs: inputs are
            stored with 128 added to them, as the instruction wants them unsigned.
    """

    data: NDArray[np.int8]
    scales: NDArray[np.float32]
    corrections: NDArray[np.int32]


def packed(weights: NDArray[np.float32]) -> Eight:
    """Round weights to 8 bits, symmetrically, with a scale for each output.

    Args:
        weights: float32 [..., inputs, outputs], both multiples of 16.
    """
    greatest = np.abs(weights).max(axis=-2)
    scales = np.maximum(greatest, np.float32(_SMALLEST)) / np.float32(MOST)
    rounded = np.rint(weights / scales[..., None, :]).astype(np.int8)
    *several, inputs, outputs = weights.shape
    grouped = rounded.reshape(*several, inputs // GROUP, GROUP, outputs)
    return Eight(
        np.ascontiguousarray(np.swapaxes(grouped, -1, -2)),
        scales.astype(np.float32),
        -128 * rounded.sum(axis=-2, dtype=np.int32),
    )


def _of_one(dot: Any, builder: Any, *given: Any) -> None:
    """Emit the product for one stream: given the shape of data, and pointers to all arrays."""
    groups, outputs, _, w, s, c, xs, ys = given
    codes = builder.alloca(_BYTE, size=builder.mul(groups, index(GROUP)))
    codes.align = 64
    step = splat(builder, _encode(builder, xs, groups, codes))

    def tile(start: Any, registers: int) -> None:
        chains = max(1, min(4, 8 // registers))  # divides the groups, which are a multiple of 4
        places = [builder.add(start, index(LANES * r)) for r in range(registers)]

        def more(i: Any, sums: list[Any]) -> list[Any]:
            results = []
            for chain in range(chains):
                group = builder.add(builder.mul(i, index(chains)), index(chain))
                value, row = _word(builder, codes, group), builder.mul(group, outputs)
                later = builder.add(row, builder.mul(outputs, index(_AHEAD)))
                for place in places:
                    prefetch(builder, w, builder.mul(builder.add(later, place), index(GROUP)))
                found = [_words(builder, w, builder.add(row, place)) for place in places]
                before = sums[chain * registers : (chain + 1) * registers]
                results += [dot(builder, a, value, b) for a, b in zip(before, found, strict=True)]
            return results

        begun = [_words(builder, c, place) for place in places]
        begun += [_whole(0)] * (registers * (chains - 1))
        totals = carried(builder, begun, builder.udiv(groups, index(chains)), more)
        for r, place in enumerate(places):
            total = reduce(builder.add, totals[r::registers])
            scale = builder.fmul(load(builder, s, place), step)
            found = builder.sitofp(total, VECTOR)
            store(builder, fma(builder, found, scale, load(builder, ys, place)), ys, place)

    in_tiles(builder, outputs, LANES, tile)


def _of_many(dot: Any, builder: Any, *given: Any) -> None:
    """Emit the product for 16 streams."""
    groups, outputs, _, w, s, c, xs, ys = given
    codes = builder.alloca(_BYTE, size=builder.mul(groups, index(GROUP * LANES)))
    codes.align = 64
    step = _encode_many(builder, xs, groups, codes)

    def tile(start: Any, registers: int) -> None:
        rows = [builder.add(start, index(r)) for r in range(registers)]

        def more(i: Any, sums: list[Any]) -> list[Any]:
            value = _words(builder, codes, builder.mul(i, index(LANES)))
            first = builder.mul(i, outputs)
            found = [_word(builder, w, builder.add(first, row)) for row in rows]
            return [dot(builder, a, value, b) for a, b in zip(sums, found, strict=True)]

        totals = carried(builder, [_word(builder, c, row) for row in rows], groups, more)
        for row, total in zip(rows, totals, strict=True):
            scale = builder.fmul(splat(builder, builder.load(builder.gep(s, [row]))), step)
            found, place = builder.sitofp(total, VECTOR), builder.mul(row, index(LANES))
            store(builder, fma(builder, found, scale, load(builder, ys, place)), ys, place)

    in_tiles(builder, outputs, 1, tile, [REGISTERS])


def _words(builder: Any, pointer: Any, at: Any) -> Any:
    """Load 16 words of 4 bytes each; `at` counts words."""
    words = builder.bitcast(pointer, _WORD.as_pointer())
    value = builder.load(builder.bitcast(builder.gep(words, [at]), INTEGERS.as_pointer()))
    value.align = 4
    return value


def _word(builder: Any, pointer: Any, at: Any) -> Any:
    """Load a word of 4 bytes, 16 times the same; `at` counts words."""
    words = builder.bitcast(pointer, _WORD.as_pointer())
    value = builder.load(builder.gep(words, [at]))
    value.align = 4
    nothing = ir.Constant(INTEGERS, ir.Undefined)
    first = builder.insert_element(nothing, value, _WORD(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(INTEGERS, [0] * LANES))


def _whole(value: int) -> Any:
    return ir.Constant(INTEGERS, [value] * LANES)


def _greater(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _size(builder: Any, x: Any) -> Any:
    kind = ir.FunctionType(VECTOR, [VECTOR])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fabs.v{LANES}f32")
    return builder.call(function, [x])


def _rounded(builder: Any, x: Any, factor: Any) -> Any:
    """Return integers whose lowest byte is 128 + x * factor, rounded once, half to even.

    So far from zero a float has no digits behind the point, and its last bits are an integer's.
    """
    far = fma(builder, x, factor, constant(1.5 * 2.0**23 + 128))
    return builder.bitcast(far, INTEGERS)


def _encode(builder: Any, xs: Any, groups: Any, codes: Any) -> Any:
    """Write one stream's inputs as bytes; return what a 1 stands for, a float."""
    count = builder.udiv(groups, index(LANES // GROUP))

    def most(i: Any, found: list[Any]) -> list[Any]:
        x = load(builder, xs, builder.mul(i, index(LANES)))
        return [_greater(builder, _size(builder, x), found[0])]

    (each,) = carried(builder, [constant(_SMALLEST)], count, most)
    kind = ir.FunctionType(FLOAT, [VECTOR])
    name = f"llvm.vector.reduce.fmax.v{LANES}f32"
    reduce = cgutils.get_or_insert_function(builder.module, kind, name)
    greatest = builder.call(reduce, [each], fastmath=("nnan",))
    factor = splat(builder, builder.fdiv(FLOAT(float(MOST)), greatest))
    with cgutils.for_range(builder, count) as loop:
        at = builder.mul(loop.index, index(LANES))
        whole = _rounded(builder, load(builder, xs, at), factor)
        place = builder.bitcast(builder.gep(codes, [at]), _BYTES.as_pointer())
        builder.store(builder.trunc(whole, _BYTES), place).align = 16
    return builder.fdiv(greatest, FLOAT(float(MOST)))


def _encode_many(builder: Any, xs: Any, groups: Any, codes: Any) -> Any:
    """Write 16 streams' inputs as bytes [groups, 16, 4]; return what a 1 stands for in each."""

    def most(i: Any, found: list[Any]) -> list[Any]:
        first = builder.mul(i, index(GROUP))
        for k in range(GROUP):
            x = load(builder, xs, builder.mul(builder.add(first, index(k)), index(LANES)))
            found = [*found[1:], _greater(builder, _size(builder, x), found[0])]
        return found

    a, b = carried(builder, [constant(_SMALLEST)] * 2, groups, most)
    greatest = _greater(builder, a, b)
    factor = builder.fdiv(constant(float(MOST)), greatest)
    with cgutils.for_range(builder, groups) as loop:
        together = _whole(0)
        for k in range(GROUP):
            row = builder.add(builder.mul(loop.index, index(GROUP)), index(k))
            whole = _rounded(builder, load(builder, xs, builder.mul(row, index(LANES))), factor)
            byte = builder.and_(whole, _whole(255))
            together = builder.or_(together, builder.shl(byte, _whole(8 * k)))
        place = builder.gep(codes, [builder.mul(loop.index, index(GROUP * LANES))])
        builder.store(together, builder.bitcast(place, INTEGERS.as_pointer())).align = 64
    return builder.fdiv(greatest, constant(float(MOST)))


def _wide(builder: Any, total: Any, inputs: Any, weights: Any) -> Any:
    """Emit, for 16 places, a sum plus 4 unsigned bytes times 4 signed bytes: one instruction."""
    return _instruction(builder, LANES, [total, inputs, weights])


def _narrow(builder: Any, total: Any, inputs: Any, weights: Any) -> Any:
    """Emit the same for processors whose instruction takes 8 places."""
    halves = []
    for first in (0, LANES // 2):
        places = ir.Constant(_HALF, list(range(first, first + LANES // 2)))
        parts = [builder.shuffle_vector(x, x, places) for x in (total, inputs, weights)]
        halves.append(_instruction(builder, LANES // 2, parts))
    return builder.shuffle_vector(*halves, ir.Constant(INTEGERS, list(range(LANES))))


def _instruction(builder: Any, places: int, operands: list[Any]) -> Any:
    kind = ir.FunctionType(operands[0].type, [operand.type for operand in operands])
    name = f"llvm.x86.avx512.vpdpbusd.{32 * places}"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, operands)


def _plain(builder: Any, total: Any, inputs: Any, weights: Any) -> Any:
    """Emit the same for any other processor: products of pairs, of which many can add up two."""
    x, w, eight = builder.bitcast(inputs, _PAIRS), builder.bitcast(weights, _PAIRS), _pairs(8)
    lower = builder.and_(x, _pairs(255)), builder.ashr(builder.shl(w, eight), eight)
    upper = builder.lshr(x, eight), builder.ashr(w, eight)
    wide = ir.VectorType(_WORD, 2 * LANES)
    for left, right in (lower, upper):
        found = builder.mul(builder.sext(left, wide), builder.sext(right, wide))
        for first in (0, 1):
            places = ir.Constant(INTEGERS, list(range(first, 2 * LANES, 2)))
            total = builder.add(total, builder.shuffle_vector(found, found, places))
    return total


def _pairs(value: int) -> Any:
    return ir.Constant(_PAIRS, [value] * (2 * LANES))


_DOTS = {"+avx512vnni": _wide, "+avxvnni": _narrow}


def _with_dot(name: str, emit: Callable[..., None]) -> Callable[..., Any]:
    """Return what generates a call of a product that multiplies as this processor can.

    Args:
        name: of its function.
        emit: emits its body, given what emits 64 multiplications.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, _, features = context.codegen().magic_tuple()
        known = [dot for feature, dot in _DOTS.items() if feature in features.split(",")]
        dot = known[0] if known else _plain
        return product(name, partial(emit, dot))(context, builder, signature, arguments)

    return generate


for_one = _with_dot("add_product_of_bytes", _of_one)
for_many = _with_dot("add_products_of_bytes", _of_many)


@intrinsic  # type: ignore[untyped-decorator]
def add_product(_: Any, weights: Any, scales: Any, corrections: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs] the product of x[inputs] with an `Eight`'s data, scales and corrections.

    Arrays are C-contiguous, x and y float32; inputs and outputs are multiples of 16.
    """
    return types.void(weights, scales, corrections, x, y), for_one


@intrinsic  # type: ignore[untyped-decorator]
def add_products(_: Any, weights: Any, scales: Any, corrections: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] those of x[inputs, 16], of 16 streams: for each the same bits."""
    return types.void(weights, scales, corrections, x, y), for_many
