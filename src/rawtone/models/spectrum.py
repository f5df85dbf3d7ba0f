"""Frames of audio and their spectra, as tensors, there and back without loss.

A real frame of N samples has N/2 + 1 different complex coefficients; the sines of the first and the
last of them are 0, so N numbers say it all. As features they stand as niisan has them: real parts,
then imaginary parts. As coordinates they are those N numbers, scaled so that the transform is a
rotation: what is the density of the coordinates is the density of the samples.
"""

from typing import Any

import numpy as np
from keras import ops

from rawtone.model_settings import Spectral


def _windows(settings: Spectral) -> tuple[Any, Any]:
    """Return what a frame is multiplied by before its transform and after going back.

    Of frames that overlap by half, the products of both add up to one.
    """
    size = settings.frame
    match settings.window:
        case "rectangular":
            return np.ones(size, np.float32), np.ones(size, np.float32)
        case "hamming":
            fade = np.hamming(size)
            return fade.astype(np.float32), (0.5 / fade).astype(np.float32)
        case "sine":
            fade = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
            return fade, fade


class Spectrum:
    """Cuts audio into frames and transforms them.

    Args:
        settings: of the family.
        channels: of the audio.
    """

    def __init__(self, settings: Spectral, channels: int) -> None:
        self.samples, self.hop, self.channels = settings.frame, settings.hop, channels
        self.full = settings.spectrum == "full"
        self.scale = settings.scale
        self.fade_in_out, self.fade_back = _windows(settings)
        half = self.samples // 2
        # of a rotation: all but the first and the last count twice, as their mirror images do
        self._norms = np.full(half + 1, np.sqrt(2 / self.samples), np.float32)
        self._norms[[0, half]] = np.sqrt(1 / self.samples)
        doubled = 2 * np.arange(half + 1)
        self._doubled = np.minimum(doubled, self.samples - doubled)

    @property
    def gain(self) -> float:
        """What a squared error of samples is multiplied by when it is measured of features."""
        faded = float(np.mean(np.square(self.fade_in_out)))
        return self.scale**2 * faded * self.samples / 2

    @property
    def size(self) -> int:
        """Features of a frame, of all channels."""
        bins = self.samples if self.full else self.samples // 2 + 1
        return 2 * bins * self.channels

    def cut(self, audio: Any) -> Any:
        """Cut audio into frames.

        Args:
            audio: float32 [batch, time] or [batch, time, channels].

        Returns:
            float32 [batch, frames, channels, samples].
        """
        hops = ops.reshape(audio, (-1, audio.shape[1] // self.hop, self.hop, self.channels))
        if self.hop < self.samples:
            hops = ops.concatenate([hops[:, :-1], hops[:, 1:]], axis=2)
        return ops.moveaxis(hops, 3, 2)

    def features(self, frames: Any) -> Any:
        """Transform frames [..., channels, samples] to what the network hears, [..., size]."""
        real, imaginary = ops.rfft(frames * self.fade_in_out)
        if self.full:
            # the mirror image, from the last but one back to the second
            real = ops.concatenate([real, ops.flip(real[..., 1:-1], axis=-1)], axis=-1)
            mirrored = -ops.flip(imaginary[..., 1:-1], axis=-1)
            imaginary = ops.concatenate([imaginary, mirrored], axis=-1)
        both = ops.concatenate([real, imaginary], axis=-1) * self.scale
        return ops.reshape(both, (*both.shape[:-2], self.size))

    def from_features(self, features: Any) -> Any:
        """Return the frames of features [..., size], ready to be added up."""
        bins = self.size // self.channels // 2
        parts = ops.reshape(features / self.scale, (*features.shape[:-1], self.channels, 2, bins))
        real, imaginary = parts[..., 0, :], parts[..., 1, :]
        if self.full:
            # what a network makes of the mirror image counts as much as the image
            real = _mean_with_mirror(real, 1.0)
            imaginary = _mean_with_mirror(imaginary, -1.0)
        return ops.irfft((real, imaginary), fft_length=self.samples) * self.fade_back

    def coordinates(self, frames: Any) -> Any:
        """Rotate frames [..., samples] into their spectra, [..., samples]."""
        real, imaginary = ops.rfft(frames)
        both = (real * self._norms, (imaginary * self._norms)[..., 1:-1])
        return ops.concatenate(both, axis=-1)

    def from_coordinates(self, coordinates: Any) -> Any:
        """Return the frames [..., samples] of coordinates."""
        bins = self.samples // 2 + 1
        nothing = ops.zeros_like(coordinates[..., :1])
        sines = ops.concatenate([nothing, coordinates[..., bins:], nothing], axis=-1)
        parts = (coordinates[..., :bins] / self._norms, sines / self._norms)
        return ops.irfft(parts, fft_length=self.samples)

    def spread(self, widths: Any) -> Any:
        """Return the variances of coordinates if each sample lies anywhere in its cell.

        Args:
            widths: float32 [..., samples], of the cells.
        """
        # the squares of sines and cosines are cosines of twice the frequency
        real, _ = ops.rfft(ops.square(widths) / 12.0)
        total, twice = real[..., :1], ops.take(real, self._doubled, axis=-1)
        norms = np.square(self._norms) / 2.0
        both = ((total + twice) * norms, ((total - twice) * norms)[..., 1:-1])
        return ops.concatenate(both, axis=-1)


def _mean_with_mirror(whole: Any, sign: float) -> Any:
    """Return the first half of a spectrum [..., samples], averaged with the second half."""
    half = whole.shape[-1] // 2
    mirrored = ops.concatenate([whole[..., :1], ops.flip(whole[..., 1:], axis=-1)], axis=-1)
    return ((whole + sign * mirrored) / 2.0)[..., : half + 1]
