"""Pieces of LLVM's language that all kernels are written with: vectors of 16 floats."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

LANES = 16  # floats in a 512-bit register
FLOAT, VECTOR = ir.FloatType(), ir.VectorType(ir.FloatType(), LANES)
INTEGERS, INDEX = ir.VectorType(ir.IntType(32), LANES), ir.IntType(64)


def data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the pointer to an array's first element."""
    return cgutils.create_struct_proxy(kind)(context, builder, value).data


def index(value: int) -> Any:
    """Return a constant index."""
    return ir.Constant(INDEX, value)


def constant(value: float) -> Any:
    """Return 16 times the same float."""
    return ir.Constant(VECTOR, [value] * LANES)


def load(builder: Any, pointer: Any, at: Any) -> Any:
    """Load 16 floats from anywhere."""
    value = builder.load(_place(builder, pointer, at))
    value.align = 4
    return value


def store(builder: Any, value: Any, pointer: Any, at: Any) -> None:
    """Store 16 floats anywhere."""
    builder.store(value, _place(builder, pointer, at)).align = 4


def prefetch(builder: Any, pointer: Any, at: Any) -> None:
    """Ask for a float to be brought near, and go on."""
    kinds = [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3]
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0"
    )
    place = builder.bitcast(builder.gep(pointer, [at]), kinds[0])
    # to be read, soon and often, as data
    builder.call(function, [place, *(ir.IntType(32)(n) for n in (0, 3, 1))])


def _place(builder: Any, pointer: Any, at: Any) -> Any:
    return builder.bitcast(builder.gep(pointer, [at]), VECTOR.as_pointer())


def splat(builder: Any, scalar: Any) -> Any:
    """Return 16 times the same scalar."""
    nothing = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(INTEGERS, [0] * LANES))


def fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once."""
    return _call(builder, "fma", [a, b, c])


def maximum(builder: Any, a: Any, b: Any) -> Any:
    """Return the larger of each two."""
    return _call(builder, "maxnum", [a, b])


def swapped(builder: Any, value: Any, distance: int) -> Any:
    """Return 16 floats, each in the place of the one that stands so far off."""
    places = [place ^ distance for place in range(LANES)]
    return builder.shuffle_vector(value, value, ir.Constant(INTEGERS, places))


def clamped(builder: Any, x: Any, low: float, high: float) -> Any:
    """Return x, but at least `low` and at most `high`."""
    return _call(builder, "minnum", [_call(builder, "maxnum", [x, constant(low)]), constant(high)])


def _call(builder: Any, name: str, arguments: list[Any]) -> Any:
    kind = ir.FunctionType(VECTOR, [VECTOR] * len(arguments))
    full = f"llvm.{name}.v{LANES}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, full)
    return builder.call(function, arguments)


SPAN = 87.0  # e^x is computed from -SPAN to SPAN

# e^r on |r| <= ln(2) / 2, minimax, relative error 2e-8 (found with mpmath's Chebyshev fit)
_EXP = (1.0, 1.0, 0.5, 0.16666667, 0.041666418, 0.008333337, 0.0013933643, 0.00019736163)


def exp(builder: Any, x: Any) -> Any:
    """Return e^x for each of 16 floats, within 2 units in the last place, |x| up to 87."""
    x = clamped(builder, x, -SPAN, SPAN)
    scaled = builder.fmul(x, constant(1.4426950408889634))
    whole = _call(builder, "rint", [scaled])
    # ln 2 in two parts, so that nothing is lost where x is large
    r = fma(builder, whole, constant(-0.693359375), x)
    r = fma(builder, whole, constant(2.12194440e-4), r)
    power = constant(_EXP[-1])
    for coefficient in reversed(_EXP[:-1]):
        power = fma(builder, power, r, constant(coefficient))
    exponent = builder.fptosi(whole, INTEGERS)
    bits = builder.shl(
        builder.add(exponent, ir.Constant(INTEGERS, [127] * LANES)),
        ir.Constant(INTEGERS, [23] * LANES),
    )
    return builder.fmul(power, builder.bitcast(bits, VECTOR))


def sigmoid(builder: Any, x: Any) -> Any:
    """Return 1 / (1 + e^-x)."""
    grown = exp(builder, builder.fsub(constant(-0.0), x))
    return builder.fdiv(constant(1.0), builder.fadd(constant(1.0), grown))


def tanh(builder: Any, x: Any) -> Any:
    """Return 1 - 2 / (1 + e^2x)."""
    grown = exp(builder, builder.fadd(x, x))
    return fma(
        builder,
        constant(-2.0),
        builder.fdiv(constant(1.0), builder.fadd(constant(1.0), grown)),
        constant(1.0),
    )
