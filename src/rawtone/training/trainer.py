"""The optimizer's side of training: a model, its optimizer, and all of their state as arrays."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from rawtone.models.families import assign
from rawtone.settings import Training
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import Arrays
from rawtone.training.scoring import Scorer


def learning_rate(training: Training) -> Any:
    """Return the learning rate, or its schedule over steps.

    Args:
        training: settings; `cosine` falls to zero at the last step (Loshchilov & Hutter 2017,
            section 3, without restarts), after a linear warm-up.
    """
    if training.schedule == "constant" and not training.warmup_steps:
        return training.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if training.warmup_steps else training.learning_rate,
        decay_steps=max(training.steps - training.warmup_steps, 1),
        alpha=1.0 if training.schedule == "constant" else 0.0,
        warmup_target=training.learning_rate if training.warmup_steps else None,
        warmup_steps=training.warmup_steps,
    )


def _array(variable: Any) -> NDArray[Any]:
    # of a sum, as numpy 2 warns about TensorFlow's variables but not about its tensors
    return np.asarray(ops.convert_to_numpy(variable.value + 0))


class Trainer:
    """Updates a model batch by batch.

    Args:
        model: maps codes [batch, context + window - 1] to logits [batch, window, levels].
        training: settings.
    """

    def __init__(self, model: Any, training: Training) -> None:
        self.model = model
        self.scorer = Scorer(model)
        self.optimizer = keras.optimizers.Adam(
            learning_rate(training), global_clipnorm=training.clip_norm
        )
        self.optimizer.build(model.trainable_variables)
        model.compile(optimizer=self.optimizer, loss=self.scorer.loss, jit_compile=True)

    def update(self, batch: Batch) -> float:
        """Make one optimizer step.

        Returns:
            The batch's loss before the step, in nats per sample.
        """
        self.model.reset_metrics()  # or Keras would return the mean since the start
        loss = self.model.train_on_batch(batch.codes, batch.targets, sample_weight=batch.weights)
        return float(np.asarray(loss))

    def validate(self, batches: list[Batch]) -> float:
        """Return the mean loss of batches in nats per sample, without learning from them."""
        scored = [float(batch.weights.sum()) for batch in batches]
        losses = [self.scorer.score(batch) for batch in batches]
        return float(np.average(losses, weights=scored))

    def weights(self) -> Arrays:
        """Return the model's variables by path."""
        return {v.path: _array(v) for v in self.model.variables}

    def state(self) -> Arrays:
        """Return everything that decides how training goes on: weights and optimizer."""
        slots = {
            f"optimizer/{index:04d}": _array(variable)
            for index, variable in enumerate(self.optimizer.variables)
        }
        return {f"model/{path}": array for path, array in self.weights().items()} | slots

    def restore(self, state: Arrays) -> None:
        """Take over what `state` returned."""
        assign(self.model, {name.removeprefix("model/"): state[name] for name in state})
        for index, variable in enumerate(self.optimizer.variables):
            variable.assign(state[f"optimizer/{index:04d}"])
