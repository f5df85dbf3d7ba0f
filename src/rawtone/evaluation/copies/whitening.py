"""Audio reduced to its phases: what is left of a recording when level and timbre are taken away.

Every bin of a short-time spectrum is divided by its magnitude (the phase transform of Knapp &
Carter, The Generalized Correlation Method for Estimation of Time Delay, 1976, section III, taken
frame by frame). Loud partials then count no more than faint ones, so that a quiet passage under
louder music correlates with itself wherever the louder music leaves a bin free, and two pieces that
only share notes or an instrument hardly correlate at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.pcm import Pcm

Floats = NDArray[np.float32]

HIGHEST_RATE = 8000  # samples a second of what is compared; more costs time and finds no more
LOWEST_HERTZ = 60.0  # below it lie hum and rumble
FRAME_SECONDS = 0.04  # from one frame to the next, which is half of it
_SLOPE = 0.95  # of half the rate: the edge that resampling and encoders leave untouched
_FAINTEST = 1e-3  # of a frame's loudest bin, and a frame's of the loudest possible: rounding noise
_FRAMES_AT_ONCE = 512  # bounds the memory of long recordings


def compared_rate(sample_rate: int) -> int:
    """Return at how many samples a second audio of a rate is compared."""
    return min(sample_rate, HIGHEST_RATE)


@dataclass(frozen=True)
class Whitener:
    """Whitens audio of one sample rate and brings it to another.

    Args:
        sample_rate: of the audio, samples a second.
        compared: samples a second of what comes out, nearly; see `rate`.
    """

    sample_rate: int
    compared: int

    @property
    def rate(self) -> float:
        """Samples a second of the whitened audio: such that both rates have whole frames."""
        return self.sample_rate * self.half / self.hop

    @property
    def half(self) -> int:
        """Samples of the whitened audio from one frame to the next."""
        return round(self.compared * FRAME_SECONDS)

    @property
    def hop(self) -> int:
        """Samples of the audio from one frame to the next."""
        return round(self.sample_rate * FRAME_SECONDS)

    def __call__(self, audio: Pcm) -> Floats:
        """Whiten audio.

        Args:
            audio: int16 [samples] or [samples, channels], which are mixed.

        Returns:
            float32 [samples at `rate`], about 1 in root mean square where the audio is not silent.
        """
        mixed = audio.mean(axis=1, dtype=np.float32) if audio.ndim == 2 else audio
        frames = -(-len(mixed) // self.hop) + 1
        whitened = np.zeros((frames + 1, self.half), np.float32)
        loudest = float(np.abs(mixed.astype(np.float32)).max(initial=0)) * self.hop / 2
        for first in range(0, frames, _FRAMES_AT_ONCE):
            count = min(_FRAMES_AT_ONCE, frames - first)
            pieces = self._frames(self._cut(mixed, first, count), loudest)
            whitened[first : first + count] += pieces[:, : self.half]
            whitened[first + 1 : first + count + 1] += pieces[:, self.half :]
        flat: Floats = whitened[1:].reshape(-1)
        return flat[: round(len(mixed) * self.half / self.hop)]

    def _cut(self, audio: Pcm | Floats, first: int, count: int) -> Floats:
        """Return frames [count, samples]; frame 0 begins one hop before the audio does."""
        padded = np.zeros((count + 1) * self.hop, np.float32)
        start = (first - 1) * self.hop
        found = audio[max(start, 0) : start + len(padded)]
        skipped = max(-start, 0)
        padded[skipped : skipped + len(found)] = found
        return np.lib.stride_tricks.sliding_window_view(padded, 2 * self.hop)[:: self.hop]

    def _frames(self, frames: Floats, loudest: float) -> Floats:
        bins = np.fft.rfft(frames * _window(2 * self.hop), axis=1)[:, : self.half + 1]
        bins = bins.astype(np.complex64)
        magnitude = np.abs(bins)
        peak = magnitude.max(axis=1, keepdims=True)
        faintest = _FAINTEST * np.maximum(peak, max(_FAINTEST * loudest, 1e-9))
        hertz = np.arange(bins.shape[1]) * self.sample_rate / (2 * self.hop)
        highest = _SLOPE * min(self.sample_rate, self.rate) / 2
        heard = (hertz >= LOWEST_HERTZ) & (hertz <= highest)
        phases = np.where(heard, bins / (magnitude + faintest), 0)
        scale = self.half / np.sqrt(heard.sum())  # to a root mean square of 1
        pieces: Floats = np.fft.irfft(phases, 2 * self.half, axis=1).astype(np.float32)
        return pieces * np.float32(scale) * _window(2 * self.half)


def _window(size: int) -> Floats:
    """Return the root of Hann's window: its square, overlapping by half, sums to 1."""
    window: Floats = np.sin(np.pi * np.arange(size, dtype=np.float32) / size)
    return window
