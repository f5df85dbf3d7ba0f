"""Products of a matrix with one vector or with many, sums always taken in the same order.

One stream is computed with outputs side by side in a vector register, many streams with streams
side by side. Either way every output is a chain of fused multiply-adds over the inputs from first to
last, so a stream gets the same bits in both. LLVM's own vectorizer would keep the sums in memory;
here they stay in registers.
"""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.generation.kernels.vectors import (
    INDEX,
    LANES,
    VECTOR,
    data,
    fma,
    index,
    load,
    sigmoid,
    splat,
    store,
    tanh,
)

TILES = (16, 8, 4, 2, 1)  # registers that hold sums, of 32; others hold inputs


def _sums(
    builder: Any, sums: list[Any], count: Any, more: Callable[[Any, list[Any]], list[Any]]
) -> list[Any]:
    """Emit a loop of `count` rounds that keeps its sums in registers."""
    before = builder.block
    body, after = builder.append_basic_block("body"), builder.append_basic_block("after")
    builder.branch(body)
    builder.position_at_end(body)
    counter = builder.phi(INDEX)
    counter.add_incoming(index(0), before)
    phis = [builder.phi(VECTOR) for _ in sums]
    for phi, start in zip(phis, sums, strict=True):
        phi.add_incoming(start, before)
    results = more(counter, phis)
    following = builder.add(counter, index(1))
    counter.add_incoming(following, builder.block)
    for phi, result in zip(phis, results, strict=True):
        phi.add_incoming(result, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), body, after)
    builder.position_at_end(after)
    return results


@intrinsic
def add_product(typing: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs] the product of x[inputs] with weights[inputs, outputs].

    All are C-contiguous float32; outputs are a multiple of 16.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
        inputs, outputs = cgutils.unpack_tuple(builder, proxy.shape, 2)
        w, xs, ys = (data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True))

        def tile(start: Any, registers: int) -> None:
            places = [builder.add(start, index(LANES * r)) for r in range(registers)]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = splat(builder, builder.load(builder.gep(xs, [i])))
                row = builder.mul(i, outputs)
                loaded = [load(builder, w, builder.add(row, place)) for place in places]
                return [fma(builder, value, a, s) for a, s in zip(loaded, sums, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            for place, total in zip(places, _sums(builder, begun, inputs, more), strict=True):
                store(builder, total, ys, place)

        _in_tiles(builder, outputs, LANES, tile)
        return context.get_dummy_value()

    return types.void(weights, x, y), generate


@intrinsic
def add_products(typing: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with weights.

    Weights [inputs, outputs]. All are C-contiguous float32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
        inputs, outputs = cgutils.unpack_tuple(builder, proxy.shape, 2)
        w, xs, ys = (data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True))

        def tile(start: Any, registers: int) -> None:
            rows = [builder.add(start, index(r)) for r in range(registers)]
            places = [builder.mul(row, index(LANES)) for row in rows]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = load(builder, xs, builder.mul(i, index(LANES)))
                first = builder.mul(i, outputs)
                found = [builder.load(builder.gep(w, [builder.add(first, r)])) for r in rows]
                return [
                    fma(builder, value, splat(builder, a), s)
                    for a, s in zip(found, sums, strict=True)
                ]

            begun = [load(builder, ys, place) for place in places]
            for place, total in zip(places, _sums(builder, begun, inputs, more), strict=True):
                store(builder, total, ys, place)

        _in_tiles(builder, outputs, 1, tile)
        return context.get_dummy_value()

    return types.void(weights, x, y), generate


def _in_tiles(builder: Any, outputs: Any, step: int, tile: Callable[[Any, int], None]) -> None:
    """Emit loops over outputs, so many registers at a time as fit, then what is left."""
    start = cgutils.alloca_once_value(builder, index(0))
    for registers in TILES:
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


@intrinsic
def gate(typing: Any, filters: Any, gates: Any, z: Any) -> Any:
    """Set z to tanh(filters) * sigmoid(gates), each float32 of a multiple of 16 elements."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        size = cgutils.create_struct_proxy(kinds[2])(context, builder, arguments[2]).nitems
        f, g, out = (data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True))
        with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):
            value = tanh(builder, load(builder, f, at))
            opened = sigmoid(builder, load(builder, g, at))
            store(builder, builder.fmul(value, opened), out, at)
        return context.get_dummy_value()

    return types.void(filters, gates, z), generate
