"""Elementary functions of doubles: as exact as they say, and the same bits one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from rawtone.generation.kernels import doubles

SPANS = {"exp": (-700.0, 700.0), "log": (1e-3, 1e3), "arcsinh": (-50.0, 50.0)}
EXACT: dict[str, Callable[[Any], Any]] = {"exp": np.exp, "log": np.log, "arcsinh": np.arcsinh}


@njit(error_model="numpy")
def all_of(x: Any, exp: Any, log: Any, arcsinh: Any) -> None:
    for i in range(len(x)):
        exp[i] = doubles.exp(x[i])
    for i in range(len(x)):
        log[i] = doubles.log(x[i])
    for i in range(len(x)):
        arcsinh[i] = doubles.arcsinh(x[i])


def found(x: np.ndarray) -> dict[str, np.ndarray]:
    made = {name: np.empty_like(x) for name in SPANS}
    all_of(x, *made.values())
    return made


@pytest.mark.parametrize("name", SPANS)
def test_they_are_within_two_units_in_the_last_place_or_a_femtounit(name: str) -> None:
    x = np.random.default_rng(0).uniform(*SPANS[name], 100_000)
    exact = EXACT[name](x.astype(np.longdouble))
    unit = np.spacing(np.abs(exact).astype(np.float64))
    if name == "arcsinh":
        unit = np.maximum(2 * unit, 1e-15)
    assert np.max(np.abs(found(x)[name] - exact) / unit) < 2


def test_one_element_has_the_bits_that_it_has_among_others() -> None:
    """LLVM does several at once where there are enough of them."""
    x = np.random.default_rng(1).uniform(0.1, 9, 40)
    together = found(x)
    for i in (0, 5, 39):
        for name, one in found(x[i : i + 1].copy()).items():
            assert one[0] == together[name][i]
