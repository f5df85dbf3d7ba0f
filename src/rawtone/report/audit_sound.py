"""What drawn chunks of a corpus are like, in figures: values, spectra, and which stand out."""

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.quantizers import Quantizer
from rawtone.corpus.chunks import Chunks

Floats = NDArray[np.float64]

DRAWN = 256
BANDS = 40
_WINDOW_SECONDS = 0.064
_QUIETEST = 1e-10  # -100 dBFS
_SMALLEST_SPREAD_DB = 1.0  # less would make bands stand out in which nothing sounds anyway
_DIGITS = 3  # of decibels; the last ones differ between processors


@dataclass(frozen=True)
class Sound:
    """Figures of drawn chunks.

    Attributes:
        rows: the chunks' rows, in the order of the draw.
        values: int64 [65536], how often each 16-bit value occurs, by its bits.
        centres: float64 [BANDS], Hz, of the mel bands.
        levels_db: float64 [chunks, BANDS], mean power of each in dBFS.
        unlikeness: float64 [chunks]: how far each is from the others, loudness set aside: the
            root mean square, over the means and the spreads of its mel bands' levels in time, of
            its distance from the mean of all chunks, in their standard deviations.
    """

    rows: list[int]
    values: NDArray[np.int64]
    centres: Floats
    levels_db: Floats
    unlikeness: Floats

    def codes(self, quantizer: Quantizer) -> NDArray[np.int64]:
        """Return how often each code of a quantizer occurs, int64 [levels]."""
        counts = np.bincount(quantizer.table(), self.values, quantizer.levels)
        return counts.astype(np.int64)

    @property
    def samples(self) -> int:
        """How many samples were counted, of all channels."""
        return int(self.values.sum())

    @property
    def clipped(self) -> float:
        """The share of samples at full scale."""
        return float(self.values[[32767, 32768, 32769]].sum() / max(self.samples, 1))

    @property
    def offset(self) -> float:
        """The mean of all samples, where full scale is 1."""
        numbers = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.float64)
        return float(self.values @ numbers / max(self.samples, 1) / 32768)


def draw(chunks: Chunks, count: int, seed: int = 0) -> list[int]:
    """Draw chunks so that most of them stay when recordings come or go.

    Args:
        chunks: of the corpus.
        count: how many, at most.
        seed: which draw.

    Returns:
        Their rows, in the order of the draw.
    """

    def place(row: int) -> bytes:
        name = f"{seed} {chunks.tracks[row]} {chunks.starts[row]}"
        return hashlib.sha256(name.encode()).digest()

    return sorted(range(len(chunks.tracks)), key=place)[:count]


def listen(chunks: Chunks, rows: list[int]) -> Sound:
    """Measure chunks, one at a time.

    Args:
        chunks: of the corpus.
        rows: which.
    """
    values = np.zeros(65536, np.int64)
    levels, shapes = [], []
    for row in rows:
        pcm = chunks.pcm[row, : chunks.lengths[row]]
        values += np.bincount(pcm.reshape(-1).view(np.uint16), minlength=65536)
        mono = pcm.astype(np.float64) / 32768
        power = _mel_power(mono.mean(axis=1) if mono.ndim == 2 else mono, chunks.sample_rate)
        levels.append(_decibels(power.mean(axis=0)))
        in_time = _decibels(power)
        means = in_time.mean(axis=0)
        shapes.append(np.concatenate([means - means.mean(), in_time.std(axis=0)]))
    return Sound(
        rows,
        values,
        _mel_edges(chunks.sample_rate)[1:-1],
        np.array(levels, np.float64).reshape(-1, BANDS).round(_DIGITS),
        _unlikeness(np.array(shapes, np.float64).reshape(-1, 2 * BANDS)).round(_DIGITS),
    )


def _unlikeness(shapes: Floats) -> Floats:
    if len(shapes) == 0:
        return np.zeros(0)
    spread = np.maximum(shapes.std(axis=0), _SMALLEST_SPREAD_DB)
    distance: Floats = np.sqrt(np.mean(((shapes - shapes.mean(axis=0)) / spread) ** 2, axis=1))
    return distance


def _decibels(power: Floats) -> Floats:
    level: Floats = 10 * np.log10(np.maximum(power, _QUIETEST))
    return level


def _mel_power(samples: Floats, sample_rate: int) -> Floats:
    """Return the power of each moment, float64 [moments, BANDS]; a full-scale sine's sum is 1/2."""
    filters = _mel_filters(sample_rate)
    size = 2 * (len(filters) - 1)
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2] * window
    power = 2 * np.abs(np.fft.rfft(frames, axis=1)) ** 2 / (size * (window**2).sum())
    mel: Floats = power @ filters
    return mel


def _mel_edges(sample_rate: int) -> Floats:
    """Return BANDS + 2 frequencies in Hz, evenly on the mel scale (O'Shaughnessy 1987)."""
    highest = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges: Floats = 700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1)
    return edges


@cache
def _mel_filters(sample_rate: int) -> Floats:
    """Return triangles that overlap by half, float64 [bins, BANDS]."""
    size = 2 ** round(np.log2(_WINDOW_SECONDS * sample_rate))
    bins = np.arange(size // 2 + 1)[:, None] * sample_rate / size
    edges = _mel_edges(sample_rate)
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    filters: Floats = np.clip(np.minimum(rising, falling), 0, None)
    return filters
