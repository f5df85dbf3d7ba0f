"""What is done to arrays element by element. All are C-contiguous float32, multiples of 16 long."""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.generation.kernels.vectors import (
    LANES,
    clamped,
    constant,
    data,
    exp,
    index,
    load,
    maximum,
    splat,
    store,
)


def _set_last(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return what generates code that sets the last array to what is computed of all the others.

    Args:
        compute: emits it, given the builder and 16 elements of each.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        size = cgutils.create_struct_proxy(kinds[-1])(context, builder, arguments[-1]).nitems
        *given, target = (
            data(context, builder, k, a) for k, a in zip(kinds, arguments, strict=True)
        )
        with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):
            found = compute(builder, *(load(builder, pointer, at) for pointer in given))
            store(builder, found, target, at)
        return context.get_dummy_value()

    return generate


@intrinsic
def copy(_: Any, x: Any, y: Any) -> Any:
    """Set y to x."""
    return types.void(x, y), _set_last(lambda _builder, a: a)


@intrinsic
def add(_: Any, a: Any, b: Any, y: Any) -> Any:
    """Set y to a + b."""
    return types.void(a, b, y), _set_last(lambda builder, a, b: builder.fadd(a, b))


@intrinsic
def rectify(_: Any, x: Any, y: Any) -> Any:
    """Set y to x, and to 0 where x is negative."""
    return types.void(x, y), _set_last(lambda builder, a: maximum(builder, a, constant(0.0)))


def _gated(builder: Any, a: Any, b: Any) -> Any:
    """Return tanh(a) * sigmoid(b) as (1 - e^-2a) / ((1 + e^-2a) (1 + e^-b)): one division."""
    one = constant(1.0)
    a = clamped(builder, a, -10.0, 10.0)  # beyond it tanh is 1, and nothing must overflow
    b = clamped(builder, b, -60.0, 60.0)
    twice = exp(builder, builder.fmul(a, constant(-2.0)))
    once = exp(builder, builder.fmul(b, constant(-1.0)))
    below = builder.fmul(builder.fadd(one, twice), builder.fadd(one, once))
    return builder.fdiv(builder.fsub(one, twice), below)


@intrinsic
def gate(_: Any, filters: Any, gates: Any, z: Any) -> Any:
    """Set z to tanh(filters) * sigmoid(gates)."""
    return types.void(filters, gates, z), _set_last(_gated)


@intrinsic
def add_to_lanes(_: Any, bias: Any, x: Any, y: Any) -> Any:
    """Set y[n, 16] to x[n, 16] + bias[n]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0]).nitems
        b, given, target = (
            data(context, builder, k, a) for k, a in zip(signature.args, arguments, strict=True)
        )
        with cgutils.for_range(builder, size) as loop:
            at = builder.mul(loop.index, index(LANES))
            value = splat(builder, builder.load(builder.gep(b, [loop.index])))
            store(builder, builder.fadd(load(builder, given, at), value), target, at)
        return context.get_dummy_value()

    return types.void(bias, x, y), generate


@intrinsic
def to_lanes(_: Any, bias: Any, y: Any) -> Any:
    """Set each of y[n, 16] to bias[n]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0]).nitems
        b, target = (
            data(context, builder, k, a) for k, a in zip(signature.args, arguments, strict=True)
        )
        with cgutils.for_range(builder, size) as loop:
            value = splat(builder, builder.load(builder.gep(b, [loop.index])))
            store(builder, value, target, builder.mul(loop.index, index(LANES)))
        return context.get_dummy_value()

    return types.void(bias, y), generate
