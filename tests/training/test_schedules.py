"""The learning rate: pure, and what the published recipes had."""

import math
from functools import partial

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.training.schedules import learning_rate
from tests import trainings

training = partial(trainings.plain, steps=100, learning_rate=0.5)


def test_warm_up_is_linear_from_zero_to_the_rate() -> None:
    rates = [learning_rate(training(warmup_steps=4), step) for step in range(6)]
    assert rates == [0.0, 0.125, 0.25, 0.375, 0.5, 0.5]


@given(step=st.integers(0, 100), warmup=st.integers(0, 120))
def test_cosine_is_the_schedule_of_keras(step: int, warmup: int) -> None:
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else 0.5,
        decay_steps=max(100 - warmup, 1),
        warmup_target=0.5 if warmup else None,
        warmup_steps=warmup,
    )
    rate = learning_rate(training(schedule="cosine", warmup_steps=warmup), step)
    assert rate == pytest.approx(float(schedule(step)), abs=1e-6)


def test_cosine_falls_to_zero_at_the_last_step() -> None:
    rates = [learning_rate(training(schedule="cosine"), step) for step in range(101)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 0.5
    assert rates[50] == pytest.approx(0.25)
    assert rates[100] == 0.0


def test_exponential_decay_is_that_of_prism_samplernn() -> None:
    """PRiSM's callback multiplies the rate by exp(-0.1) as each epoch from the N-th on begins."""
    epoch_steps, first_epoch, rate = 7, 3, 0.5
    settings = training(
        schedule="exponential",
        decay_after=first_epoch * epoch_steps,
        decay_steps=epoch_steps,
        decay_rate=math.exp(-0.1),
    )
    for epoch in range(12):
        rate *= math.exp(-0.1) if epoch >= first_epoch else 1.0
        for step in range(epoch * epoch_steps, (epoch + 1) * epoch_steps):
            assert learning_rate(settings, step) == pytest.approx(rate, rel=1e-12)
