"""WaveRNN's dual softmax (Kalchbrenner et al. 2018): a code in two halves of its bits."""

from typing import Any

import keras
from keras import ops

from rawtone.models.head import Head
from rawtone.models.sampling import choose

# a logit of what cannot be: its probability is 0 in float32, and its gradient is finite
IMPOSSIBLE = -1e9


class TwoStageSoftmax(Head):
    """A softmax over the coarse half of a code's bits, then one over the fine half, given that.

    The network gives the logits of the coarse half and a hidden layer, to which an embedding of the
    coarse half is added before it is rectified. What follows are the logits of the fine half. Where
    the fine half does not divide the number of levels, the last coarse half has fewer of them.

    Args:
        levels: number of codes.
        hidden: units from which the fine half is predicted.
    """

    nucleus = True

    def __init__(self, levels: int, hidden: int) -> None:
        super().__init__(name="two_stage")
        self.levels = levels
        self.fine = 2 ** ((levels - 1).bit_length() // 2)
        self.coarse = -(-levels // self.fine)
        self.size = self.coarse + hidden
        self.embedding = self.add_weight(
            name="embedding", shape=(self.coarse, hidden), initializer="uniform"
        )
        self.kernel = self.add_weight(name="kernel", shape=(hidden, self.fine))
        self.bias = self.add_weight(name="bias", shape=(self.fine,), initializer="zeros")
        self.built = True

    def _fine_logits(self, hidden: Any, coarse: Any) -> Any:
        heard = ops.relu(hidden + ops.take(self.embedding, coarse, axis=0))
        logits = ops.matmul(heard, self.kernel) + self.bias
        codes = coarse[..., None] * self.fine + ops.arange(self.fine, dtype="int32")
        return ops.where(codes < self.levels, logits, IMPOSSIBLE)

    def loss(self, features: Any, codes: Any) -> Any:
        """Return the sum of both halves' cross-entropies."""
        coarse, fine = codes // self.fine, ops.mod(codes, self.fine)
        logits, hidden = features[..., : self.coarse], features[..., self.coarse :]
        entropy = keras.losses.sparse_categorical_crossentropy
        first = entropy(coarse, logits, from_logits=True)
        return first + entropy(fine, self._fine_logits(hidden, coarse), from_logits=True)

    def draw(self, features: Any, temperature: Any, uniform: Any, top_p: Any = None) -> Any:
        """Draw the coarse half, then the fine half; at temperature 0 the likeliest of each.

        Top-p is of each half by itself.
        """
        logits, hidden = features[..., : self.coarse], features[..., self.coarse :]
        coarse = choose(logits, temperature, uniform[0], top_p)
        fine = choose(self._fine_logits(hidden, coarse), temperature, uniform[1], top_p)
        return coarse * self.fine + fine
