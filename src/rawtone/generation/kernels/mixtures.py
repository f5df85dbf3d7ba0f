"""Drawing a code from a mixture of logistics, as `rawtone.models.logistics` does it."""

import math
from typing import Any

import numpy as np
from numba import njit

from rawtone.generation.kernels.doubles import exp, log, log_sigmoid
from rawtone.models.logistics import RAREST

_MOST = 1.0 - 2.0**-24


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def draw(
    logits: Any,
    means: Any,
    widths: Any,
    temperature: Any,
    chance: Any,
    rank: Any,
    steps: float,
    levels: int,
) -> int:
    """Draw a component, then a value of it; at temperature 0 take the likeliest one's mean.

    Args:
        logits: of the components' shares, [components]. Overwritten.
        means: in cells from the middle of the axis, [components].
        widths: their logarithms, in cells, [components].
        temperature: float32; divides logits, and multiplies widths.
        chance: float32 in [0, 1), for the component.
        rank: float32 in [0, 1), for the value.
        steps: cells of the axis.
        levels: number of codes.
    """
    chosen = _component(logits, temperature, chance)
    share = min(max(np.float64(rank), RAREST), _MOST)
    spread = temperature * exp(widths[chosen]) * (log(share) - log(1.0 - share))
    place = math.floor(means[chosen] + spread + (steps + 1.0) / 2.0)
    return int(min(max(place, 0.0), levels - 1.0))


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _component(logits: Any, temperature: Any, chance: Any) -> int:
    """Draw by inverse CDF; at temperature 0 take the first of the likeliest."""
    likeliest = 0
    for k in range(1, len(logits)):
        if logits[k] > logits[likeliest]:
            likeliest = k
    if temperature <= 0:
        return likeliest
    greatest, total = logits[likeliest], 0.0
    for k in range(len(logits)):
        logits[k] = exp((logits[k] - greatest) / temperature)
        total += logits[k]
    bar, cumulative = chance * total, 0.0
    for k in range(len(logits) - 1):
        cumulative += logits[k]
        if cumulative > bar:
            return k
    return len(logits) - 1


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def log_probability(
    logits: Any, means: Any, widths: Any, code: int, steps: float, levels: int
) -> Any:
    """Return the natural logarithm of the mixture's mass in a code's cell; the ends take the tails.

    Args:
        logits: as for `draw`, but left as they are.
        means: see there.
        widths: see there.
        code: below `levels`.
        steps: see there.
        levels: see there.
    """
    masses = np.empty(len(means))
    for k in range(len(means)):
        width, middle = exp(widths[k]), code - steps / 2.0 - means[k]
        masses[k] = logits[k]
        if code < levels - 1:
            masses[k] += log_sigmoid((middle + 0.5) / width)
        if code > 0:
            masses[k] += log_sigmoid((0.5 - middle) / width)
        if 0 < code < levels - 1:
            # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^(b - a))
            masses[k] += log(1.0 - exp(-1.0 / width))
    return _log_sum(masses) - _log_sum(logits)


@njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _log_sum(x: Any) -> Any:
    """Return the logarithm of the sum of e^x."""
    greatest, total = x[0], 0.0
    for k in range(1, len(x)):
        greatest = max(greatest, x[k])
    for k in range(len(x)):
        total += exp(x[k] - greatest)
    return greatest + log(total)
