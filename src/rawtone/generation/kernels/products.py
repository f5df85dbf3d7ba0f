"""Products of a matrix with one vector or with many, sums always taken in the same order.

One stream is computed with outputs side by side in a vector register, many streams with streams
side by side. Either way every output is the same chain of fused multiply-adds over the inputs, so a
stream gets the same bits in both. LLVM's own vectorizer would keep the sums in memory; here they stay
in registers.

A multiply-add takes four cycles, and two can begin in each: eight chains have to be under way. Where
there are fewer outputs, each one's inputs are split into parts, whose sums are added up in the end.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.generation.kernels.vectors import (
    INDEX,
    LANES,
    VECTOR,
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


def splits(outputs: int) -> int:
    """Return into how many parts the inputs of a product are split.

    Args:
        outputs: of the product.
    """
    return 1 if outputs > 7 * LANES else 2 if outputs > 3 * LANES else 4


def summed(builder: Any, begun: Sums, count: Any, more: Round) -> Sums:
    """Emit a loop of any number of rounds that keeps its sums in registers.

    Args:
        builder: of LLVM's language.
        begun: what the sums begin with.
        count: rounds.
        more: emits the sums after a round, from its number and the sums before.
    """
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    counter = builder.phi(INDEX)
    counter.add_incoming(index(0), before)
    phis = [builder.phi(VECTOR) for _ in begun]
    for phi, start in zip(phis, begun, strict=True):
        phi.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", counter, count), body, after)
    builder.position_at_end(body)
    results = more(counter, phis)
    counter.add_incoming(builder.add(counter, index(1)), builder.block)
    for phi, result in zip(phis, results, strict=True):
        phi.add_incoming(result, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return phis


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
    found = summed(builder, begun + nothing, share, more)
    total = found[:width]
    if parts > 1:  # inputs that are left over belong to the first part
        rest = builder.sub(inputs, starts[-1])
        total = summed(builder, total, rest, lambda i, s: added(builder.add(starts[-1], i), s))
    for part in range(1, parts):
        own = found[part * width : (part + 1) * width]
        total = [builder.fadd(a, b) for a, b in zip(total, own, strict=True)]
    return total


def in_tiles(
    builder: Any, outputs: Any, step: int, sizes: Sequence[int], tile: Callable[[Any, int], None]
) -> None:
    """Emit loops over outputs, so many registers at a time as fit, then what is left.

    Args:
        builder: of LLVM's language.
        outputs: number of outputs.
        step: outputs that a register holds.
        sizes: numbers of registers, the largest first.
        tile: emits what is done from an output on, with so many registers.
    """
    start = cgutils.alloca_once(builder, INDEX)
    builder.store(index(0), start)
    for registers in sizes:
        asked, body, after = (builder.append_basic_block(n) for n in ("fits", "tile", "done"))
        builder.branch(asked)
        builder.position_at_end(asked)
        first = builder.load(start)
        following = builder.add(first, index(step * registers))
        builder.cbranch(builder.icmp_signed("<=", following, outputs), body, after)
        builder.position_at_end(body)
        tile(first, registers)
        builder.store(following, start)
        builder.branch(asked)
        builder.position_at_end(after)


def for_splits(builder: Any, outputs: Any, emit: Callable[[int], None]) -> None:
    """Emit what is done for each number of parts; `splits` says which of it is done."""
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

    It takes pointers, and not numba's arrays, of which each is seven arguments and more.

    Args:
        name: of the function.
        emit: emits its body, given a builder, inputs, outputs, and pointers to weights, x and y.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
        sizes = cgutils.unpack_tuple(builder, proxy.shape, 2)
        pointers = [data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True)]
        given = [*sizes, *pointers]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        function = cgutils.get_or_insert_function(builder.module, kind, f"rawtone.{name}")
        if function.is_declaration:
            function.linkage = "linkonce_odr"
            function.attributes.add("noinline")
            body = ir.IRBuilder(function.append_basic_block("entry"))
            emit(body, *function.args)
            body.ret_void()
        builder.call(function, given)
        return context.get_dummy_value()

    return generate


def _of_one(builder: Any, inputs: Any, outputs: Any, w: Any, xs: Any, ys: Any) -> None:
    """Emit the product for one stream."""

    def emit(parts: int) -> None:
        def tile(start: Any, registers: int) -> None:
            places = [builder.add(start, index(LANES * r)) for r in range(registers)]

            def added(i: Any, before: Sums) -> Sums:
                value = splat(builder, builder.load(builder.gep(xs, [i])))
                row = builder.mul(i, outputs)
                found = [load(builder, w, builder.add(row, place)) for place in places]
                return [fma(builder, value, a, s) for a, s in zip(found, before, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            done = in_parts(builder, begun, inputs, parts, added)
            for place, total in zip(places, done, strict=True):
                store(builder, total, ys, place)

        sizes = {1: (16, 8, 4, 2, 1), 2: (4, 2, 1), 4: (2, 1)}[parts]
        in_tiles(builder, outputs, LANES, sizes, tile)

    for_splits(builder, outputs, emit)


def _of_many(builder: Any, inputs: Any, outputs: Any, w: Any, xs: Any, ys: Any) -> None:
    """Emit the product for 16 streams."""

    def some_inputs(begin: Any, count: Any, parts: int) -> None:
        def tile(start: Any, registers: int) -> None:
            rows = [builder.add(start, index(r)) for r in range(registers)]
            places = [builder.mul(row, index(LANES)) for row in rows]

            def added(i: Any, before: Sums) -> Sums:
                i = builder.add(i, begin)
                value = load(builder, xs, builder.mul(i, index(LANES)))
                first = builder.mul(i, outputs)
                spots = [builder.add(first, r) for r in rows]
                if parts == 1:  # what the next tile needs of this row
                    prefetch(builder, w, builder.add(spots[0], index(registers)))
                found = [splat(builder, builder.load(builder.gep(w, [s]))) for s in spots]
                return [fma(builder, value, a, s) for a, s in zip(found, before, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            done = in_parts(builder, begun, count, parts, added)
            for place, total in zip(places, done, strict=True):
                store(builder, total, ys, place)

        in_tiles(builder, outputs, 1, [REGISTERS // parts], tile)

    def emit(parts: int) -> None:
        if parts > 1:
            some_inputs(index(0), inputs, parts)
            return
        with cgutils.for_range_slice(builder, index(0), inputs, index(CHUNK)) as (at, _):
            left = builder.sub(inputs, at)
            short = builder.icmp_signed("<", left, index(CHUNK))
            some_inputs(at, builder.select(short, left, index(CHUNK)), parts)

    for_splits(builder, outputs, emit)


@intrinsic
def add_product(_: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs] the product of x[inputs] with weights[inputs, outputs].

    All are C-contiguous float32; outputs are a multiple of 16.
    """
    return types.void(weights, x, y), product("add_product", _of_one)


@intrinsic
def add_products(_: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with weights.

    Weights [inputs, outputs]. All are C-contiguous float32; outputs are a multiple of 16.
    """
    return types.void(weights, x, y), product("add_products", _of_many)
