"""Small pictures of a clip: its waveform and its spectrogram, drawn straight from arrays."""

import base64
import io
from functools import cache

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[np.float32]

WIDTH = 480
WAVEFORM_HEIGHT = 80
SPECTROGRAM_HEIGHT = 96
PEAKS = 240

_SHADES = 24
_EFFORT = 4  # of zlib: a quarter of the time of the most, and as small
_WAVE_COLOUR = (47, 134, 193)
_WINDOW_SECONDS = 0.064
_LOWEST_HZ = 55.0
_FLOOR_DBFS, _CEILING_DBFS = -90.0, -12.0


def peaks(samples: Samples) -> str:
    """Take the loudest excursions of every moment, for the page to draw.

    Args:
        samples: mono audio in [-1, 1], float32 [n].

    Returns:
        2 * PEAKS signed bytes in base64, lowest and highest in turns; full scale is 127.
    """
    low, high = _excursions(samples, PEAKS)
    pairs = np.stack([low, high], axis=1) * 127
    return base64.b64encode(np.round(pairs).clip(-127, 127).astype(np.int8).tobytes()).decode()


def _excursions(samples: Samples, moments: int) -> tuple[Samples, Samples]:
    if len(samples) == 0:
        samples = np.zeros(1, np.float32)
    edges = np.linspace(0, len(samples), moments, endpoint=False).astype(np.intp)
    return np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)


def waveform(samples: Samples) -> bytes:
    """Draw the loudest excursions of every moment, full scale being the full height.

    Args:
        samples: mono audio in [-1, 1], float32 [n].

    Returns:
        A PNG, transparent around the wave, WIDTH by WAVEFORM_HEIGHT.
    """
    middle = (WAVEFORM_HEIGHT - 1) / 2
    bottom, top = (middle - middle * excursion for excursion in _excursions(samples, WIDTH))
    row = np.arange(WAVEFORM_HEIGHT)[:, None]
    inside = (row >= np.floor(top)) & (row <= np.ceil(bottom))
    return _png(inside.astype(np.uint8), [(0, 0, 0), _WAVE_COLOUR], transparent=0)


def spectrogram(samples: Samples, sample_rate: int) -> bytes:
    """Draw which pitches sound when: octaves are equally high, brighter is louder.

    Levels are absolute (a full-scale sine is 0 dBFS), so that pictures can be compared.

    Args:
        samples: mono audio in [-1, 1], float32 [n].
        sample_rate: in Hz.

    Returns:
        A PNG, WIDTH by SPECTROGRAM_HEIGHT, from 55 Hz at the bottom to half the sample rate.
    """
    size = 2 ** round(np.log2(_WINDOW_SECONDS * sample_rate))
    level = _levels(samples, size)
    highest = sample_rate / 2
    pitches = np.geomspace(highest, min(_LOWEST_HZ, highest / 2), SPECTROGRAM_HEIGHT)
    rows = _between_bins(level, pitches * size / sample_rate)
    brightness = np.clip((rows - _FLOOR_DBFS) / (_CEILING_DBFS - _FLOOR_DBFS), 0, 1)
    return _png(np.round(brightness * (_SHADES - 1)).astype(np.uint8), _palette())


@cache
def _palette() -> list[tuple[int, int, int]]:
    shades = matplotlib.colormaps["magma"](np.linspace(0, 1, _SHADES), bytes=True)
    return [(int(red), int(green), int(blue)) for red, green, blue, _ in shades]


def _levels(samples: Samples, size: int) -> NDArray[np.float64]:
    """Return levels in dBFS, [size // 2 + 1 bins, WIDTH moments]."""
    padded = np.pad(samples, size // 2 + 1)
    starts = np.linspace(0, max(len(samples) - 1, 0), WIDTH).astype(np.intp)
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[starts] * window
    magnitude = np.abs(np.fft.rfft(frames, axis=1)) * 2 / window.sum()
    level: NDArray[np.float64] = 20 * np.log10(np.maximum(magnitude, 1e-6)).T
    return level


def _between_bins(level: NDArray[np.float64], bins: NDArray[np.float64]) -> NDArray[np.float64]:
    lower = np.clip(np.floor(bins).astype(np.intp), 0, len(level) - 2)
    share = np.clip(bins - lower, 0, 1)[:, None]
    rows: NDArray[np.float64] = level[lower] * (1 - share) + level[lower + 1] * share
    return rows


def _png(
    shades: NDArray[np.uint8], palette: list[tuple[int, int, int]], transparent: int | None = None
) -> bytes:
    image = Image.fromarray(shades)
    image.putpalette([part for colour in palette for part in colour])
    buffer = io.BytesIO()
    options = {} if transparent is None else {"transparency": transparent}
    image.save(buffer, "PNG", compress_level=_EFFORT, **options)
    return buffer.getvalue()
