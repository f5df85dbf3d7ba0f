"""Products of a matrix with one vector or with many, sums always taken in the same order.

One stream is computed with outputs side by side in a vector register, many streams with streams
side by side. Either way every output is a chain of fused multiply-adds over the inputs from first to
last, so a stream gets the same bits in both. LLVM's own vectorizer would keep the sums in memory;
here they stay in registers.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.generation.kernels.loops import carried, in_tiles
from rawtone.generation.kernels.sixteen_bits import load_one, load_sixteen
from rawtone.generation.kernels.vectors import (
    LANES,
    data,
    fma,
    index,
    load,
    sigmoid,
    splat,
    store,
    tanh,
)


def _loaders(kind: Any) -> Any:
    """Return what loads 16 of the weights, and one, as floats."""
    if kind.dtype == types.uint16:
        return load_sixteen, load_one
    return load, lambda builder, pointer, at: builder.load(builder.gep(pointer, [at]))


@intrinsic
def add_product(typing: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs] the product of x[inputs] with weights[inputs, outputs].

    All are C-contiguous, x and y float32, weights that or bfloat16 as uint16; outputs are a
    multiple of 16.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
        inputs, outputs = cgutils.unpack_tuple(builder, proxy.shape, 2)
        w, xs, ys = (data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True))
        sixteen, _ = _loaders(kinds[0])

        def tile(start: Any, registers: int) -> None:
            places = [builder.add(start, index(LANES * r)) for r in range(registers)]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = splat(builder, builder.load(builder.gep(xs, [i])))
                row = builder.mul(i, outputs)
                loaded = [sixteen(builder, w, builder.add(row, place)) for place in places]
                return [fma(builder, value, a, s) for a, s in zip(loaded, sums, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            for place, total in zip(places, carried(builder, begun, inputs, more), strict=True):
                store(builder, total, ys, place)

        in_tiles(builder, outputs, LANES, tile)
        return context.get_dummy_value()

    return types.void(weights, x, y), generate


@intrinsic
def add_products(typing: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with weights.

    Weights [inputs, outputs]. All are C-contiguous, x and y float32, weights that or bfloat16 as
    uint16.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
        inputs, outputs = cgutils.unpack_tuple(builder, proxy.shape, 2)
        w, xs, ys = (data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True))
        _, one = _loaders(kinds[0])

        def tile(start: Any, registers: int) -> None:
            rows = [builder.add(start, index(r)) for r in range(registers)]
            places = [builder.mul(row, index(LANES)) for row in rows]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = load(builder, xs, builder.mul(i, index(LANES)))
                first = builder.mul(i, outputs)
                found = [one(builder, w, builder.add(first, row)) for row in rows]
                return [
                    fma(builder, value, splat(builder, a), s)
                    for a, s in zip(found, sums, strict=True)
                ]

            begun = [load(builder, ys, place) for place in places]
            for place, total in zip(places, carried(builder, begun, inputs, more), strict=True):
                store(builder, total, ys, place)

        in_tiles(builder, outputs, 1, tile)
        return context.get_dummy_value()

    return types.void(weights, x, y), generate


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
