"""Optimizers by name, with clipping, averaged weights, and steps made of several batches."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rawtone.settings import Training


def plain(training: Training) -> Any:
    """Make the optimizer that a training names, whose rate is to be set before every step.

    Args:
        training: settings.

    Returns:
        A Keras optimizer that clips by the norm of all gradients; `averages` are the variables that
        hold the moving average of the weights, none where the settings ask for none.
    """
    common = {"learning_rate": training.learning_rate, "global_clipnorm": training.clip_norm}
    match training.optimizer:
        case "adam":
            return _averaging(keras.optimizers.Adam, training.ema)(
                epsilon=training.epsilon, **common
            )
        case "adamw":
            kind = _averaging(keras.optimizers.AdamW, training.ema)
            return kind(weight_decay=training.weight_decay, epsilon=training.epsilon, **common)
        case "sgd":
            kind = _averaging(keras.optimizers.SGD, training.ema)
            return kind(momentum=training.momentum, **common)
        case "rmsprop":
            kind = _averaging(keras.optimizers.RMSprop, training.ema)
            return kind(momentum=training.momentum, epsilon=training.epsilon, **common)


def stepping(optimizer: Any, training: Training) -> Any:
    """Let an optimizer make its steps from several batches, and in float16.

    Args:
        optimizer: as `plain` makes it.
        training: settings.

    Returns:
        One that counts, clips and averages whole steps only. In float16 it scales the loss, and
        leaves out a step that overflows.
    """
    if training.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return Accumulating(optimizer, training.accumulate) if training.accumulate > 1 else optimizer


def _averaging(kind: Any, ema: float | None) -> Any:
    """Let a kind of optimizer average the weights, and see every gradient as a table.

    average = m * average + (1 - m) * weights after each step. The average begins with the first
    weights; so that these are soon forgotten, and a short training is averaged over its last tenth,
    m is `ema`, but no more than n / (9 + n) at the n-th step (as `num_updates` does it in
    TensorFlow's tf.train.ExponentialMovingAverage).

    TensorFlow gives an embedding's gradient as a list of rows, of which some are the same row. The
    norm of that list, by which Keras would clip, is not the gradient's.
    """

    class Averaging(kind):  # type: ignore[misc]
        def build(self, variables: Sequence[Any]) -> None:
            super().build(variables)
            averaged = [] if ema is None else variables
            self.averages = [self.add_variable_from_reference(v, "average") for v in averaged]
            for average, variable in zip(self.averages, averaged, strict=True):
                average.assign(variable)

        def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
            # to its own shape: of Keras's operations one that ends in a table
            tables = [grad if grad is None else ops.reshape(grad, grad.shape) for grad in grads]
            super().apply(tables, trainable_variables)
            if self.averages:
                steps = ops.cast(self.iterations, "float32")
                m = ops.minimum(ema, steps / (9.0 + steps))
                for average, variable in zip(self.averages, self._trainable_variables, strict=True):
                    average.assign(m * average + (1.0 - m) * variable)

    return Averaging


class Accumulating(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Lets another optimizer make a step from the mean gradient of every so many batches.

    Unlike Keras's `gradient_accumulation_steps` it stands before loss scaling, not behind it: a
    batch that overflows in float16 takes its whole step with it, and steps never shift against
    batches.

    Args:
        inner: the optimizer that makes the steps.
        batches: to a step.
    """

    def __init__(self, inner: Any, batches: int) -> None:
        super().__init__(learning_rate=0.0, name="accumulating")
        self.inner = inner
        self.batches = batches

    def build(self, variables: Sequence[Any]) -> None:
        """Create the sums of gradients, and the inner optimizer's variables."""
        self.count = self.add_variable((), dtype="int32", name="count")
        self.sums = [self.add_variable_from_reference(v, name="sum") for v in variables]
        self.inner.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        """Every variable that decides how training goes on."""
        return [*self._variables, *self.inner.variables]

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self.inner.learning_rate = rate

    @property
    def iterations(self) -> Any:
        """Whole steps done."""
        return self.inner.iterations

    def scale_loss(self, loss: Any) -> Any:
        """Scale a loss as the inner optimizer does."""
        return self.inner.scale_loss(loss)

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Take a batch's gradients, and make a step if they complete one."""
        sums = self._added([variable.value for variable in self.sums], grads)

        def finish() -> None:
            self.inner.apply(self._means(sums, grads), trainable_variables)
            for variable in self.sums:
                variable.assign(ops.zeros_like(variable))

        def collect() -> None:
            for variable, value in zip(self.sums, sums, strict=True):
                variable.assign(value)

        self.count.assign(self._counted(self.count))
        ops.cond(ops.equal(self.count, 0), finish, collect)

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Any
    ) -> tuple[list[Any], list[Any]]:
        """Do what `apply` does with values in and out, as JAX needs it."""
        values = {id(v): x for v, x in zip(self.variables, optimizer_variables, strict=True)}
        sums = self._added([values[id(v)] for v in self.sums], grads)
        count = self._counted(values[id(self.count)])
        inner = [values[id(variable)] for variable in self.inner.variables]

        def finish() -> tuple[list[Any], list[Any], list[Any]]:
            means = self._means(sums, grads)
            weights, after = self.inner.stateless_apply(inner, means, trainable_variables)
            return list(weights), list(after), [ops.zeros_like(value) for value in sums]

        def collect() -> tuple[list[Any], list[Any], list[Any]]:
            return list(trainable_variables), inner, sums

        weights, inner, sums = ops.cond(ops.equal(count, 0), finish, collect)
        values[id(self.count)] = count
        for variables, news in ((self.sums, sums), (self.inner.variables, inner)):
            values.update({id(v): new for v, new in zip(variables, news, strict=True)})
        return weights, [values[id(variable)] for variable in self.variables]

    def _counted(self, count: Any) -> Any:
        return ops.mod(count + 1, self.batches)

    def _added(self, sums: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
        pairs = zip(sums, grads, strict=True)
        return [total if grad is None else ops.add(total, grad) for total, grad in pairs]

    def _means(self, sums: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
        pairs = zip(sums, grads, strict=True)
        return [None if grad is None else total / self.batches for total, grad in pairs]
