"""A second of sound in numbers: how loud in bands of pitch, how that moves, and which notes.

Nothing in it was learned. It tells noise, hum, muffling, a wrong instrument or wrong notes; it
knows nothing of what lasts longer than a second.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BANDS, NOTES = 40, 12
# mean of each band, its deviation in time, share of each note of the octave
GROUPS = (slice(0, BANDS), slice(BANDS, 2 * BANDS), slice(2 * BANDS, 2 * BANDS + NOTES))
DIMENSIONS = 2 * BANDS + NOTES

QUIETEST_DB = -80.0
_LOWEST_HERTZ = 50.0
_NOTES_HERTZ = (65.0, 2000.0)
_FRAME_SECONDS = 0.064
_SECONDS_AT_ONCE = 16  # bounds the memory of long clips


def describe(audio: Floats, sample_rate: int) -> Floats:
    """Describe each second of audio.

    Args:
        audio: float64 [samples] between -1 and 1.
        sample_rate: samples a second.

    Returns:
        float64 [seconds, DIMENSIONS]. What remains of a second at the end is left out; audio of
        less than a second is described as a whole, and not at all if it is less than half.
    """
    size = sample_rate if len(audio) >= sample_rate else len(audio)
    if 2 * len(audio) < sample_rate:
        return np.zeros((0, DIMENSIONS))
    seconds = audio[: len(audio) // size * size].reshape(-1, size)
    blocks = range(0, len(seconds), _SECONDS_AT_ONCE)
    return np.concatenate(
        [_describe(seconds[start : start + _SECONDS_AT_ONCE], sample_rate) for start in blocks]
    )


def _describe(seconds: Floats, sample_rate: int) -> Floats:
    decibels = _bands(seconds, sample_rate)
    moments = (decibels.mean(axis=1), decibels.std(axis=1))
    return np.concatenate([*moments, _notes(seconds, sample_rate)], axis=1)


def _bands(seconds: Floats, sample_rate: int) -> Floats:
    """Return the power in bands of the mel scale: dB re full scale [seconds, frames, BANDS]."""
    frame = round(_FRAME_SECONDS * sample_rate)
    window = np.hanning(frame)
    frames = np.lib.stride_tricks.sliding_window_view(seconds, frame, axis=1)[:, :: frame // 2]
    spectrum = np.abs(np.fft.rfft(frames * window, axis=2)) ** 2
    power = spectrum @ _mel(sample_rate, frame).T * (2 / (window**2).sum() / frame)
    decibels: Floats = np.maximum(10 * np.log10(np.maximum(power, 1e-30)), QUIETEST_DB)
    return decibels


@lru_cache(maxsize=4)
def _mel(sample_rate: int, frame: int) -> Floats:
    """Return triangles of equal width on the mel scale: [BANDS, frequencies]."""
    first, last = (2595 * np.log10(1 + end / 700) for end in (_LOWEST_HERTZ, sample_rate / 2))
    corners = 700 * (10 ** (np.linspace(first, last, BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(frame, 1 / sample_rate)
    low, centre, high = (corners[place : place + BANDS, None] for place in range(3))
    triangles = np.minimum((hertz - low) / (centre - low), (high - hertz) / (high - centre))
    bands: Floats = np.maximum(triangles, 0.0)
    nearest = np.abs(hertz - centre).argmin(axis=1)
    bands[np.arange(BANDS), nearest] += bands.sum(axis=1) == 0  # narrower than a frequency
    return bands


def _notes(seconds: Floats, sample_rate: int) -> Floats:
    """Return the share of amplitude on each of the twelve notes, C first: [seconds, NOTES]."""
    spectrum = np.abs(np.fft.rfft(seconds * np.hanning(seconds.shape[1]), axis=1))
    hertz = np.fft.rfftfreq(seconds.shape[1], 1 / sample_rate)
    heard = (hertz >= _NOTES_HERTZ[0]) & (hertz <= _NOTES_HERTZ[1])
    note = np.round(12 * np.log2(hertz[heard] / 440) + 9).astype(int) % NOTES
    amplitudes = spectrum[:, heard] @ np.eye(NOTES)[note] + 1e-9  # silence has all alike
    shares: Floats = amplitudes / amplitudes.sum(axis=1, keepdims=True)
    return shares
