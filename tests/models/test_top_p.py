"""Top-p draws only from the likeliest codes, and at 1 it is as if there were none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.generation.random import LEAST
from rawtone.models import backend

backend.start()

from rawtone.models.sampling import choose, nucleus  # noqa: E402
from rawtone.models.two_stage import TwoStageSoftmax  # noqa: E402


def kept(shares: list[float], top_p: float) -> list[int]:
    found = nucleus(np.array([shares], np.float32), np.array([top_p], np.float32))
    return np.flatnonzero(np.asarray(found)[0]).tolist()


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [(0.1, [2]), (0.5, [2]), (0.51, [2, 3]), (0.75, [2, 3]), (0.76, [0, 1, 2, 3]), (1, range(5))],
)
def test_as_few_codes_as_have_the_share_and_those_as_likely_as_the_last(
    top_p: float, expected: list[int]
) -> None:
    assert kept([2, 2, 8, 4, 0], top_p) == list(expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_it_is_what_sorting_says(seed: int, top_p: float) -> None:
    """In float64, wherever the share is not on the edge within rounding."""
    shares = np.random.default_rng(seed).exponential(size=32).astype(np.float32) ** 2
    order = np.argsort(-shares, kind="stable")
    sums = np.cumsum(shares[order].astype(np.float64)) / shares.sum(dtype=np.float64)
    if np.abs(sums - top_p).min() > 1e-6:
        count = int(np.searchsorted(sums, top_p)) + 1
        assert kept(shares.tolist(), top_p) == sorted(order[:count].tolist())


def test_only_kept_codes_are_drawn_as_often_as_before_among_themselves() -> None:
    logits = np.log(np.tile(np.float32([0.1, 0.4, 0.05, 0.3, 0.15]), (1000, 1)))
    uniform, ones = np.linspace(0, 0.9999, 1000, dtype=np.float32), np.ones(1000, np.float32)
    drawn = np.asarray(choose(logits, ones, uniform, 0.7 * ones))
    counts = np.bincount(drawn, minlength=5)
    assert counts.tolist() == pytest.approx([0, 571, 0, 429, 0], abs=2)


@pytest.mark.parametrize("uniform", [LEAST, 1 - 2.0**-24])
def test_the_first_and_the_last_number_draw_codes_that_are_kept(uniform: float) -> None:
    """Where sums are rounded, the last one may not reach what it is compared with."""
    logits = np.random.default_rng(0).normal(size=(2000, 256), scale=3).astype(np.float32)
    logits[:, [0, 255]] = -20  # possible, but cut off
    ones = np.ones(2000, np.float32)
    drawn = np.asarray(choose(logits, ones, np.float32(uniform) * ones, np.float32(0.9) * ones))
    keeps = np.asarray(nucleus(np.exp(logits), np.float32(0.9) * ones))
    assert keeps[np.arange(2000), drawn].all()
    assert (drawn < 255).all() and (drawn > 0).all()


def test_at_one_the_codes_are_those_without_it() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(500, 64), scale=3).astype(np.float32)
    uniform, heat = random.random(500, np.float32), random.random(500, np.float32) + 0.5
    ones = np.ones(500, np.float32)
    np.testing.assert_array_equal(
        np.asarray(choose(logits, heat, uniform, ones)), np.asarray(choose(logits, heat, uniform))
    )


def test_next_to_nothing_is_the_likeliest_code_also_of_two_stages() -> None:
    head = TwoStageSoftmax(256, hidden=8)
    features = np.random.default_rng(1).normal(size=(50, head.size)).astype(np.float32)
    uniform = np.random.default_rng(2).random((2, 50), np.float32)
    tiny, zeros = np.full(50, 1e-6, np.float32), np.zeros(50, np.float32)
    np.testing.assert_array_equal(
        np.asarray(head.draw(features, zeros + 1, uniform, tiny)),
        np.asarray(head.draw(features, zeros, uniform)),
    )
