"""Score audio with a model's parallel form, compiled once for all checkpoints."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rawtone.models.backend import compiled
from rawtone.models.families import assign
from rawtone.models.family import Family
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import Arrays
from rawtone.training.learner import begun, inputs


class Scorer:
    """Gives the loss of batches, and leaves the model as it is.

    Args:
        model: of a family.
    """

    def __init__(self, model: Family) -> None:
        self.model = model
        self._variables = [*model.trainable_variables, *model.non_trainable_variables]
        self._carry: list[Any] | None = None
        self._compiled = compiled(self._sum, jit=model.jit)

    def _sum(
        self, values: list[Any], carry: list[Any], batch: dict[str, Any]
    ) -> tuple[Any, list[Any]]:
        # in a scope of its own: what the model does to its state is forgotten
        with keras.StatelessScope(list(zip(self._variables, values, strict=True))):
            begins = begun(self.model, carry, batch["fresh"])
            features, left = self.model(batch["codes"], begins, batch["labels"])
            losses = self.model.head.loss(features, batch["targets"])
            return ops.sum(losses * batch["weights"]), keras.tree.flatten(left)

    def load(self, weights: Arrays) -> None:
        """Take over a checkpoint's weights, by variable path."""
        assign(self.model, weights)

    def score(self, batch: Batch, trainable: Sequence[Any] | None = None) -> float:
        """Return the loss of a batch, weighted and summed, in nats.

        Args:
            batch: of any audio; where its windows go on, they go on from the batch before.
            trainable: values to take in place of the model's trainable variables' own.
        """
        values = [variable.value for variable in self._variables]
        if trainable is not None:
            values[: len(trainable)] = trainable
        if self._carry is None:
            self._carry = keras.tree.flatten(self.model.initial_carry(len(batch.codes)))
        total, self._carry = self._compiled(values, self._carry, inputs(batch))
        return float(ops.convert_to_numpy(total))
