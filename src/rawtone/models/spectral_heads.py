"""From a network's features to the next frame: its spectrum, or how likely each spectrum is."""

import math
from typing import Any

import numpy as np
from keras import ops

from rawtone.model_settings import Gaussians, Spectral
from rawtone.models.amplitudes import Amplitudes
from rawtone.models.head import Head
from rawtone.models.sampling import choose
from rawtone.models.spectrum import Spectrum

# Logarithms of deviations: that of music, with which training begins, and one far below what
# 65,536 levels tell apart.
_FIRST, _NARROWEST = math.log(0.1), -14.0


class FrameHead(Head):
    """Predicts frames. Those that overlap are not scored where a window's end cuts them off.

    Args:
        spectrum: the transform.
        amplitudes: of codes.
    """

    def __init__(self, spectrum: Spectrum, amplitudes: Amplitudes) -> None:
        super().__init__(name="frames")
        self.spectrum, self.amplitudes = spectrum, amplitudes
        self.built = True

    def loss(self, features: Any, codes: Any) -> Any:
        """Return what it costs to be told each sample: its share of its frame's cost.

        Args:
            features: float32 [batch, frames, size].
            codes: int32 [batch, frames * hop] or [batch, frames * hop, channels].

        Returns:
            float32 [batch, frames * hop], the mean over channels.
        """
        frames = self.spectrum.cut(self.amplitudes.of(codes))
        widths = self.spectrum.cut(self.amplitudes.widths(codes))
        predicted, whole = features.shape[1], frames.shape[1]
        costs = self._costs(features[:, :whole], frames, widths) * (predicted / whole)
        costs = ops.pad(costs, ((0, 0), (0, predicted - whole)))
        return ops.repeat(costs, self.spectrum.hop, axis=1)

    def _costs(self, features: Any, frames: Any, widths: Any) -> Any:
        """Return the cost of each frame, [batch, frames], given its cells' middles and widths."""
        raise NotImplementedError

    def frame(self, features: Any, temperature: Any, uniform: Any) -> Any:
        """Draw a frame for each stream.

        Args:
            features: float32 [batch, size].
            temperature: float32 [batch]; 0 takes the likeliest.
            uniform: float32 [hop * channels, 2, batch] in [0, 1).

        Returns:
            float32 [batch, channels, samples], faded where frames overlap.
        """
        raise NotImplementedError


class Mean(FrameHead):
    """The features are the next spectrum, by least squares."""

    def __init__(self, spectrum: Spectrum, amplitudes: Amplitudes) -> None:
        super().__init__(spectrum, amplitudes)
        self.size = spectrum.size

    def _costs(self, features: Any, frames: Any, widths: Any) -> Any:
        # as a squared error of samples, so that neither size nor scale changes what a loss means
        errors = ops.square(features - self.spectrum.features(frames))
        return ops.mean(errors, axis=-1) / self.spectrum.gain

    def frame(self, features: Any, temperature: Any, uniform: Any) -> Any:
        """Return the predicted frame: nothing is left to chance."""
        return self.spectrum.from_features(features)


class Mixtures(FrameHead):
    """Every coordinate of the next spectrum has a mixture of normal distributions of its own.

    A code tells in which cell a sample lies. What a frame costs is the logarithm of the density,
    averaged over the cells of its samples, less that of their widths: never less than the negative
    log-likelihood of the codes (Jensen's inequality), and so fair beside other families. It is too
    much by 0.015 bits a sample where deviations are two cells wide, by 0.06 where they are one, by
    0.27 where they are half of one, and a frame known for certain still costs log2(2 pi e / 12) / 2
    = 0.25 bits a sample.

    Args:
        spectrum: the transform.
        amplitudes: of codes.
        components: distributions in each mixture.
    """

    def __init__(self, spectrum: Spectrum, amplitudes: Amplitudes, components: int) -> None:
        super().__init__(spectrum, amplitudes)
        self.components = components
        self.size = spectrum.channels * spectrum.samples * components * 3

    def _parts(self, features: Any) -> tuple[Any, Any, Any]:
        """Return log weights, means, log deviations [..., channels, samples, components]."""
        shape = (self.spectrum.channels, 3, self.spectrum.samples, self.components)
        parts = ops.reshape(features, (*features.shape[:-1], *shape))
        weights, means, deviations = (parts[..., i, :, :] for i in range(3))
        return ops.log_softmax(weights), means, ops.maximum(deviations + _FIRST, _NARROWEST)

    def _costs(self, features: Any, frames: Any, widths: Any) -> Any:
        weights, means, deviations = self._parts(features)
        found = self.spectrum.coordinates(frames)[..., None]
        spread = self.spectrum.spread(widths)[..., None]
        squares = (ops.square(found - means) + spread) * ops.exp(-2.0 * deviations)
        each = weights - deviations - 0.5 * squares - 0.5 * math.log(2 * math.pi)
        likelihood = ops.logsumexp(each, axis=-1) + ops.log(widths)
        return -ops.mean(likelihood, axis=(-2, -1))

    def frame(self, features: Any, temperature: Any, uniform: Any) -> Any:
        """Draw every coordinate: first one of its distributions, then a value of it."""
        weights, means, deviations = self._parts(features)
        shape = (*weights.shape[1:3], 2, -1)
        which, value = (ops.reshape(uniform, shape)[:, :, i] for i in range(2))
        logits = ops.reshape(ops.transpose(weights, (1, 2, 0, 3)), (-1, self.components))
        warm = ops.broadcast_to(temperature, which.shape)
        index = choose(logits, ops.reshape(warm, (-1,)), ops.reshape(which, (-1,)))
        index = ops.transpose(ops.reshape(index, which.shape), (2, 0, 1))
        chosen = ops.one_hot(index, self.components, dtype="float32")
        # the power 1 / temperature of a normal density is one of temperature times its variance
        width = (
            ops.sum(chosen * ops.exp(deviations), axis=-1) * ops.sqrt(temperature)[:, None, None]
        )
        noise = width * ops.transpose(_normal(value), (2, 0, 1))
        return self.spectrum.from_coordinates(ops.sum(chosen * means, axis=-1) + noise)


def _normal(uniform: Any) -> Any:
    """Turn uniform numbers into normal ones."""
    furthest = float(np.float32(1 - 2.0**-23))
    return math.sqrt(2) * ops.erfinv(ops.clip(2.0 * uniform - 1.0, -furthest, furthest))


def make(settings: Spectral, spectrum: Spectrum, amplitudes: Amplitudes) -> FrameHead:
    """Make the head that settings name."""
    if isinstance(settings.output, Gaussians):
        return Mixtures(spectrum, amplitudes, settings.output.components)
    return Mean(spectrum, amplitudes)
