"""From a network's features to the next frame: its spectrum, or how likely each spectrum is."""

import math
from typing import Any

import numpy as np
from keras import ops

from rawtone.model_settings import Gaussians, Spectral
from rawtone.models.amplitudes import Amplitudes
from rawtone.models.heads import Head
from rawtone.models.spectrum import Spectrum

_NARROWEST = -14.0  # log of a deviation: far below what 65,536 levels tell apart


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
            uniform: float32 [channels * samples, batch] in [0, 1).

        Returns:
            float32 [batch, channels, samples], faded where frames overlap.
        """
        raise NotImplementedError

    def expected(self, features: Any) -> Any:
        """Return the likeliest frame of each stream, float32 [batch, channels, samples]."""
        nothing = ops.zeros_like(features[:, 0])
        count = self.spectrum.channels * self.spectrum.samples
        return self.frame(features, nothing, ops.full((count, features.shape[0]), 0.5))


class Mean(FrameHead):
    """The features are the next spectrum, by least squares."""

    def __init__(self, spectrum: Spectrum, amplitudes: Amplitudes) -> None:
        super().__init__(spectrum, amplitudes)
        self.size = spectrum.size

    def _costs(self, features: Any, frames: Any, widths: Any) -> Any:
        return ops.mean(ops.square(features - self.spectrum.features(frames)), axis=-1)

    def frame(self, features: Any, temperature: Any, uniform: Any) -> Any:
        """Return the predicted frame: there is nothing to draw."""
        return self.spectrum.from_features(features)


class Mixtures(FrameHead):
    """Every coordinate of the next spectrum has a mixture of normal distributions of its own.

    Samples are told apart by cells, a sample's code saying no more than in which it lies. The cost
    is that of a density that is averaged over the cells of a frame, as logarithms: never less than
    the negative log-likelihood of the codes (Jensen's inequality). It is exact where distributions
    are wide, 0.03 bits a sample too much where deviations are half a cell's width, and never below
    a quarter of a bit: log2(2 pi e / 12) / 2, which a frame costs that is known for certain.

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
        return ops.log_softmax(weights), means, ops.maximum(deviations, _NARROWEST)

    def _costs(self, features: Any, frames: Any, widths: Any) -> Any:
        weights, means, deviations = self._parts(features)
        found = self.spectrum.coordinates(frames)[..., None]
        spread = self.spectrum.spread(widths)[..., None]
        squares = (ops.square(found - means) + spread) * ops.exp(-2.0 * deviations)
        each = weights - deviations - 0.5 * squares - 0.5 * math.log(2 * math.pi)
        likelihood = ops.logsumexp(each, axis=-1) + ops.log(widths)
        return -ops.mean(likelihood, axis=(-2, -1))

    def frame(self, features: Any, temperature: Any, uniform: Any) -> Any:
        """Draw every coordinate: first a component, then a value of it, from one uniform number."""
        weights, means, deviations = self._parts(features)
        shape = (self.spectrum.channels, self.spectrum.samples, features.shape[0])
        uniform = ops.moveaxis(ops.reshape(uniform, shape), -1, 0)
        warm = ops.reshape(temperature, (-1, 1, 1, 1))
        safe = ops.where(warm > 0, warm, 1.0)
        chosen, within = _component(weights / safe, uniform)
        chosen = ops.where(warm > 0, chosen, _likeliest(weights - deviations))
        mean = ops.sum(chosen * means, axis=-1)
        # the power 1 / temperature of a normal density is one of so much more variance
        deviation = ops.sum(chosen * ops.exp(deviations), axis=-1) * ops.sqrt(warm[..., 0])
        return self.spectrum.from_coordinates(mean + deviation * _normal(within))


def _component(logits: Any, uniform: Any) -> tuple[Any, Any]:
    """Choose a component by inverse CDF: 1 there, else 0; and where in its share it was hit."""
    shares = ops.softmax(logits)
    above = ops.cumsum(shares, axis=-1)
    passed = ops.cast(above[..., :-1] <= uniform[..., None], "float32")
    ones = ops.ones_like(shares[..., :1])
    reached = ops.concatenate([ones, passed], axis=-1)
    chosen = reached - ops.concatenate([passed, ops.zeros_like(ones)], axis=-1)
    below = uniform - ops.sum(chosen * (above - shares), axis=-1)
    return chosen, below / ops.sum(chosen * shares, axis=-1)


def _likeliest(heights: Any) -> Any:
    return ops.one_hot(ops.argmax(heights, axis=-1), heights.shape[-1], dtype="float32")


def _normal(uniform: Any) -> Any:
    """Turn uniform numbers into normal ones."""
    furthest = float(np.float32(1 - 2.0**-23))
    return math.sqrt(2) * ops.erfinv(ops.clip(2.0 * uniform - 1.0, -furthest, furthest))


def make(settings: Spectral, spectrum: Spectrum, amplitudes: Amplitudes) -> FrameHead:
    """Make the head that settings name."""
    if isinstance(settings.output, Gaussians):
        return Mixtures(spectrum, amplitudes, settings.output.components)
    return Mean(spectrum, amplitudes)
