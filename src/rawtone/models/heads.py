"""From a network's last features to the next code: how likely each is, and drawing one."""

from typing import Any

import keras
from keras import ops

from rawtone.audio.quantizers import Quantizer
from rawtone.model_settings import Logistics, Output, Regression, Softmax, TwoStage
from rawtone.models import axis
from rawtone.models.head import Head
from rawtone.models.logistics import LogisticMixture
from rawtone.models.sampling import choose
from rawtone.models.two_stage import TwoStageSoftmax


class Categorical(Head):
    """The features are logits.

    Args:
        levels: number of codes.
    """

    nucleus = True

    def __init__(self, levels: int) -> None:
        super().__init__(name="categorical")
        self.size = levels
        self.built = True

    def loss(self, features: Any, codes: Any) -> Any:
        """Return the cross-entropy of a softmax."""
        return keras.losses.sparse_categorical_crossentropy(codes, features, from_logits=True)

    def draw(self, features: Any, temperature: Any, uniform: Any, top_p: Any = None) -> Any:
        """Draw by inverse CDF."""
        return choose(features, temperature, uniform[0], top_p)


class LeastSquares(Head):
    """The only feature is the sample itself, on the axis from -1 to 1: nothing is left to chance.

    Args:
        quantizer: of the codes.
    """

    def __init__(self, quantizer: Quantizer) -> None:
        super().__init__(name="least_squares")
        self.quantizer = quantizer
        self.size = 1
        self.built = True

    def loss(self, features: Any, codes: Any) -> Any:
        """Return the squared distance on the axis."""
        return ops.square(features[..., 0] - axis.position(codes, self.quantizer))

    def draw(self, features: Any, temperature: Any, uniform: Any, top_p: Any = None) -> Any:
        """Take the nearest code, at any temperature."""
        return axis.nearest(features[..., 0], self.quantizer)


def make(settings: Output, quantizer: Quantizer) -> Head:
    """Make the head that settings name."""
    match settings:
        case Softmax():
            return Categorical(quantizer.levels)
        case TwoStage():
            return TwoStageSoftmax(quantizer.levels, settings.hidden)
        case Logistics():
            return LogisticMixture(quantizer, settings.components)
        case Regression():
            return LeastSquares(quantizer)
