"""From a network's last features to the next code: how likely each is, and drawing one.

Codes are numbers on the axis on which their cells are equally wide: the companded one of mu-law and
A-law, the linear one otherwise. There, code q stands at 2 q / steps - 1.
"""

from typing import Any

import keras

from rawtone.audio.quantizers import Quantizer
from rawtone.model_settings import Logistics, Output, Regression, Softmax, TwoStage
from rawtone.models.sampling import choose


class Head(keras.layers.Layer):
    """Predicts codes from features.

    Attributes:
        size: features that it needs of a network for each sample.
    """

    size: int

    def loss(self, features: Any, codes: Any) -> Any:
        """Return what it costs to be told each code, in float32.

        Args:
            features: float32 [..., size].
            codes: int32 [...].

        Returns:
            [...]: the negative log-likelihood in nats, or of a regression the squared error.
        """
        raise NotImplementedError

    def draw(self, features: Any, temperature: Any, uniform: Any) -> Any:
        """Draw a code for each stream.

        Args:
            features: float32 [batch, size].
            temperature: float32 [batch]; 0 takes the likeliest.
            uniform: float32 [2, batch] in [0, 1).

        Returns:
            int32 [batch].
        """
        raise NotImplementedError


class Categorical(Head):
    """The features are logits.

    Args:
        levels: number of codes.
    """

    def __init__(self, levels: int) -> None:
        super().__init__(name="categorical")
        self.size = levels
        self.built = True

    def loss(self, features: Any, codes: Any) -> Any:
        """Return the cross-entropy of a softmax."""
        return keras.losses.sparse_categorical_crossentropy(codes, features, from_logits=True)

    def draw(self, features: Any, temperature: Any, uniform: Any) -> Any:
        """Draw by inverse CDF."""
        return choose(features, temperature, uniform[0])


def make(settings: Output, quantizer: Quantizer) -> Head:
    """Make the head that settings name."""
    match settings:
        case Softmax():
            return Categorical(quantizer.levels)
        case TwoStage() | Logistics() | Regression():
            raise NotImplementedError
