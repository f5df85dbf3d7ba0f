"""What the pictures of a clip must show."""

import base64
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rawtone.report.pictures import (
    PEAKS,
    SPECTROGRAM_HEIGHT,
    WAVEFORM_HEIGHT,
    WIDTH,
    peaks,
    spectrogram,
    waveform,
)

RATE = 8000
TIME = np.arange(2 * RATE) / RATE


def tone(frequency: float, level: float = 0.5) -> NDArray[np.float32]:
    """Return two seconds of a sine."""
    return (level * np.sin(2 * np.pi * frequency * TIME)).astype(np.float32)


def shades(png: bytes) -> NDArray[np.uint8]:
    """Return the palette indices of a picture."""
    return np.asarray(Image.open(io.BytesIO(png)))


def test_octaves_are_equally_high_and_low_notes_are_below() -> None:
    rows = [int(shades(spectrogram(tone(f), RATE)).mean(1).argmax()) for f in (220, 440, 880)]
    assert rows[0] > rows[1] > rows[2]
    assert (rows[0] - rows[1]) == pytest.approx(rows[1] - rows[2], abs=3)


def test_louder_is_brighter() -> None:
    loud, quiet = (shades(spectrogram(tone(440, level), RATE)).max() for level in (0.1, 0.001))
    assert loud > quiet


def test_time_runs_from_left_to_right() -> None:
    silence_then_tone = np.concatenate([np.zeros(RATE, np.float32), tone(440)[:RATE]])
    wave = shades(waveform(silence_then_tone)).sum(0)
    assert wave[: WIDTH // 2 - 5].max() < 4
    assert wave[WIDTH // 2 + 5 :].min() > WAVEFORM_HEIGHT // 3


def test_full_scale_fills_the_height() -> None:
    wave = shades(waveform(tone(440, 1.0)))
    assert wave[0].any()
    assert wave[-1].any()


@pytest.mark.parametrize("length", [0, 1, 7, 300, 5000])
@pytest.mark.parametrize("rate", [1000, 8000, 48000])
def test_clips_of_any_length_and_rate_have_pictures_of_one_size(length: int, rate: int) -> None:
    samples = np.ones(length, np.float32)
    assert shades(waveform(samples)).shape == (WAVEFORM_HEIGHT, WIDTH)
    assert shades(spectrogram(samples, rate)).shape == (SPECTROGRAM_HEIGHT, WIDTH)


def test_the_same_clip_gives_the_same_bytes() -> None:
    assert waveform(tone(440)) == waveform(tone(440))
    assert spectrogram(tone(440), RATE) == spectrogram(tone(440), RATE)


def test_peaks_are_the_lowest_and_highest_of_every_moment() -> None:
    silence_then_tone = np.concatenate([np.zeros(RATE, np.float32), tone(440, 1.0)[:RATE]])
    pairs = np.frombuffer(base64.b64decode(peaks(silence_then_tone)), np.int8).reshape(PEAKS, 2)
    assert not pairs[: PEAKS // 2 - 1].any()
    assert (pairs[PEAKS // 2 + 1 :, 0] < -120).all()
    assert (pairs[PEAKS // 2 + 1 :, 1] > 120).all()


@pytest.mark.parametrize("length", [0, 1, 7, 239, 5000])
def test_peaks_of_clips_of_any_length_are_as_many(length: int) -> None:
    assert len(base64.b64decode(peaks(np.ones(length, np.float32)))) == 2 * PEAKS
