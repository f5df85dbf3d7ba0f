"""The learning rate as a pure function of the step, so that there is no schedule to save."""

import math

from rawtone.settings import Training


def learning_rate(training: Training, step: int) -> float:
    """Return the rate of the update that brings a run from `step` to `step + 1`.

    Args:
        training: settings.
        step: updates done so far.
    """
    if step < training.warmup_steps:
        return training.learning_rate * step / training.warmup_steps
    return training.learning_rate * _share(training, step)


def _share(training: Training, step: int) -> float:
    match training.schedule:
        case "constant":
            return 1.0
        case "cosine":
            return _cosine(training, step)
        case "exponential":
            return _exponential(training, step)


def _cosine(training: Training, step: int) -> float:
    """Loshchilov & Hutter 2017 (SGDR), equation 5 down to zero, without restarts."""
    done = (step - training.warmup_steps) / max(training.steps - training.warmup_steps, 1)
    return 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


def _exponential(training: Training, step: int) -> float:
    """A staircase whose first step down is at `decay_after`.

    PRiSM SampleRNN multiplies by exp(-0.1) as each epoch from the N-th on begins, counted from 0:
    `decay_after` = N epochs in steps, `decay_steps` = an epoch in steps.
    """
    if step < training.decay_after:
        return 1.0
    return training.decay_rate ** ((step - training.decay_after) // training.decay_steps + 1)
