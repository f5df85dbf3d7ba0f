"""Levels are those of dBFS, and silence is a run of quiet blocks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.audio import levels

RATE = 8000


def noise(samples: int, dbfs: float) -> np.ndarray:
    random = np.random.default_rng(0).choice([-1.0, 1.0], samples)
    return np.round(random * 10 ** (dbfs / 20) * 32768).clip(-32768, 32767).astype(np.int16)


def test_full_scale_sine_and_square():
    sine = np.sin(2 * np.pi * np.arange(8000) / 80) * 32767
    assert levels.rms_dbfs(sine.astype(np.int16)) == pytest.approx(-3.01, abs=0.01)
    assert levels.rms_dbfs(np.full(10, -32768, np.int16)) == 0
    assert levels.peak_dbfs(np.full(10, -32768, np.int16)) == 0


def test_the_level_is_that_of_all_samples_whatever_the_blocks():
    stereo = np.stack([noise(1234, -20), noise(1234, -40)], 1)
    assert levels.measure(stereo, RATE, -64).rms_dbfs == levels.rms_dbfs(stereo)


def test_nothing_is_minus_infinity():
    assert levels.dbfs(0) == -math.inf
    assert levels.rms_dbfs(np.zeros(5, np.int16)) == -math.inf
    assert levels.rms_dbfs(np.zeros(0, np.int16)) == -math.inf
    assert levels.peak_dbfs(np.zeros(0, np.int16)) == -math.inf
    assert levels.measure(np.zeros(0, np.int16), RATE, -64).silence == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20)), min_size=1, max_size=10))
def test_longest_run_of_silent_blocks(runs):
    """Against the length of runs that were written down before they became audio."""
    parts = [noise(80 * n, -70 if quiet else -20) for quiet, n in runs]
    merged, longest = 0, 0
    for quiet, n in runs:
        merged = merged + 80 * n if quiet else 0
        longest = max(longest, merged)
    assert levels.measure(np.concatenate(parts), RATE, -64).silence == longest


def test_a_last_block_that_is_not_full_counts_by_its_length():
    assert levels.measure(np.zeros(1234, np.int16), RATE, -64).silence == 1234


def test_sound_in_one_channel_is_not_silence():
    stereo = np.stack([np.zeros(800, np.int16), noise(800, -30)], 1)
    assert levels.measure(stereo, RATE, -64).silence == 0


def test_zero_crossings_of_a_low_note_are_not_silence():
    low = (np.sin(2 * np.pi * 30 * np.arange(8000) / RATE) * 300).astype(np.int16)
    assert levels.measure(low, RATE, -64).silence == 0
