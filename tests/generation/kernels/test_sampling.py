"""Codes are drawn as the models' own sampling draws them, and as the definition says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.generation.kernels.sampling import choose
from rawtone.models import backend

backend.start()

from keras import ops  # noqa: E402

from rawtone.models import sampling  # noqa: E402


def drawn(
    logits: np.ndarray, temperature: float = 1.0, top_p: float = 1.0, uniform: float = 0.5
) -> int:
    """Return the code that the kernels draw."""
    levels = len(logits)
    room = np.zeros(-(-levels // 16) * 16, np.float32)
    room[:levels] = logits
    room[levels:] = 1e9  # what is beyond the levels must not count
    numbers = (np.float32(number) for number in (temperature, top_p, uniform))
    return int(choose(room, levels, *numbers))


def shares(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities in float64."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max())
    return powers / powers.sum()


def case(levels: int, seed: int, scale: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=scale, size=levels).astype(np.float32)


levels = st.sampled_from([2, 15, 16, 17, 256, 300, 1000])
seeds = st.integers(0, 10**6)
temperatures = st.floats(0.1, 3)
uniforms = st.integers(0, 2**24 - 1).map(lambda n: n * 2.0**-24)


@settings(max_examples=200, deadline=None)
@given(levels, seeds, temperatures, uniforms)
def test_it_is_the_inverse_of_the_cumulative_distribution(
    count: int, seed: int, temperature: float, uniform: float
) -> None:
    """Up to rounding: the number lies between the cumulative sums around the code."""
    logits = case(count, seed)
    code = drawn(logits, temperature, uniform=uniform)
    cumulative = np.cumsum(shares(logits, temperature))
    assert cumulative[code] > uniform - 1e-6
    assert code == 0 or cumulative[code - 1] <= uniform + 1e-6


def test_it_draws_what_the_models_draw() -> None:
    logits = np.random.default_rng(0).normal(scale=2, size=(500, 256)).astype(np.float32)
    uniform = np.random.default_rng(1).random(500, np.float32)
    temperature = np.linspace(0, 1.5, 500, dtype=np.float32)
    for top_p in (1.0, 0.9):
        expected = sampling.choose(logits, temperature, uniform, np.full(500, top_p, np.float32))
        found = [
            drawn(row, heat, top_p, number)
            for row, heat, number in zip(logits, temperature, uniform, strict=True)
        ]
        np.testing.assert_array_equal(found, ops.convert_to_numpy(expected))


@settings(max_examples=100, deadline=None)
@given(levels, seeds, st.floats(0.05, 0.99), uniforms)
def test_top_p_keeps_the_fewest_likely_codes_that_have_its_share(
    count: int, seed: int, top_p: float, uniform: float
) -> None:
    logits = case(count, seed)
    code, share = drawn(logits, 1.0, top_p, uniform), shares(logits, 1.0)
    likelier = share[share > share[code]].sum()
    assert likelier < top_p + 1e-6


def test_codes_as_likely_as_the_last_that_is_kept_are_kept_too() -> None:
    logits = np.log(np.array([0.4, 0.2, 0.2, 0.2], np.float32))
    assert {drawn(logits, 1.0, 0.5, uniform) for uniform in np.linspace(0, 0.99, 50)} == {
        0,
        1,
        2,
        3,
    }
    assert {drawn(logits, 1.0, 0.39, uniform) for uniform in np.linspace(0, 0.99, 50)} == {0}


def test_temperature_zero_takes_the_first_of_the_likeliest() -> None:
    logits = np.zeros(40, np.float32)
    logits[[20, 33]] = 3
    assert drawn(logits, 0.0, uniform=0.99) == 20


@pytest.mark.parametrize("uniform", [0.0, 2.0**-25, 1 - 2.0**-24])
@pytest.mark.parametrize("top_p", [0.5, 1.0])
def test_the_ends_are_codes_that_can_be_drawn(uniform: float, top_p: float) -> None:
    """Where sums are rounded, the last may not reach what they are compared with."""
    for seed in range(300):
        logits = case(256, seed, scale=5.0)
        logits[[0, 255]] = -1e4  # impossible
        code = drawn(logits, 1.0, top_p, uniform)
        assert 0 < code < 255
