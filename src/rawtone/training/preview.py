"""What a training takes, measured on a few steps that leave no trace."""

import time
from collections.abc import Callable

from rawtone.settings import Training
from rawtone.training.order import Order
from rawtone.training.trainer import Trainer


def seconds(
    trainer: Trainer, training: Training, train: Order, validation: Order, steps: int
) -> float:
    """Measure how long the remaining steps will take.

    Makes two steps and two validations, the first of each to compile, and takes them back.

    Args:
        trainer: of the run.
        training: settings.
        train: the windows learned from.
        validation: held-out windows.
        steps: that remain.
    """
    before = trainer.state()
    batches, held_out = [train.batch(0)] * training.accumulate, [validation.batch(0)]
    step = _second_time(lambda: trainer.update(batches, training.learning_rate))
    score = _second_time(lambda: trainer.validate(held_out))
    trainer.restore(before)
    return steps * (step + score * training.validation_batches / training.validate_every)


def _second_time(action: Callable[[], object]) -> float:
    action()
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
