"""Score audio with a model's parallel form, compiled once for all checkpoints."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rawtone.models.backend import compiled
from rawtone.models.families import assign
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import Arrays


class Scorer:
    """Gives the negative log-likelihood of batches, and leaves the model as it is.

    Args:
        model: maps codes [batch, context + window - 1] to logits [batch, window, levels].
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._variables = [*model.trainable_variables, *model.non_trainable_variables]
        self._loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )
        self._compiled = compiled(self._mean)

    def _mean(self, values: list[Any], codes: Any, targets: Any, weights: Any) -> Any:
        # in a scope of its own: what the model does to its state is forgotten
        with keras.StatelessScope(list(zip(self._variables, values, strict=True))):
            return self._loss(targets, self.model(codes), sample_weight=weights)

    def load(self, weights: Arrays) -> None:
        """Take over a checkpoint's weights, by variable path."""
        assign(self.model, weights)

    def score(self, batch: Batch, trainable: Sequence[Any] | None = None) -> float:
        """Return the mean negative log-likelihood of a batch's weighted samples, in nats.

        Args:
            batch: of any audio.
            trainable: values to take in place of the model's trainable variables' own.
        """
        values = [variable.value for variable in self._variables]
        if trainable is not None:
            values[: len(trainable)] = trainable
        mean = self._compiled(values, batch.codes, batch.targets, batch.weights)
        return float(ops.convert_to_numpy(mean))
