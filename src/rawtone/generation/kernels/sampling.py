"""Drawing a code from logits by inverse CDF, as `rawtone.models.sampling.choose` does it.

Probabilities are added up by blocks of 16 codes, the blocks one after the other, so that the code
is found in few steps.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from rawtone.kernels.vectors import (
    LANES,
    SPAN,
    VECTOR,
    constant,
    data,
    exp,
    index,
    load,
    maximum,
    splat,
    store,
    swapped,
)

_LOWEST = -3.0e38
_ONE_AS_BITS = 0x3F800000  # of floats from 0 to 1, the greatest


def _folded(builder: Any, value: Any, fold: Any) -> Any:
    """Return one float of 16, always folded in the same order."""
    for distance in (8, 4, 2, 1):
        value = fold(value, swapped(builder, value, distance))
    return builder.extract_element(value, ir.IntType(32)(0))


@intrinsic  # type: ignore[untyped-decorator]
def _largest(_: Any, x: Any) -> Any:
    """Return the largest of x, a multiple of 16 long."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (kind,), (array,) = signature.args, arguments
        size = cgutils.create_struct_proxy(kind)(context, builder, array).nitems
        pointer = data(context, builder, kind, array)
        most = cgutils.alloca_once(builder, VECTOR)
        builder.store(load(builder, pointer, index(0)), most)
        with cgutils.for_range_slice(builder, index(LANES), size, index(LANES)) as (at, _):
            new = load(builder, pointer, at)
            builder.store(maximum(builder, builder.load(most), new), most)
        return _folded(builder, builder.load(most), lambda a, b: maximum(builder, a, b))

    return types.float32(x), generate


@intrinsic  # type: ignore[untyped-decorator]
def _powers(_: Any, logits: Any, greatest: Any, temperature: Any) -> Any:
    """Set logits to e^((logits - greatest) / temperature), each float32; a multiple of 16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, most, divisor = arguments
        kind = signature.args[0]
        size = cgutils.create_struct_proxy(kind)(context, builder, array).nitems
        pointer = data(context, builder, kind, array)
        with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):
            lower = builder.fsub(load(builder, pointer, at), splat(builder, most))
            scaled = builder.fdiv(lower, splat(builder, divisor))
            possible = builder.fcmp_ordered(">=", scaled, constant(-SPAN))
            share = builder.select(possible, exp(builder, scaled), constant(0.0))
            store(builder, share, pointer, at)
        return context.get_dummy_value()

    return types.void(logits, greatest, temperature), generate


@intrinsic  # type: ignore[untyped-decorator]
def _block(_: Any, shares: Any, start: Any, least: Any) -> Any:
    """Return the sum of 16 shares from a start on, of those that are not less than the least."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, bound = arguments
        value = load(builder, data(context, builder, signature.args[0], array), at)
        kept = builder.fcmp_ordered(">=", value, splat(builder, bound))
        value = builder.select(kept, value, constant(0.0))
        return _folded(builder, value, builder.fadd)

    return types.float32(shares, types.int64, types.float32), generate


@intrinsic  # type: ignore[untyped-decorator]
def _as_float(_: Any, bits: Any) -> Any:
    """Return the float32 that has such bits; greater bits are a greater float."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.trunc(arguments[0], ir.IntType(32)), ir.FloatType())

    return types.float32(types.int64), generate


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _total(shares: Any, least: Any) -> Any:
    total = np.float32(0)
    for start in range(0, len(shares), LANES):
        total += _block(shares, start, least)
    return total


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _least_kept(shares: Any, top_p: Any) -> Any:
    """Return the share that the last code of the nucleus has."""
    if top_p >= 1:
        return np.float32(0)
    enough = top_p * _total(shares, np.float32(0))
    low, high = 0, _ONE_AS_BITS  # the sum of what is kept falls as the bound rises
    while low < high:
        middle = (low + high + 1) // 2
        if _total(shares, _as_float(middle)) >= enough:
            low = middle
        else:
            high = middle - 1
    return _as_float(low)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def choose(logits: Any, levels: int, temperature: Any, top_p: Any, uniform: Any) -> int:
    """Draw a code.

    Args:
        logits: float32, a multiple of 16, of which the first `levels` count. Overwritten.
        levels: number of codes.
        temperature: float32; 0 takes the likeliest.
        top_p: float32, the share of probability that the likeliest codes need to have; others are
            not drawn.
        uniform: float32 in [0, 1).

    Returns:
        The smallest code whose cumulative probability exceeds the uniform number.
    """
    for code in range(levels, len(logits)):
        logits[code] = _LOWEST
    greatest = _largest(logits)
    if temperature <= 0:
        for code in range(levels):
            if logits[code] == greatest:
                return code
    _powers(logits, greatest, temperature)
    least = _least_kept(logits, top_p)
    bar = uniform * _total(logits, least)
    before, after, start = np.float32(0), _block(logits, 0, least), 0
    while after <= bar and start + LANES < len(logits):
        start += LANES
        before, after = after, after + _block(logits, start, least)
    drawn = -1
    for code in range(start, min(start + LANES, levels)):
        if logits[code] > 0 and logits[code] >= least:
            drawn = code
            before += logits[code]
            if before > bar:
                break
    return drawn if drawn >= 0 else _last(logits, levels, least)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _last(shares: Any, levels: int, least: Any) -> int:
    """Return the last code that may be drawn, where rounding has lifted the bar over all sums."""
    for code in range(levels - 1, 0, -1):
        if shares[code] > 0 and shares[code] >= least:
            return code
    return 0


@njit(nogil=True)  # type: ignore[untyped-decorator]
def log_probability(logits: Any, levels: int, code: int) -> float:
    """Return the natural logarithm of a code's probability, in float64.

    Args:
        logits: float32, of which the first `levels` count.
        levels: number of codes.
        code: below `levels`.
    """
    greatest = np.float64(logits[:levels].max())
    total = 0.0
    for other in range(levels):
        total += math.exp(logits[other] - greatest)
    return float(logits[code] - greatest - math.log(total))
