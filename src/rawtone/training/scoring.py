"""Score audio with a model's parallel form, compiled once for all checkpoints."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

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
        self._sum = compiled(self._summed, jit=model.jit)
        self._windows = compiled(self._summed_by_window, jit=model.jit)

    def _summed(self, *inputs: Any) -> tuple[Any, list[Any]]:
        losses, left = self._weighted(*inputs)
        return ops.sum(losses), left

    def _summed_by_window(self, *inputs: Any) -> tuple[Any, list[Any]]:
        losses, left = self._weighted(*inputs)
        return ops.sum(losses, axis=1), left

    def _weighted(
        self, values: list[Any], carry: list[Any], batch: dict[str, Any]
    ) -> tuple[Any, list[Any]]:
        # in a scope of its own: what the model does to its state is forgotten
        with keras.StatelessScope(list(zip(self._variables, values, strict=True))):
            begins = begun(self.model, carry, batch["fresh"])
            features, left = self.model(batch["codes"], begins, batch["labels"])
            losses = self.model.head.loss(features, batch["targets"])
            return losses * batch["weights"], keras.tree.flatten(left)

    def load(self, weights: Arrays) -> None:
        """Take over a checkpoint's weights, by variable path."""
        assign(self.model, weights)

    def score(self, batch: Batch, trainable: Sequence[Any] | None = None) -> float:
        """Return the loss of a batch, weighted and summed, in nats.

        Args:
            batch: of any audio; where its windows go on, they go on from the batch before.
            trainable: values to take in place of the model's trainable variables' own.
        """
        return float(self._run(self._sum, batch, trainable))

    def by_window(self, batch: Batch) -> NDArray[np.float64]:
        """Return the loss of each window of a batch, weighted and summed: float64 [batch], in nats.

        Args:
            batch: of any audio; where its windows go on, they go on from the batch before.
        """
        return self._run(self._windows, batch, None).astype(np.float64)

    def _run(
        self, scored: Callable[..., Any], batch: Batch, trainable: Sequence[Any] | None
    ) -> NDArray[np.float32]:
        values = [variable.value for variable in self._variables]
        if trainable is not None:
            values[: len(trainable)] = trainable
        if self._carry is None:
            self._carry = keras.tree.flatten(self.model.initial_carry(len(batch.codes)))
        losses, self._carry = scored(values, self._carry, inputs(batch))
        return np.asarray(ops.convert_to_numpy(losses))
