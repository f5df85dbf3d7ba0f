"""Products with packed matrices: what they are, and that a stream's bits are its own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from rawtone.generation.kernels import sixteen_bits
from rawtone.generation.kernels.packed import add_packed, pack
from rawtone.generation.kernels.padding import padded
from rawtone.generation.kernels.turning import add_beside, set_apart

SIXTEENTHS = st.integers(1, 37)  # several tiles at once, one, and what is left of one


@njit
def product(matrix: Any, x: Any, y: Any) -> None:
    add_packed(matrix, x, y)


@njit
def to_beside(own: Any, y: Any) -> None:
    add_beside(own, y)


@njit
def to_apart(x: Any, own: Any) -> None:
    set_apart(x, own)


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def summed(matrix: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return y with the product added to it."""
    result = y.copy()
    product(matrix, x, result)
    return result


@settings(max_examples=30, deadline=None)
@given(inputs=st.integers(1, 90), sixteenths=SIXTEENTHS)
def test_a_product_is_that_of_float64(inputs: int, sixteenths: int) -> None:
    weights, y = numbers(inputs, 16 * sixteenths), numbers(16 * sixteenths, 1)
    x = numbers(inputs, 1)
    exact = y + weights.T.astype(np.float64) @ x
    np.testing.assert_allclose(summed(pack(weights), x, y), exact, atol=2e-5)


@settings(max_examples=20, deadline=None)
@given(inputs=st.integers(1, 90), sixteenths=SIXTEENTHS)
def test_sixteen_bits_are_floats_rounded_beforehand(inputs: int, sixteenths: int) -> None:
    weights, y = numbers(inputs, 16 * sixteenths), numbers(16 * sixteenths, 1)
    halves = sixteen_bits.packed(weights).astype(np.uint32) << np.uint32(16)
    x, rounded = numbers(inputs, 1), pack(halves.view(np.float32))
    found = summed(pack(weights, "bfloat16"), x, y)
    np.testing.assert_array_equal(found, summed(rounded, x, y))


@settings(max_examples=20, deadline=None)
@given(sixteen_inputs=st.integers(1, 6), sixteenths=SIXTEENTHS)
def test_eight_bits_lose_little(sixteen_inputs: int, sixteenths: int) -> None:
    weights = numbers(16 * sixteen_inputs, 16 * sixteenths)
    x, y = numbers(16 * sixteen_inputs, 1), np.zeros((16 * sixteenths, 1), np.float32)
    greatest = np.abs(weights).max(axis=0)[:, None]
    # half a step of either, of the largest that either is
    least = np.abs(weights).sum(axis=0)[:, None] * np.abs(x).max() + np.abs(x).sum() * greatest
    error = summed(pack(weights, "int8"), x, y) - weights.T.astype(np.float64) @ x
    assert (np.abs(error) <= least / 254 * 1.05).all()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_sixteen_streams_have_the_same_bits_of_many_inputs(precision: Any) -> None:
    matrix, x, y = pack(numbers(1040, 336), precision), numbers(1040, 16), numbers(336, 16)
    together = summed(matrix, x, y)
    for lane in range(16):
        own = [np.ascontiguousarray(array[:, lane : lane + 1]) for array in (x, y)]
        np.testing.assert_array_equal(summed(matrix, *own)[:, 0], together[:, lane])


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@settings(max_examples=20, deadline=None)
@given(sixteen_inputs=st.integers(1, 6), sixteenths=SIXTEENTHS)
def test_sixteen_streams_have_the_bits_that_each_has_alone(
    precision: Any, sixteen_inputs: int, sixteenths: int
) -> None:
    inputs, outputs = 16 * sixteen_inputs, 16 * sixteenths
    matrix, x, y = (
        pack(numbers(inputs, outputs), precision),
        numbers(inputs, 16),
        numbers(outputs, 16),
    )
    together = summed(matrix, x, y)
    for lane in (0, 15):
        own = [np.ascontiguousarray(array[:, lane : lane + 1]) for array in (x, y)]
        np.testing.assert_array_equal(summed(matrix, *own)[:, 0], together[:, lane])


@pytest.mark.parametrize("lanes", [1, 16])
def test_streams_are_turned_side_by_side_and_apart(lanes: int) -> None:
    own, y = numbers(lanes, 48), numbers(48, lanes)
    beside, apart = y.copy(), np.empty_like(own)
    to_beside(own, beside)
    np.testing.assert_array_equal(beside, y + own.T)
    to_apart(y, apart)
    np.testing.assert_array_equal(apart, y.T)


def test_each_part_of_an_axis_is_filled_up() -> None:
    filled = padded(np.ones((2, 6)), axis=-1, parts=2)
    assert filled.shape == (2, 32)
    np.testing.assert_array_equal(np.flatnonzero(filled[0]), [0, 1, 2, 16, 17, 18])
