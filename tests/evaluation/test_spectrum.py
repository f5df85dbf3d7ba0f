"""Average spectra: the same sound is near, another one far, and loudness counts."""

import numpy as np
import pytest

from rawtone.evaluation.spectrum import BANDS, QUIETEST_DB, average_spectrum, distance_db

RATE = 16_000


def coloured(seed: int, hertz: float, seconds: float = 4.0) -> np.ndarray:
    """Return noise around a frequency: another piece of the same sound for every seed."""
    noise = np.fft.rfft(np.random.default_rng(seed).standard_normal(round(seconds * RATE)))
    frequencies = np.fft.rfftfreq(round(seconds * RATE), 1 / RATE)
    return 0.1 * np.fft.irfft(noise * np.exp(-((np.log2((frequencies + 1) / hertz)) ** 2)))


def spectrum(*pieces: np.ndarray) -> np.ndarray:
    return average_spectrum(pieces, RATE)


def test_two_pieces_of_one_sound_are_near_and_another_sound_is_far() -> None:
    near = distance_db(spectrum(coloured(0, 500)), spectrum(coloured(1, 500)))
    far = distance_db(spectrum(coloured(0, 500)), spectrum(coloured(1, 3000)))
    assert near < 1.5
    assert far > 10


def test_more_noise_is_further_away() -> None:
    music, noise = coloured(0, 500), np.random.default_rng(9).standard_normal(4 * RATE)
    distances = [
        distance_db(spectrum(music), spectrum(coloured(1, 500) + level * noise))
        for level in (0.0, 0.001, 0.01, 0.1)
    ]
    assert distances == sorted(distances)


def test_half_the_amplitude_is_6_db() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE)
    assert distance_db(spectrum(noise), spectrum(0.5 * noise)) == pytest.approx(6.02, abs=0.01)


def test_order_and_cut_do_not_matter_much() -> None:
    music = coloured(0, 500)
    halves = np.split(music, 2)
    assert distance_db(spectrum(music), spectrum(*reversed(halves))) < 0.1


@pytest.mark.parametrize("samples", [0, 10, RATE])
def test_silence_and_nothing_are_as_quiet_as_can_be(samples: int) -> None:
    np.testing.assert_array_equal(spectrum(np.zeros(samples)), np.full(BANDS, QUIETEST_DB))


@pytest.mark.parametrize("rate", [1000, 8000, 44_100])
def test_every_rate_has_its_bands(rate: int) -> None:
    assert np.isfinite(average_spectrum([np.ones(rate)], rate)).all()
