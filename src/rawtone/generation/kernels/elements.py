"""What is done to arrays element by element, 16 at a time; they are multiples of 16 long.

numba's own assignments would do for copies, but each takes seconds to compile.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.kernels.vectors import (
    LANES,
    clamped,
    constant,
    data,
    exp,
    fma,
    index,
    load,
    sigmoid,
    splat,
    store,
    tanh,
)


def _elementwise(body: Any) -> Any:
    """Return what emits code for a body that makes 16 elements of arrays.

    Args:
        body: of the builder, a function that loads and one that stores. They take the number of an
            array, and how many times the last array's length is before the element.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = list(zip(signature.args, arguments, strict=True))
        pointers = [data(context, builder, kind, array) for kind, array in pairs]
        kind, last = pairs[-1]
        size = cgutils.create_struct_proxy(kind)(context, builder, last).nitems
        with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):

            def get(array: int, part: int = 0) -> Any:
                place = builder.add(at, builder.mul(size, index(part)))
                return load(builder, pointers[array], place)

            def put(value: Any, array: int) -> None:
                store(builder, value, pointers[array], at)

            body(builder, get, put)
        return context.get_dummy_value()

    return generate


def _mixed(builder: Any, z: Any, new: Any, old: Any) -> Any:
    return fma(builder, z, builder.fsub(old, new), new)


@intrinsic  # type: ignore[untyped-decorator]
def renew_gru(_: Any, sums: Any, state: Any) -> Any:
    """Renew a GRU's state from sums: n of its state, z, r, n of what it hears."""

    def body(builder: Any, get: Any, put: Any) -> None:
        z, r = sigmoid(builder, get(0, 1)), sigmoid(builder, get(0, 2))
        new = tanh(builder, fma(builder, r, get(0, 0), get(0, 3)))
        put(_mixed(builder, z, new, get(1)), 1)

    return types.void(sums, state), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def reset(_: Any, sums: Any, state: Any, kept: Any) -> Any:
    """Set what is kept of a state, from sums: z, r, n."""

    def body(builder: Any, get: Any, put: Any) -> None:
        put(builder.fmul(sigmoid(builder, get(0, 1)), get(1)), 2)

    return types.void(sums, state, kept), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def renew_reset(_: Any, sums: Any, state: Any) -> Any:
    """Renew the state of a GRU that resets before, from sums: z, r, n."""

    def body(builder: Any, get: Any, put: Any) -> None:
        z, new = sigmoid(builder, get(0, 0)), tanh(builder, get(0, 2))
        put(_mixed(builder, z, new, get(1)), 1)

    return types.void(sums, state), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def renew_lstm(_: Any, sums: Any, output: Any, memory: Any) -> Any:
    """Renew an LSTM's output and memory, from sums: i, f, g, o."""

    def body(builder: Any, get: Any, put: Any) -> None:
        i, f, o = (sigmoid(builder, get(0, part)) for part in (0, 1, 3))
        taken = builder.fmul(i, tanh(builder, get(0, 2)))
        memory = fma(builder, f, get(2), taken)
        put(memory, 2)
        put(builder.fmul(o, tanh(builder, memory)), 1)

    return types.void(sums, output, memory), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def rectify(_: Any, x: Any) -> Any:
    """Set what is below zero to zero."""

    def body(builder: Any, get: Any, put: Any) -> None:
        put(clamped(builder, get(0), 0.0, float("inf")), 0)

    return types.void(x), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def copy(_: Any, x: Any, y: Any) -> Any:
    """Set y to x."""

    def body(_: Any, get: Any, put: Any) -> None:
        put(get(0), 1)

    return types.void(x, y), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def add(_: Any, x: Any, y: Any) -> Any:
    """Add x to y."""

    def body(builder: Any, get: Any, put: Any) -> None:
        put(builder.fadd(get(0), get(1)), 1)

    return types.void(x, y), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def gate(_: Any, filters: Any, gates: Any, z: Any) -> Any:
    """Set z to tanh(filters) * sigmoid(gates).

    That is (1 - e^-2a) / ((1 + e^-2a) (1 + e^-b)), with one division.
    """

    def body(builder: Any, get: Any, put: Any) -> None:
        one = constant(1.0)
        a = clamped(builder, get(0), -10.0, 10.0)  # beyond it tanh is 1, and nothing must overflow
        b = clamped(builder, get(1), -60.0, 60.0)
        twice = exp(builder, builder.fmul(a, constant(-2.0)))
        once = exp(builder, builder.fmul(b, constant(-1.0)))
        below = builder.fmul(builder.fadd(one, twice), builder.fadd(one, once))
        put(builder.fdiv(builder.fsub(one, twice), below), 2)

    return types.void(filters, gates, z), _elementwise(body)


@intrinsic  # type: ignore[untyped-decorator]
def spread(_: Any, bias: Any, y: Any) -> Any:
    """Set y[outputs, lanes] to bias[outputs] in every lane; lanes are 1 or 16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = list(zip(signature.args, arguments, strict=True))
        source, target = (data(context, builder, kind, array) for kind, array in pairs)
        count, size = (cgutils.create_struct_proxy(k)(context, builder, a).nitems for k, a in pairs)
        one = builder.icmp_signed("==", count, size)
        with builder.if_else(one) as (alone, together):
            with alone, cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):
                store(builder, load(builder, source, at), target, at)
            with together, cgutils.for_range_slice(builder, index(0), count, index(1)) as (at, _):
                value = splat(builder, builder.load(builder.gep(source, [at])))
                store(builder, value, target, builder.mul(at, index(LANES)))
        return context.get_dummy_value()

    return types.void(bias, y), generate
