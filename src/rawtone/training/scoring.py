"""Score audio with a model's parallel form, compiled once for all checkpoints."""

from typing import Any

import keras
from keras import ops

from rawtone.models.backend import compiled
from rawtone.models.families import assign
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import Arrays


class Scorer:
    """Gives the negative log-likelihood of batches.

    Args:
        model: maps codes [batch, context + window - 1] to logits [batch, window, levels].
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )
        self._compiled = compiled(self._mean)

    def _mean(self, codes: Any, targets: Any, weights: Any) -> Any:
        return self.loss(targets, self.model(codes), sample_weight=weights)

    def load(self, weights: Arrays) -> None:
        """Take over a checkpoint's weights, by variable path."""
        assign(self.model, weights)

    def score(self, batch: Batch) -> float:
        """Return the mean negative log-likelihood of a batch's weighted samples, in nats."""
        mean = self._compiled(batch.codes, batch.targets, batch.weights)
        return float(ops.convert_to_numpy(mean))
