"""The optimizer's side of training: a model, its optimizer, and all of their state as arrays."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from rawtone.errors import UserError
from rawtone.models.family import Family
from rawtone.settings import Training
from rawtone.training import optimizers
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import Arrays
from rawtone.training.learner import Learner, inputs
from rawtone.training.scoring import Scorer


def _array(value: Any) -> NDArray[Any]:
    # of a sum, as numpy 2 warns about TensorFlow's variables but not about its tensors
    return np.asarray(ops.convert_to_numpy(value + 0))


class Trainer:
    """Updates a model step by step.

    Args:
        model: of a family, with its first weights: an average begins with them.
        training: settings.
    """

    def __init__(self, model: Family, training: Training) -> None:
        self.model = model
        model.prepare(training.batch_size // training.workers, training.window)
        self.scorer = Scorer(model)
        # of several workers, whose losses are added up, each has its share of the penalty
        share, l2 = training.batch_size // training.workers, training.l2 / training.workers
        self.learner = Learner(model, share, l2)
        self._trained = model.trainable_variables
        plain = optimizers.plain(training)
        self.optimizer = optimizers.stepping(plain, training)
        self.optimizer.build(self._trained)
        self._published = plain.averages or self._trained
        jit = model.jit and keras.backend.backend() != "torch"  # it would need a C++ compiler
        self.learner.compile(self.optimizer, jit_compile=jit, auto_scale_loss=False)

    def update(self, batches: Sequence[Batch], learning_rate: float) -> float:
        """Make one optimizer step.

        Args:
            batches: as many as `training.accumulate`, whose mean gradient makes the step.
            learning_rate: of this step.

        Returns:
            The mean loss of the batches before the step, in nats per sample.
        """
        self.optimizer.learning_rate = learning_rate
        # of walks through short chunks, all may have come to their ends
        share = len(batches) / max(sum(float(batch.weights.sum()) for batch in batches), 1.0)
        losses = [
            self.learner.train_on_batch(inputs(batch, batch.weights * np.float32(share)))
            for batch in batches
        ]
        return float(np.mean([np.asarray(loss) for loss in losses]))

    def validate(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss of batches in nats per sample, without learning from them.

        Args:
            batches: scored with the averaged weights where there are any.
        """
        values = [variable.value for variable in self._published]
        total, count = 0.0, 0.0
        for batch in batches:
            total += self.scorer.score(batch, values)
            count += float(batch.weights.sum())
        return total / count

    def weights(self) -> Arrays:
        """Return what is published: weights by path, averaged where the settings say so."""
        arrays = {v.path: _array(v.value) for v in self.model.weights}
        published = zip(self._trained, self._published, strict=True)
        return arrays | {variable.path: _array(value.value) for variable, value in published}

    def state(self) -> Arrays:
        """Return everything that decides how training goes on, in the order of its making.

        Not by path: paths need not be unique, and hold counters of the process that made them.
        """
        return self._arrays()

    def _arrays(self) -> Arrays:
        return {
            f"{part}/{index:04d}": _array(variable.value)
            for part, variables in self._variables().items()
            for index, variable in enumerate(variables)
        }

    def restore(self, state: Arrays) -> None:
        """Take over what `state` returned.

        Raises:
            UserError: the state is of another model or optimizer.
        """
        _require_alike(state, self._arrays())
        for part, variables in self._variables().items():
            for index, variable in enumerate(variables):
                variable.assign(state[f"{part}/{index:04d}"])

    def _variables(self) -> dict[str, list[Any]]:
        return {"model": self.learner.variables, "optimizer": self.optimizer.variables}


def _require_alike(found: Arrays, expected: Arrays) -> None:
    for name in sorted({*found, *expected}):
        was, has = (_kind(arrays.get(name)) for arrays in (found, expected))
        if was != has:
            raise UserError(
                f"the state is of another model: its array {name} is {was}, and {has} is expected; "
                "train under another experiment, or move the run's folder away to train anew"
            )


def _kind(array: NDArray[Any] | None) -> str:
    return "missing" if array is None else f"{array.dtype}{list(array.shape)}"
