"""Random numbers: any stretch of a stream, the same ones always."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rawtone.generation.random import LEAST, uniforms


@given(st.integers(0, 2**40), st.integers(0, 10_000), st.integers(1, 50))
def test_any_stretch_can_be_had_without_those_before_it(seed: int, start: int, count: int) -> None:
    whole = uniforms(seed, 0, start + count)
    np.testing.assert_array_equal(uniforms(seed, start, count), whole[start:])


def test_they_are_uniform_and_below_one() -> None:
    drawn = uniforms(1, 0, 100_000)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 0.005
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.01


def test_the_numbers_of_a_seed_never_change() -> None:
    expected = [0.011547, 0.241549, 0.111426]
    np.testing.assert_allclose(uniforms(0, 0, 3)[:, 0], expected, atol=1e-5)


def test_none_is_zero_by_which_an_impossible_code_would_be_drawn() -> None:
    seed, index = 2, 1_046_460  # its second number would be 0
    drawn = uniforms(seed, index - 2, 5).astype(np.float64)
    assert drawn[2, 1] == LEAST
    drawn[2, 1] = 0
    np.testing.assert_array_equal(drawn * 2.0**24 % 1, 0)
