"""A row of channels at a time, 16 floats at once: moving, adding, gates and their gradients.

Arrays are flat float32; a row is told by where it begins and by how many channels it has, a
multiple of 16.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.kernels.vectors import (
    LANES,
    constant,
    data,
    index,
    load,
    sigmoid,
    store,
    tanh,
)

_N = types.intp


def _each(builder: Any, count: Any) -> Any:
    return cgutils.for_range_slice(builder, index(0), count, index(LANES))


@intrinsic  # type: ignore[untyped-decorator]
def move(typing: Any, a: Any, a_at: Any, out: Any, out_at: Any, count: Any) -> Any:
    """Set a row of `out` to one of `a`."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pa, po = (data(context, builder, signature.args[i], values[i]) for i in (0, 2))
        with _each(builder, values[4]) as (at, _):
            value = load(builder, pa, builder.add(values[1], at))
            store(builder, value, po, builder.add(values[3], at))
        return context.get_dummy_value()

    return types.void(a, _N, out, _N, _N), generate


@intrinsic  # type: ignore[untyped-decorator]
def add(typing: Any, a: Any, a_at: Any, b: Any, b_at: Any, out: Any, out_at: Any, n: Any) -> Any:
    """Set a row of `out` to the sum of one of `a` and one of `b`."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pa, pb, po = (data(context, builder, signature.args[i], values[i]) for i in (0, 2, 4))
        with _each(builder, values[6]) as (at, _):
            one = load(builder, pa, builder.add(values[1], at))
            other = load(builder, pb, builder.add(values[3], at))
            store(builder, builder.fadd(one, other), po, builder.add(values[5], at))
        return context.get_dummy_value()

    return types.void(a, _N, b, _N, out, _N, _N), generate


@intrinsic  # type: ignore[untyped-decorator]
def clear(typing: Any, out: Any, out_at: Any, count: Any) -> Any:
    """Set a row to zero."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = data(context, builder, signature.args[0], values[0])
        with _each(builder, values[2]) as (at, _):
            store(builder, constant(0.0), pointer, builder.add(values[1], at))
        return context.get_dummy_value()

    return types.void(out, _N, _N), generate


@intrinsic  # type: ignore[untyped-decorator]
def gate(typing: Any, h: Any, h_at: Any, z: Any, z_at: Any, channels: Any) -> Any:
    """Turn a row of `h`, filter beside gate, into tanh and sigmoid; `z` is their product."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        ph, pz = (data(context, builder, signature.args[i], values[i]) for i in (0, 2))
        with _each(builder, values[4]) as (at, _):
            f = builder.add(values[1], at)
            g = builder.add(f, values[4])
            t, s = tanh(builder, load(builder, ph, f)), sigmoid(builder, load(builder, ph, g))
            store(builder, t, ph, f)
            store(builder, s, ph, g)
            store(builder, builder.fmul(t, s), pz, builder.add(values[3], at))
        return context.get_dummy_value()

    return types.void(h, _N, z, _N, _N), generate


@intrinsic  # type: ignore[untyped-decorator]
def ungate(
    typing: Any, h: Any, h_at: Any, dz: Any, z: Any, z_at: Any, dh: Any, dh_at: Any, channels: Any
) -> Any:
    """Set a row of `dh` to the gradient by filter and gate; set `z` to what it was.

    `h` is tanh beside sigmoid, `dz` the gradient by `z`, in the same place as it.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        ph, pd, pz, po = (
            data(context, builder, signature.args[i], values[i]) for i in (0, 2, 3, 5)
        )
        one = constant(1.0)
        with _each(builder, values[7]) as (at, _):
            f, place = builder.add(values[1], at), builder.add(values[4], at)
            t = load(builder, ph, f)
            s = load(builder, ph, builder.add(f, values[7]))
            d, product = load(builder, pd, place), builder.fmul(t, s)
            store(builder, product, pz, place)
            filtered = builder.fsub(one, builder.fmul(t, t))
            out = builder.add(values[6], at)
            store(builder, builder.fmul(builder.fmul(d, s), filtered), po, out)
            gated = builder.fmul(builder.fmul(d, product), builder.fsub(one, s))
            store(builder, gated, po, builder.add(out, values[7]))
        return context.get_dummy_value()

    return types.void(h, _N, dz, z, _N, dh, _N, _N), generate
