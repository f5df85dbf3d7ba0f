"""Bits per sample: every held-out sample once, and the figures a model has to beat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.evaluation.bits import entropy_bits, first_unheard, flac_bits, loss_per_sample
from rawtone.training.batches import Batch


def batch(weights: list[float]) -> Batch:
    """Return a batch of which only the weights matter."""
    nothing = np.zeros((1, len(weights)), np.int32)
    one = np.zeros(1, np.int32)
    return Batch(nothing, nothing, np.array([weights], np.float32), one, one == 0)


def test_each_sample_counts_once_whatever_batch_it_is_in() -> None:
    losses = {3.0: 3 * 1.0, 1.0: 5.0}
    batches = [batch([1, 1, 1]), batch([1, 0, 0])]
    loss = loss_per_sample(batches, lambda b: losses[float(b.weights.sum())])
    assert loss == pytest.approx((3 * 1 + 5) / 4)


def test_the_overlap_with_the_chunk_before_is_not_scored_twice() -> None:
    tracks = ["a", "a", "a", "b", "b"]
    starts = np.array([0, 70, 210, 0, 70])  # the chunk at 140 of track a was not kept
    firsts = first_unheard(tracks, starts, size=80, overlap=10)
    assert firsts.tolist() == [0, 10, 0, 0, 10]


@given(st.lists(st.integers(0, 15), min_size=1, max_size=200))
def test_entropy_is_within_what_the_number_of_levels_allows(codes: list[int]) -> None:
    assert -1e-9 <= entropy_bits(np.array(codes), 16) <= 4 + 1e-9


def test_entropy_of_known_histograms() -> None:
    assert entropy_bits(np.array([7] * 100), 16) == 0
    assert entropy_bits(np.array([0, 0, 1, 2]), 16) == pytest.approx(1.5)


@pytest.mark.parametrize(("levels", "most"), [(256, 8.2), (65536, 16.4)])
def test_flac_can_not_compress_noise_but_a_tone(levels: int, most: float) -> None:
    noise = np.random.default_rng(0).integers(0, levels, 80_000)
    turns = np.arange(80_000) / 100
    tone = np.round((np.sin(2 * np.pi * turns) * 0.4 + 0.5) * (levels - 1)).astype(int)
    assert 0.99 * np.log2(levels) < flac_bits(noise, levels, 8000) < most
    assert flac_bits(tone, levels, 8000) < 0.6 * np.log2(levels)


def test_two_channels_count_as_two_samples() -> None:
    """So that bits of stereo compare with those of mono."""
    random = np.random.default_rng(0)
    left, right = random.integers(0, 256, 40_000), random.integers(0, 4, 40_000)
    both = np.stack([left, right], axis=1)
    assert entropy_bits(both, 256) == pytest.approx(entropy_bits(both.T.ravel(), 256))
    assert flac_bits(np.stack([left, left], axis=1), 256, 8000) == pytest.approx(4, abs=0.2)
    assert flac_bits(both, 256, 8000) == pytest.approx((8 + 2) / 2, abs=0.6)
