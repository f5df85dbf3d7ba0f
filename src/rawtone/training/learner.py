"""A family's model as it is trained: from a batch to its loss, with what is carried in between."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rawtone.models.family import Family, State
from rawtone.training.batches import Batch


def inputs(batch: Batch, weights: Any = None) -> dict[str, Any]:
    """Return what `Learner` is called with.

    Args:
        batch: of windows.
        weights: in place of the batch's own.
    """
    names = ("codes", "targets", "labels", "fresh")
    arrays = {name: getattr(batch, name) for name in names}
    return arrays | {"weights": batch.weights if weights is None else weights}


def begun(model: Family, carry: Sequence[Any], fresh: Any) -> State:
    """Return what windows begin with: at the start of a chunk nothing is carried into it.

    Args:
        model: of a family.
        carry: the tensors that the windows before left behind.
        fresh: bool [batch], whether a window is its chunk's first.
    """
    starts = model.initial_carry(fresh.shape[0])

    def chosen(start: Any, carried: Any) -> Any:
        first = ops.reshape(fresh, (-1, *[1] * (len(start.shape) - 1)))
        return ops.where(first, start, ops.cast(carried, start.dtype))

    begins = map(chosen, keras.tree.flatten(starts), carry)
    state: State = keras.tree.pack_sequence_as(starts, list(begins))
    return state


class Learner(keras.Model):
    """Gives the weighted sum of a batch's losses, and keeps what windows leave behind.

    Args:
        model: of a family.
        batch_size: windows in a batch.
        l2: strength of the penalty 0.5 * l2 * |w|^2 on all weights but biases.
    """

    def __init__(self, model: Family, batch_size: int, l2: float = 0.0) -> None:
        super().__init__(name="learner")
        self.model = model
        self.l2 = l2
        self.carry = [
            self.add_weight(
                name=f"carry{index}",
                shape=start.shape,
                dtype=start.dtype,
                initializer="zeros",
                trainable=False,
            )
            for index, start in enumerate(keras.tree.flatten(model.initial_carry(batch_size)))
        ]
        self.built = True

    def call(self, batch: dict[str, Any], training: bool = False) -> Any:
        """Return the loss of a batch, in nats times weights."""
        carry = begun(self.model, self.carry, batch["fresh"])
        features, left = self.model(batch["codes"], carry, batch["labels"], training=training)
        for variable, new in zip(self.carry, keras.tree.flatten(left), strict=True):
            variable.assign(ops.stop_gradient(new))
        losses = self.model.head.loss(features, batch["targets"])
        return ops.sum(losses * batch["weights"]) + self._penalty()

    def _penalty(self) -> Any:
        if not self.l2:
            return 0.0
        weights = [v for v in self.model.trainable_variables if not v.path.endswith("bias")]
        return self.l2 * sum(ops.sum(ops.square(weight)) for weight in weights) / 2

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any
    ) -> Any:
        """Return what `call` returned: the loss is its only result."""
        return y_pred
