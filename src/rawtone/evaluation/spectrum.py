"""How far the sound of a clip is from that of recordings: distance of average spectra.

It knows nothing of rhythm or melody; it tells noise, hum and a wrong timbre from the real thing,
and falls as a network learns, for any kind of music.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BANDS = 24
LOWEST_HERTZ = 50.0
QUIETEST_DB = -100.0
AUDIBLE_DB = 40.0
_WINDOW_SECONDS = 0.064
_FRAMES_AT_ONCE = 1024  # bounds the memory of long recordings


def average_spectrum(pieces: Iterable[NDArray[np.floating]], sample_rate: int) -> Floats:
    """Return the long-term average spectrum of audio.

    Args:
        pieces: audio, each float [samples] between -1 and 1; those shorter than a window of 64 ms
            are left out.
        sample_rate: samples a second.

    Returns:
        float64 [BANDS], mean power in dB re full scale in bands of equal width on a logarithmic
        scale from 50 Hz to half the sample rate; at least `QUIETEST_DB`.
    """
    window = round(_WINDOW_SECONDS * sample_rate)
    total, frames = np.zeros(window // 2 + 1), 0
    for piece in pieces:
        for block in _frames(np.asarray(piece, np.float64), window):
            spectrum = np.fft.rfft(block * np.hanning(window), axis=1)
            total += (np.abs(spectrum) ** 2).sum(axis=0)
            frames += len(block)
    power = total / max(frames, 1) / (np.hanning(window) ** 2).sum() / window
    return _in_bands(power, sample_rate, window)


def _frames(signal: Floats, window: int) -> Iterable[Floats]:
    if len(signal) < window:
        return
    frames = np.lib.stride_tricks.sliding_window_view(signal, window)[:: window // 2]
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        yield frames[start : start + _FRAMES_AT_ONCE]


def _in_bands(power: Floats, sample_rate: int, window: int) -> Floats:
    edges = np.geomspace(LOWEST_HERTZ, sample_rate / 2, BANDS + 1)
    # every band holds a bin at least: the one nearest to its lower edge
    first = np.round(edges * window / sample_rate).astype(int)
    sums = [power[low : max(high, low + 1)].sum() for low, high in pairwise(first)]
    decibels = 10 * np.log10(np.maximum(sums, 1e-30))
    bands: Floats = np.maximum(decibels, QUIETEST_DB)
    return bands


def distance_db(one: Floats, other: Floats) -> float:
    """Return the root-mean-square difference of two average spectra over all bands, in dB.

    Bands are taken to be no quieter than `AUDIBLE_DB` below the loudest of `other`.

    Args:
        one: float64 [BANDS], dB.
        other: the reference, likewise.
    """
    quietest = other.max() - AUDIBLE_DB
    difference = np.maximum(one, quietest) - np.maximum(other, quietest)
    return float(np.sqrt(np.mean(difference**2)))
