"""Elementary functions of doubles, for compiled code: the same bits on every processor.

The C library's differ from one to the next, and cannot be computed side by side. These have no
branches, so LLVM does several elements of a loop at once; each gets the same bits either way.
"""

import math
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_DOUBLE, _WORD = ir.DoubleType(), ir.IntType(64)
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # their sum is ln 2
_MANTISSA, _BIAS = 52, 1023
_SPAN = 700.0
_HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)
# 1 / n! and 1 / (2 n + 1): what is left out is below a tenth of the last place
_OF_EXP = [1.0 / math.factorial(n) for n in range(14)]
_OF_LOG = [1.0 / (2 * n + 1) for n in range(1, 11)]


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    kind = ir.FunctionType(_DOUBLE, [_DOUBLE] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.f64")
    return builder.call(function, [a, b, c])


def _one(builder: Any, name: str, x: Any) -> Any:
    kind = ir.FunctionType(_DOUBLE, [_DOUBLE])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [x])


def _polynomial(builder: Any, x: Any, coefficients: list[float]) -> Any:
    total = _DOUBLE(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = _fma(builder, total, x, _DOUBLE(coefficient))
    return total


@intrinsic  # type: ignore[untyped-decorator]
def exp(_: Any, x: Any) -> Any:
    """Return e^x within 2 units in the last place, |x| up to 700."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        x = builder.select(builder.fcmp_ordered("<", x, _DOUBLE(_SPAN)), x, _DOUBLE(_SPAN))
        x = builder.select(builder.fcmp_ordered(">", x, _DOUBLE(-_SPAN)), x, _DOUBLE(-_SPAN))
        whole = _one(builder, "llvm.rint.f64", builder.fmul(x, _DOUBLE(1.0 / math.log(2.0))))
        rest = _fma(builder, whole, _DOUBLE(-_LN2_HIGH), x)
        rest = _fma(builder, whole, _DOUBLE(-_LN2_LOW), rest)
        exponent = builder.add(builder.fptosi(whole, _WORD), _WORD(_BIAS))
        power = builder.bitcast(builder.shl(exponent, _WORD(_MANTISSA)), _DOUBLE)
        return builder.fmul(_polynomial(builder, rest, _OF_EXP), power)

    return types.float64(types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def log(_: Any, x: Any) -> Any:
    """Return the natural logarithm within 2 units in the last place, of positive normal numbers.

    With x = 2^k m, m from sqrt(1/2) to sqrt(2), it is k ln 2 + 2 artanh((m - 1) / (m + 1)).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], _WORD)
        k = builder.ashr(builder.sub(bits, _WORD(_HALF_ROOT)), _WORD(_MANTISSA))
        m = builder.bitcast(builder.sub(bits, builder.shl(k, _WORD(_MANTISSA))), _DOUBLE)
        s = builder.fdiv(
            builder.fsub(m, _DOUBLE(1.0)),
            builder.fadd(m, _DOUBLE(1.0)),
        )
        square, twice = builder.fmul(s, s), builder.fadd(s, s)
        series = builder.fmul(square, _polynomial(builder, square, _OF_LOG))
        times = builder.sitofp(k, _DOUBLE)
        small = _fma(builder, twice, series, builder.fmul(times, _DOUBLE(_LN2_LOW)))
        return _fma(builder, times, _DOUBLE(_LN2_HIGH), builder.fadd(twice, small))

    return types.float64(types.float64), generate


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def sigmoid(x: float) -> Any:
    """Return 1 / (1 + e^-x)."""
    return 1.0 / (1.0 + exp(-x))


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def log_sigmoid(x: float) -> Any:
    """Return the logarithm of the sigmoid, which is exact in both tails."""
    return min(x, 0.0) - log(1.0 + exp(-abs(x)))


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def arcsinh(x: float) -> Any:
    """Return the inverse of sinh, to 1e-15 or 4 units in the last place, whichever is more."""
    size = abs(x)
    return math.copysign(log(size + math.sqrt(size * size + 1.0)), x)


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def gelu(x: float) -> Any:
    """Return x times the normal distribution's share below x, approximately.

    It is 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (Hendrycks & Gimpel 2016, section 2).
    """
    return x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))
