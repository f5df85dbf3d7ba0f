"""Products of a matrix with one vector or with many, sums always taken in the same order.

One stream is computed with outputs side by side in a vector register, many streams with streams
side by side. Either way every output is a chain of fused multiply-adds over the inputs from first to
last, so a stream gets the same bits in both. LLVM's own vectorizer would keep the sums in memory;
here they stay in registers.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16  # floats in a 512-bit register
TILE = 12  # registers that hold sums; others hold inputs
_FLOAT, _VECTOR = ir.FloatType(), ir.VectorType(ir.FloatType(), LANES)
_INDEX = ir.IntType(64)


def _signature(*arrays: Any) -> Any:
    return types.void(*arrays)


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return cgutils.create_struct_proxy(kind)(context, builder, value).data


def _at(builder: Any, pointer: Any, index: Any, kind: Any) -> Any:
    place = builder.gep(pointer, [index])
    return builder.bitcast(place, kind.as_pointer())


def _load(builder: Any, pointer: Any, index: Any) -> Any:
    """Load 16 floats from anywhere."""
    value = builder.load(_at(builder, pointer, index, _VECTOR))
    value.align = 4
    return value


def _store(builder: Any, value: Any, pointer: Any, index: Any) -> None:
    builder.store(value, _at(builder, pointer, index, _VECTOR)).align = 4


def _splat(builder: Any, scalar: Any) -> Any:
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), mask)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    name = f"llvm.fma.v{LANES}f32"
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [a, b, c])


def _index(value: int) -> Any:
    return ir.Constant(_INDEX, value)


def _sums(
    builder: Any, sums: list[Any], count: Any, more: Callable[[Any, list[Any]], list[Any]]
) -> list[Any]:
    """Emit a loop of `count` rounds that keeps its sums in registers."""
    before = builder.block
    body, after = builder.append_basic_block("body"), builder.append_basic_block("after")
    builder.branch(body)
    builder.position_at_end(body)
    index = builder.phi(_INDEX)
    index.add_incoming(_index(0), before)
    phis = [builder.phi(_VECTOR) for _ in sums]
    for phi, start in zip(phis, sums, strict=True):
        phi.add_incoming(start, before)
    results = more(index, phis)
    following = builder.add(index, _index(1))
    index.add_incoming(following, builder.block)
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
        w, xs, ys = (_data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True))

        def tile(start: Any, registers: int) -> None:
            places = [builder.add(start, _index(LANES * r)) for r in range(registers)]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = _splat(builder, builder.load(builder.gep(xs, [i])))
                row = builder.mul(i, outputs)
                loaded = [_load(builder, w, builder.add(row, place)) for place in places]
                return [_fma(builder, value, a, s) for a, s in zip(loaded, sums, strict=True)]

            begun = [_load(builder, ys, place) for place in places]
            for place, total in zip(places, _sums(builder, begun, inputs, more), strict=True):
                _store(builder, total, ys, place)

        _in_tiles(builder, outputs, LANES, tile)
        return context.get_dummy_value()

    return _signature(weights, x, y), generate


@intrinsic
def add_products(typing: Any, weights: Any, x: Any, y: Any) -> Any:
    """Add to y[outputs, 16] the products of x[inputs, 16], of 16 streams, with weights.

    Weights [inputs, outputs]. All are C-contiguous float32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        proxy = cgutils.create_struct_proxy(kinds[0])(context, builder, arguments[0])
        inputs, outputs = cgutils.unpack_tuple(builder, proxy.shape, 2)
        w, xs, ys = (_data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True))

        def tile(start: Any, registers: int) -> None:
            rows = [builder.add(start, _index(r)) for r in range(registers)]
            places = [builder.mul(row, _index(LANES)) for row in rows]

            def more(i: Any, sums: list[Any]) -> list[Any]:
                value = _load(builder, xs, builder.mul(i, _index(LANES)))
                first = builder.mul(i, outputs)
                found = [builder.load(builder.gep(w, [builder.add(first, r)])) for r in rows]
                return [
                    _fma(builder, value, _splat(builder, a), s)
                    for a, s in zip(found, sums, strict=True)
                ]

            begun = [_load(builder, ys, place) for place in places]
            for place, total in zip(places, _sums(builder, begun, inputs, more), strict=True):
                _store(builder, total, ys, place)

        _in_tiles(builder, outputs, 1, tile)
        return context.get_dummy_value()

    return _signature(weights, x, y), generate


def _in_tiles(builder: Any, outputs: Any, step: int, tile: Callable[[Any, int], None]) -> None:
    """Emit loops over outputs, so many registers at a time as fit, then what is left."""
    start = cgutils.alloca_once_value(builder, _index(0))
    for registers in (TILE, 4, 1):
        asked, body, after = (builder.append_basic_block(n) for n in ("fits", "tile", "done"))
        builder.branch(asked)
        builder.position_at_end(asked)
        first = builder.load(start)
        following = builder.add(first, _index(step * registers))
        builder.cbranch(builder.icmp_signed("<=", following, outputs), body, after)
        builder.position_at_end(body)
        tile(first, registers)
        builder.store(following, start)
        builder.branch(asked)
        builder.position_at_end(after)
