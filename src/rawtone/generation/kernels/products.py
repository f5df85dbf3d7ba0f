"""Products of a matrix with one vector or with many, sums always taken in the same order.

One stream is computed with outputs side by side in a vector register, many streams with streams
side by side. Either way every output is the same chain of fused multiply-adds over the inputs, so
a stream gets the same bits in both. LLVM's own vectorizer would keep the sums in memory; here they
stay in registers.

A multiply-add takes four cycles, and two can begin in each: eight chains have to be under way.
Where there are fewer outputs, each one's inputs are split into parts, whose sums are added up in
the end.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.generation.kernels.calls import call
from rawtone.generation.kernels.loops import carried, in_tiles
from rawtone.generation.kernels.sixteen_bits import load_sixteen, widen
from rawtone.kernels.vectors import (
    FLOAT,
    LANES,
    constant,
    data,
    fma,
    index,
    load,
    prefetch,
    splat,
    store,
)

REGISTERS = 16  # that hold sums, of 32; others hold inputs
CHUNK = 64  # inputs whose products are added together: so many rows of weights are near at a time

Sums = list[Any]
Round = Callable[[Any, Sums], Sums]


def in_parts(builder: Any, begun: Sums, inputs: Any, parts: int, added: Round) -> Sums:
    """Emit sums over inputs, in parts side by side that are added up in the end.

    Args:
        builder: of LLVM's language.
        begun: what the first part's sums begin with.
        inputs: number of inputs.
        parts: that they are split into.
        added: emits the sums after an input, from its index and the sums before.
    """
    width = len(begun)
    share = builder.sdiv(inputs, index(parts))
    starts = [builder.mul(share, index(part)) for part in range(parts + 1)]

    def more(i: Any, before: Sums) -> Sums:
        after = []
        for part, start in enumerate(starts[:-1]):
            after += added(builder.add(start, i), before[part * width : (part + 1) * width])
        return after

    nothing = [constant(0.0)] * (width * (parts - 1))
    found = carried(builder, begun + nothing, share, more)
    total = found[:width]
    if parts > 1:  # inputs that are left over belong to the first part
        rest = builder.sub(inputs, starts[-1])
        total = carried(builder, total, rest, lambda i, s: added(builder.add(starts[-1], i), s))
    for part in range(1, parts):
        own = found[part * width : (part + 1) * width]
        total = [builder.fadd(a, b) for a, b in zip(total, own, strict=True)]
    return total


def for_splits(builder: Any, outputs: Any, emit: Callable[[int], None]) -> None:
    """Emit what is done for each number of parts into which inputs are split, and the choice."""
    few = builder.icmp_signed("<=", outputs, index(3 * LANES))
    some = builder.icmp_signed("<=", outputs, index(7 * LANES))
    with builder.if_else(few) as (then, otherwise):
        with then:
            emit(4)
        with otherwise, builder.if_else(some) as (then, otherwise):
            with then:
                emit(2)
            with otherwise:
                emit(1)


def product(name: str, emit: Callable[..., None]) -> Callable[..., Any]:
    """Return what generates a call of a function that multiplies, which is in each module once.

    Args:
        name: of the function.
        emit: emits its body, given a builder, the shape of the first array, and pointers to all.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
        sizes = cgutils.unpack_tuple(builder, proxy.shape, kinds[0].ndim)
        pointers = [data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True)]
        call(builder, name, [*sizes, *pointers], emit)
        return context.get_dummy_value()

    return generate


def _of_one(builder: Any, inputs: Any, outputs: Any, w: Any, xs: Any, ys: Any) -> None:
    """Emit the product for one stream."""
    load_weights = load_sixteen if _is_sixteen_bits(w) else load

    def emit(parts: int) -> None:
        def tile(start: Any, registers: int) -> None:
            places = [builder.add(start, index(LANES * r)) for r in range(registers)]

            def added(i: Any, before: Sums) -> Sums:
                value = splat(builder, builder.load(builder.gep(xs, [i])))
                row = builder.mul(i, outputs)
                found = [load_weights(builder, w, builder.add(row, place)) for place in places]
                return [fma(builder, value, a, s) for a, s in zip(found, before, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            done = in_parts(builder, begun, inputs, parts, added)
            for place, total in zip(places, done, strict=True):
                store(builder, total, ys, place)

        sizes = {1: (16, 8, 4, 2, 1), 2: (4, 2, 1), 4: (2, 1)}[parts]
        in_tiles(builder, outputs, LANES, tile, sizes)

    for_splits(builder, outputs, emit)


def _of_many(builder: Any, inputs: Any, outputs: Any, w: Any, xs: Any, ys: Any) -> None:
    """Emit the product for 16 streams."""
    halves = _is_sixteen_bits(w)
    floats = builder.alloca(FLOAT, size=builder.mul(inputs, index(LANES))) if halves else w

    def some_inputs(begin: Any, count: Any, parts: int) -> None:
        """Add the products of some inputs, of a part of them after the other's end."""

        def tile(start: Any, registers: int) -> None:
            rows = [builder.add(start, index(r)) for r in range(registers)]
            places = [builder.mul(row, index(LANES)) for row in rows]
            first, stride = builder.add(builder.mul(begin, outputs), start), outputs
            if halves:  # widened once for all streams
                widen(builder, w, first, outputs, count, registers, floats)
                first, stride = index(0), index(registers)

            def added(i: Any, before: Sums) -> Sums:
                value = load(builder, xs, builder.mul(builder.add(i, begin), index(LANES)))
                spot = builder.add(first, builder.mul(i, stride))
                spots = [builder.add(spot, index(r)) for r in range(registers)]
                if parts == 1 and not halves:  # what the next tile needs of this row
                    prefetch(builder, w, builder.add(spot, index(registers)))
                found = [splat(builder, builder.load(builder.gep(floats, [s]))) for s in spots]
                return [fma(builder, value, a, s) for a, s in zip(found, before, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            done = in_parts(builder, begun, count, parts, added)
            for place, total in zip(places, done, strict=True):
                store(builder, total, ys, place)

        in_tiles(builder, outputs, 1, tile, [REGISTERS // parts])

    def emit(parts: int) -> None:
        if parts > 1:
            some_inputs(index(0), inputs, parts)
            return
        with cgutils.for_range_slice(builder, index(0), inputs, index(CHUNK)) as (at, _):
            left = builder.sub(inputs, at)
            short = builder.icmp_signed("<", left, index(CHUNK))
            some_inputs(at, builder.select(short, left, index(CHUNK)), parts)

    for_splits(builder, outputs, emit)


def _is_sixteen_bits(pointer: Any) -> bool:
    return bool(pointer.type.pointee == ir.IntType(16))


def for_one(weights: Any) -> Callable[..., Any]:
    """Return what generates `add_product` for a type of weights."""
    return product(f"add_product_{weights.dtype}", _of_one)


def for_many(weights: Any) -> Callable[..., Any]:
    """Return what generates `add_products` for a type of weights."""
    return product(f"add_products_{weights.dtype}", _of_many)


@intrinsic  # type: ignore[untyped-decorator]
def add_product(_: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs] the product of x[inputs] with weights[inputs, outputs].

    All are C-contiguous, x and y float32, weights that or bfloat16 as uint16; outputs are a
    multiple of 16.
    """
    return types.void(weights, x, y), for_one(weights)


@intrinsic  # type: ignore[untyped-decorator]
def add_products(_: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with weights.

    Weights [inputs, outputs]. All are C-contiguous, x and y float32, weights that or bfloat16 as
    uint16; outputs are a multiple of 16.
    """
    return types.void(weights, x, y), for_many(weights)
