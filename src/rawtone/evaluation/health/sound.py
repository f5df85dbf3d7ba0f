"""A clip as it is measured: mixed to one channel, cut into frames, its power in time and pitch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rawtone.audio import levels
from rawtone.audio.pcm import Pcm

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCK_SECONDS = levels.BLOCK_SECONDS
QUIETEST_POWER = 1e-12  # -120 dBFS: a frame of zeros has a logarithm
LEAST_SECONDS = 0.25
_FRAMES_AT_ONCE = 1024  # bounds the memory of long clips


@dataclass(frozen=True)
class Spectrogram:
    """Power over time and frequency.

    Attributes:
        power: float64 [frames, bins]; a full-scale sine has 0.5 in all, summed over its bins.
        hertz: float64 [bins].
        window_seconds: length of a frame.
        hop_seconds: from the start of a frame to that of the next.
    """

    power: Floats
    hertz: Floats
    window_seconds: float
    hop_seconds: float

    @cached_property
    def decibels(self) -> Floats:
        """The power in dB, float64 [frames, bins]."""
        return decibels(self.power)

    @cached_property
    def level(self) -> Floats:
        """Power of every frame, summed over frequency, in dB, float64 [frames]."""
        return decibels(self.power.sum(axis=1))

    def bins(self, low: float, high: float) -> slice:
        """Return the bins from one frequency up to another, in hertz; one at least."""
        first, stop = np.searchsorted(self.hertz, (low, high))
        first = min(int(first), len(self.hertz) - 1)
        return slice(first, max(int(stop), first + 1))


@dataclass(frozen=True)
class Sound:
    """A clip ready to be measured.

    Attributes:
        pcm: int16 [samples, channels].
        rate: samples a second.
    """

    pcm: Pcm
    rate: int

    @classmethod
    def of(cls, pcm: Pcm, rate: int) -> "Sound":
        """Take int16 [samples] or [samples, channels]; what is very short ends with silence."""
        columns = np.asarray(pcm, np.int16).reshape(len(pcm), -1) if pcm.size else _EMPTY
        missing = max(0, round(LEAST_SECONDS * rate) - len(columns))
        return cls(np.pad(columns, ((0, missing), (0, 0))), rate)

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return len(self.pcm) / self.rate

    @cached_property
    def channels(self) -> Floats:
        """float64 [samples, channels] between -1 and 1."""
        return self.pcm / float(levels.FULL_SCALE)

    @cached_property
    def mono(self) -> Floats:
        """The channels mixed, their mean taken away, float64 [samples]."""
        mixed: Floats = self.channels.mean(axis=1)
        mixed -= mixed.mean()
        return mixed

    @cached_property
    def blocks(self) -> Floats:
        """Level of every block of 10 ms in the loudest channel, DC left out, dBFS, float64."""
        size = levels.silence_block(self.rate)
        whole = self.channels[: len(self.channels) // size * size]
        blocks = whole.reshape(-1, size, self.channels.shape[1])
        return decibels(blocks.var(axis=1).max(axis=1))

    @cached_property
    def loud(self) -> float:
        """The level that a twentieth of the blocks reach, dBFS."""
        return float(np.percentile(self.blocks, 95))

    @cached_property
    def wide(self) -> Spectrogram:
        """Frames of 64 ms, 32 ms apart: to tell noise from tones."""
        return spectrogram(self.mono, self.rate, 0.064, 0.032)

    @cached_property
    def narrow(self) -> Spectrogram:
        """Frames of 128 ms, 64 ms apart: to tell tones from one another."""
        return spectrogram(self.mono, self.rate, 0.128, 0.064)

    @cached_property
    def quick(self) -> Spectrogram:
        """Frames of 32 ms, 10 ms apart: to tell when notes begin."""
        return spectrogram(self.mono, self.rate, 0.032, 0.01)


_EMPTY = np.zeros((0, 1), np.int16)


def spectrogram(
    signal: Floats, rate: int, window_seconds: float, hop_seconds: float
) -> Spectrogram:
    """Return the power of a signal in Hann windows.

    Args:
        signal: float64 [samples], at least a window long.
        rate: samples a second.
        window_seconds: length of a frame.
        hop_seconds: from one frame to the next.
    """
    size, hop = round(window_seconds * rate), round(hop_seconds * rate)
    window = np.asarray(np.hanning(size + 1)[:-1], np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[::hop]
    parts = [frames[i : i + _FRAMES_AT_ONCE] for i in range(0, len(frames), _FRAMES_AT_ONCE)]
    squares = [np.square(np.abs(np.fft.rfft(part * window, axis=1))) for part in parts]
    power: Floats = np.concatenate(squares)
    power *= 2.0 / (size * float(np.square(window).sum()))
    hertz = np.arange(size // 2 + 1, dtype=np.float64) * (rate / size)
    return Spectrogram(power, hertz, size / rate, hop / rate)


def decibels(power: Floats) -> Floats:
    """Return power in dB, -120 at least."""
    result: Floats = 10.0 * np.log10(np.maximum(power, QUIETEST_POWER))
    return result


def runs(flags: Flags) -> Iterator[tuple[int, int]]:
    """List where flags are up without a break, as (first, one after the last)."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0)).tolist()
    return zip(edges[::2], edges[1::2], strict=True)


def joined(flags: Flags, held: int, gap: int) -> Flags:
    """Keep flags that stay up for long enough, and raise those in short gaps between them.

    Args:
        flags: bool [values].
        held: how many in a row stay; all of them if there are fewer.
        gap: how many in a row are raised, at most.
    """
    result, before = np.zeros_like(flags), -1 - gap
    for first, stop in runs(flags):
        if stop - first >= min(held, len(flags)):
            result[before if before >= 0 and first - before <= gap else first : stop] = True
            before = stop
    return result


def longest(flags: Flags) -> tuple[int, int]:
    """Return the longest run of flags, the first of equals; twice 0 if there is none."""
    return max(runs(flags), key=lambda run: run[1] - run[0], default=(0, 0))


def sustained(series: Floats, count: int) -> float:
    """Return the highest level that a series keeps for so many values without a break."""
    count = min(count, len(series))
    if count == 0:
        return -np.inf
    return float(np.lib.stride_tricks.sliding_window_view(series, count).min(axis=1).max())


def step(series: Floats, near: int, reach: int) -> int:
    """Find where a series steps up and stays there.

    Args:
        series: float64 [values].
        near: where about.
        reach: how far from there the step may be.

    Returns:
        The first value after the last two in a row that are below the middle of the medians before
        and after; `near` if it is higher before than after.
    """
    before, after = series[max(0, near - 2 * reach) : near], series[near : near + 2 * reach]
    if not len(before) or not len(after):
        return near
    bottom, top = float(np.median(before)), float(np.median(after[len(after) // 2 :]))
    low = series < (top + bottom) / 2
    first, stop = max(1, near - reach), min(len(series), near + reach + 1)
    lower = np.flatnonzero(low[first:stop] & low[first - 1 : stop - 1])
    return first + int(lower[-1]) + 1 if len(lower) and top > bottom else near
