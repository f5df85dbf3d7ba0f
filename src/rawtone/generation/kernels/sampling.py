"""Drawing a code from logits by inverse CDF, as `rawtone.models.sampling.choose` does it."""

from typing import Any

import numpy as np
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from rawtone.generation.kernels.vectors import (
    LANES,
    data,
    exp,
    index,
    load,
    splat,
    store,
)


@intrinsic
def _powers(typing: Any, logits: Any, greatest: Any, temperature: Any) -> Any:
    """Set logits to e^((logits - greatest) / temperature), each float32; a multiple of 16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, most, divisor = arguments
        kind = signature.args[0]
        size = cgutils.create_struct_proxy(kind)(context, builder, array).nitems
        pointer = data(context, builder, kind, array)
        with cgutils.for_range_slice(builder, index(0), size, index(LANES)) as (at, _):
            lower = builder.fsub(load(builder, pointer, at), splat(builder, most))
            shares = exp(builder, builder.fdiv(lower, splat(builder, divisor)))
            store(builder, shares, pointer, at)
        return context.get_dummy_value()

    return types.void(logits, greatest, temperature), generate


@njit(nogil=True)  # type: ignore[untyped-decorator]
def choose(logits: Any, levels: int, temperature: float, uniform: float) -> int:
    """Draw a code.

    Args:
        logits: float32, a multiple of 16, of which the first `levels` count. Overwritten.
        levels: number of codes.
        temperature: float32; 0 takes the likeliest.
        uniform: float32 in [0, 1).

    Returns:
        The smallest code whose cumulative probability exceeds the uniform number.
    """
    best = 0
    for code in range(1, levels):
        if logits[code] > logits[best]:
            best = code
    if temperature <= 0:
        return best
    _powers(logits, logits[best], temperature)
    total = np.float32(0)
    for code in range(levels):
        total += logits[code]
        logits[code] = total
    bar = uniform * total
    low, high = 0, levels - 1  # a binary search, as the sums ascend
    while low < high:
        middle = (low + high) // 2
        if logits[middle] > bar:
            high = middle
        else:
            low = middle + 1
    return low
