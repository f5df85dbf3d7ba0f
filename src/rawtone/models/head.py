"""What all output heads have in common."""

from typing import Any

import keras


class Head(keras.layers.Layer):
    """Predicts codes from features.

    Attributes:
        size: features that it needs of a network for each sample.
    """

    size: int
    nucleus = False  # whether codes have probabilities to draw from, so that top-p means something

    def loss(self, features: Any, codes: Any) -> Any:
        """Return what it costs to be told each code, in float32.

        Args:
            features: float32 [..., size].
            codes: int32 [...].

        Returns:
            [...]: the negative log-likelihood in nats, or of a regression the squared error.
        """
        raise NotImplementedError

    def draw(self, features: Any, temperature: Any, uniform: Any, top_p: Any = None) -> Any:
        """Draw a code for each stream.

        Args:
            features: float32 [batch, size].
            temperature: float32 [batch]; 0 takes the likeliest.
            uniform: float32 [2, batch] in [0, 1).
            top_p: float32 [batch], or None to keep all codes; nothing else without `nucleus`.

        Returns:
            int32 [batch].
        """
        raise NotImplementedError
