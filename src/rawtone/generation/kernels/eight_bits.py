"""Products with weights and inputs of 8 bits, summed as integers and so exact in any order.

Weights have a scale for each output, inputs one for each vector and stream, found from its
greatest element. Where the processor has AVX-512 VNNI, one instruction multiplies and adds 64
pairs; elsewhere the same integers come from plain arithmetic.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from rawtone.generation.kernels.loops import carried, in_tiles
from rawtone.generation.kernels.scratch import restore, scratch
from rawtone.generation.kernels.vectors import (
    FLOAT,
    INTEGERS,
    LANES,
    VECTOR,
    constant,
    data,
    fma,
    index,
    load,
    splat,
    store,
)

GROUP = 4  # products that one instruction adds up in each of 16 places
MOST = 127  # weights and inputs lie between -127 and 127
_SMALLEST = 1e-30  # of a greatest element, so that nothing is divided by zero
_BYTE, _WORD, _BYTES = ir.IntType(8), ir.IntType(32), ir.VectorType(ir.IntType(8), LANES)


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


@intrinsic
def add_product(typing: Any, weights: Any, scales: Any, corrections: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs] the product of x[inputs] with weights in 8 bits.

    Args:
        typing: numba's.
        weights: `Eight.data`.
        scales: `Eight.scales`.
        corrections: `Eight.corrections`.
        x: float32 [inputs], a multiple of 16.
        y: float32 [outputs], a multiple of 16; written.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        groups, outputs, pointers = _opened(context, builder, signature, arguments)
        w, s, c, xs, ys = pointers
        dot = _dot(context, builder)
        saved, codes = scratch(builder, _BYTE, builder.mul(groups, index(GROUP)))
        step = splat(builder, _encode(builder, xs, groups, codes))

        def tile(start: Any, registers: int) -> None:
            chains = max(1, min(4, 8 // registers))  # as groups are multiples of 4
            places = [builder.add(start, index(LANES * r)) for r in range(registers)]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                results = []
                for chain in range(chains):
                    group = builder.add(builder.mul(i, index(chains)), index(chain))
                    value = _word(builder, codes, group)
                    row = builder.mul(group, outputs)
                    for r, place in enumerate(places):
                        found = _words(builder, w, builder.add(row, place))
                        results.append(dot(sums[chain * registers + r], value, found))
                return results

            begun = [_words(builder, c, place) for place in places]
            begun += [ir.Constant(INTEGERS, [0] * LANES)] * (registers * (chains - 1))
            totals = carried(builder, begun, builder.udiv(groups, index(chains)), more)
            for r, place in enumerate(places):
                total = totals[r]
                for other in totals[r + registers :: registers]:
                    total = builder.add(total, other)
                scale = builder.fmul(load(builder, s, place), step)
                found = builder.sitofp(total, VECTOR)
                store(builder, fma(builder, found, scale, load(builder, ys, place)), ys, place)

        in_tiles(builder, outputs, LANES, tile)
        restore(builder, saved)
        return context.get_dummy_value()

    return types.void(weights, scales, corrections, x, y), generate


@intrinsic
def add_products(typing: Any, weights: Any, scales: Any, corrections: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with weights in 8 bits.

    Args:
        typing: numba's.
        weights: `Eight.data`.
        scales: `Eight.scales`.
        corrections: `Eight.corrections`.
        x: float32 [inputs, 16], inputs a multiple of 16.
        y: float32 [outputs, 16]; written.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        groups, outputs, pointers = _opened(context, builder, signature, arguments)
        w, s, c, xs, ys = pointers
        dot = _dot(context, builder)
        saved, codes = scratch(builder, _BYTE, builder.mul(groups, index(GROUP * LANES)))
        step = _encode_many(builder, xs, groups, codes)

        def tile(start: Any, registers: int) -> None:
            rows = [builder.add(start, index(r)) for r in range(registers)]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = _words(builder, codes, builder.mul(i, index(LANES)))
                first = builder.mul(i, outputs)
                found = [_word(builder, w, builder.add(first, row)) for row in rows]
                return [dot(total, value, one) for total, one in zip(sums, found, strict=True)]

            begun = [_word(builder, c, row) for row in rows]
            totals = carried(builder, begun, groups, more)
            for row, total in zip(rows, totals, strict=True):
                scale = builder.fmul(splat(builder, builder.load(builder.gep(s, [row]))), step)
                found, place = builder.sitofp(total, VECTOR), builder.mul(row, index(LANES))
                store(builder, fma(builder, found, scale, load(builder, ys, place)), ys, place)

        in_tiles(builder, outputs, 1, tile)
        restore(builder, saved)
        return context.get_dummy_value()

    return types.void(weights, scales, corrections, x, y), generate


def _opened(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Return the numbers of groups and outputs, and the pointers of all arrays."""
    kinds = signature.args
    proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
    groups, outputs, _ = cgutils.unpack_tuple(builder, proxy.shape, 3)
    pairs = zip(kinds, arguments, strict=True)
    return groups, outputs, [data(context, builder, kind, value) for kind, value in pairs]


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


def _dot(context: Any, builder: Any) -> Any:
    """Return what emits, for 16 places: a sum plus 4 unsigned bytes times 4 signed bytes."""
    _, _, features = context.codegen().magic_tuple()
    if "+avx512vnni" in features.split(","):
        kind = ir.FunctionType(INTEGERS, [INTEGERS] * 3)
        name = "llvm.x86.avx512.vpdpbusd.512"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return lambda total, inputs, weights: builder.call(function, [total, inputs, weights])

    def plain(total: Any, inputs: Any, weights: Any) -> Any:
        for k in range(GROUP):
            byte = builder.and_(builder.lshr(inputs, _whole(8 * k)), _whole(255))
            left = builder.shl(weights, _whole(24 - 8 * k))
            total = builder.add(total, builder.mul(byte, builder.ashr(left, _whole(24))))
        return total

    return plain
