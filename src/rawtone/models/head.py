"""What all output heads have in common."""

from typing import Any

import keras


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
