"""A product has the same bits for a stream alone and for one of 16, whatever the sizes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from rawtone.generation.kernels.products import CHUNK, add_product, add_products
from rawtone.kernels.vectors import LANES


@njit
def alone(w: Any, x: Any, y: Any) -> None:
    add_product(w, x, y)


@njit
def together(w: Any, x: Any, y: Any) -> None:
    add_products(w, x, y)


def case(inputs: int, outputs: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights [inputs, outputs], x [inputs, 16], y [outputs, 16]."""
    random = np.random.default_rng(seed)
    shapes = (inputs, outputs), (inputs, LANES), (outputs, LANES)
    w, x, y = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    return w, x, y


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3 * CHUNK), st.integers(1, 40), st.integers(0, 1000))
def test_one_has_the_bits_of_sixteen(inputs: int, registers: int, seed: int) -> None:
    w, x, y = case(inputs, registers * LANES, seed)
    many = y.copy()
    together(w, x, many)
    for lane in (0, 7, LANES - 1):
        one = y[:, lane].copy()
        alone(w, x[:, lane].copy(), one)
        np.testing.assert_array_equal(one, many[:, lane])


@pytest.mark.parametrize("outputs", [16, 32, 48, 64, 112, 128, 144, 512])
@pytest.mark.parametrize("inputs", [1, 3, 32, 65, 300])
def test_it_adds_the_product(inputs: int, outputs: int) -> None:
    """At sizes where sums are split into four parts, two and one."""
    w, x, y = case(inputs, outputs, 0)
    exact = y + w.T.astype(np.float64) @ x
    together(w, x, y)
    np.testing.assert_allclose(y, exact, atol=1e-6 * inputs + 1e-6)
