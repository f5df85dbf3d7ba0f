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
from rawtone.generation.kernels.scratch import restore, scratch
from rawtone.generation.kernels.sixteen_bits import load_sixteen, widen
from rawtone.generation.kernels.vectors import (
    FLOAT,
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


def _is_sixteen_bits(kind: Any) -> bool:
    return kind.dtype == types.uint16  # type: ignore[no-any-return]


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
        load_weights = load_sixteen if _is_sixteen_bits(kinds[0]) else load

        def tile(start: Any, registers: int) -> None:
            places = [builder.add(start, index(LANES * r)) for r in range(registers)]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = splat(builder, builder.load(builder.gep(xs, [i])))
                row = builder.mul(i, outputs)
                loaded = [load_weights(builder, w, builder.add(row, place)) for place in places]
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
        wide = _is_sixteen_bits(kinds[0])
        if wide:
            saved, floats = scratch(builder, FLOAT, builder.mul(inputs, index(LANES)))

        def tile(start: Any, registers: int) -> None:
            if wide:
                widen(builder, w, start, outputs, inputs, registers, floats)
            found, stride = (floats, index(registers)) if wide else (w, outputs)
            begin = index(0) if wide else start
            rows = [builder.add(start, index(r)) for r in range(registers)]
            places = [builder.mul(row, index(LANES)) for row in rows]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = load(builder, xs, builder.mul(i, index(LANES)))
                first = builder.add(builder.mul(i, stride), begin)
                ats = [builder.add(first, index(r)) for r in range(registers)]
                ones = [splat(builder, builder.load(builder.gep(found, [at]))) for at in ats]
                return [fma(builder, value, a, s) for a, s in zip(ones, sums, strict=True)]

            begun = [load(builder, ys, place) for place in places]
            for place, total in zip(places, carried(builder, begun, inputs, more), strict=True):
                store(builder, total, ys, place)

        in_tiles(builder, outputs, 1, tile)
        if wide:
            restore(builder, saved)
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
