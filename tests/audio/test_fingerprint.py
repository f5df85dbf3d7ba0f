"""Fingerprints tell from where on two clips differ."""

import numpy as np
import pytest

from rawtone.audio.fingerprint import fingerprint, same_samples

NOISE = np.random.default_rng(0).integers(-32768, 32767, 4500, dtype=np.int16)


@pytest.mark.parametrize(("first", "same"), [(0, 0), (999, 0), (1000, 1000), (3999, 3000)])
def test_a_difference_is_found_to_the_thousand(first: int, same: int) -> None:
    other = NOISE.copy()
    other[first] ^= 1
    assert same_samples(fingerprint(NOISE), fingerprint(other)) == same


def test_equal_audio_has_equal_fingerprints() -> None:
    assert fingerprint(NOISE) == fingerprint(NOISE.copy())
    assert len(fingerprint(NOISE)) == 5 * 4


def test_a_shorter_clip_is_the_same_as_far_as_it_goes() -> None:
    assert same_samples(fingerprint(NOISE), fingerprint(NOISE[:2000])) == 2000


def test_both_channels_count() -> None:
    stereo = np.stack([NOISE, NOISE], axis=1)
    other = stereo.copy()
    other[2500, 1] ^= 1
    assert same_samples(fingerprint(stereo), fingerprint(other)) == 2000
