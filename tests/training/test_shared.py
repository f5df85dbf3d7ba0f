"""Workers that share every batch make the steps of one that has it all.

They are threads here, and add up by themselves; tests/stages/test_workers.py has real processes.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.errors import UserError
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.settings import Training
from rawtone.training.batches import Batch
from rawtone.training.roles import Role
from tests import trainings

backend.start()

from rawtone.models import collective  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio  # noqa: E402
from rawtone.training.shared import SharedTrainer, digest  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

WORKERS, LEVELS, WINDOW = 2, 16, 24
MODEL = WaveNet(
    family="wavenet",
    dilations=[1],
    filter_width=2,
    residual_channels=4,
    dilation_channels=4,
    skip_channels=8,
    biases=True,
)


class Sums:
    """Adds up what threads give, in the order of their ranks."""

    def __init__(self) -> None:
        self.parts: dict[int, Any] = {}
        self.meeting = threading.Barrier(WORKERS, timeout=60)

    def of(self, rank: int) -> Any:
        """Return one worker's side."""

        class Side:
            @staticmethod
            def sum(tensor: Any) -> Any:
                self.parts[rank] = tensor
                self.meeting.wait()
                total = sum(self.parts[r] for r in range(1, WORKERS)) + self.parts[0]
                self.meeting.wait()
                return total

        return Side()


def settings(**changed: object) -> Training:
    """Return settings of a short training."""
    sizes = {"batch_size": 6, "window": WINDOW}
    return trainings.plain(**sizes, learning_rate=0.02, clip_norm=0.1, **changed)


def model(training: Training) -> Any:
    """Return a model with its first weights, the same in every worker."""
    audio = Audio(quantizers.make("mu-law", LEVELS))
    return build(MODEL, audio, training.seed, training.precision)


def batch(index: int) -> Batch:
    """Return windows of which every worker has others, and other numbers of samples to score."""
    random = np.random.default_rng(index)
    codes = random.integers(0, LEVELS, (6, MODEL.context + WINDOW)).astype(np.int32)
    weights = np.ones((6, WINDOW), dtype=np.float32)
    weights[0, 3:] = 0
    weights[5, 10 + index :] = 0
    labels, fresh = np.zeros(6, np.int32), np.ones(6, bool)
    return Batch(codes[:, :-1], codes[:, MODEL.context :], weights, labels, fresh, index)


def together(training: Training, sums: Sums) -> list[SharedTrainer]:
    """Return the trainers of all workers."""
    return [
        SharedTrainer(model(training), training, sums.of(rank), Role(rank, WORKERS))
        for rank in range(WORKERS)
    ]


def step(trainers: list[SharedTrainer], batches: list[Batch], rate: float) -> list[float]:
    """Make a step, all at the same time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda trainer: trainer.update(batches, rate), trainers))


@pytest.mark.parametrize(
    "changed",
    [
        {"optimizer": "adamw", "ema": 0.9, "accumulate": 2},
        {"optimizer": "sgd", "precision": "mixed_float16"},
    ],
)
def test_shared_batches_make_the_steps_of_whole_ones(changed: dict[str, Any]) -> None:
    """Where gradients are clipped, and batches are of unlike weights, too."""
    training = settings(**changed)
    alone, sums = Trainer(model(training), training), Sums()
    trainers = together(training, sums)
    half = training.precision == "mixed_float16"
    for index in range(4):
        batches = [batch(2 * index + k) for k in range(training.accumulate)]
        expected = alone.update(batches, 0.02 / (1 + index))
        losses = step(trainers, batches, 0.02 / (1 + index))
        assert losses == pytest.approx([expected] * WORKERS, rel=1e-3 if half else 1e-6)
    assert len({digest(trainer.state()) for trainer in trainers}) == 1
    # one number for each weight and one for the loss, also where a step has several batches
    trained = sum(int(np.prod(v.shape)) for v in alone.model.trainable_variables)
    assert 4 * int(sums.parts[1].shape[0]) == trainers[1].exchanged == 4 * (trained + 1)
    weights = trainers[1].weights()
    for path, array in alone.weights().items():
        tolerance = 1e-3 if half else 1e-5
        np.testing.assert_allclose(weights[path], array, atol=tolerance, err_msg=path)
    held_out = batch(77)
    score = sum(trainer.score(held_out) for trainer in trainers) / held_out.weights.sum()
    assert score == pytest.approx(alone.validate([held_out]), rel=1e-3 if half else 1e-5)


def test_a_step_that_overflows_in_one_worker_is_left_out_by_all() -> None:
    trainers = together(settings(precision="mixed_float16"), Sums())
    for trainer in trainers:
        (scale,) = [v for v in trainer.optimizer.variables if v.path.endswith("dynamic_scale")]
        scale.assign(2.0**10)
    # in that worker alone the gradient is multiplied by what float16 does not hold
    trainers[1].optimizer.scale_loss = lambda loss: loss * 2.0**120
    before = trainers[0].weights()
    step(trainers, [batch(0)], 0.02)
    for trainer in trainers:
        for path, array in trainer.weights().items():
            np.testing.assert_array_equal(array, before[path])
        assert int(trainer.optimizer.iterations) == 0


def test_each_worker_of_a_machine_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    config = collective.tf.config
    gpus, taken = ["gpu:0", "gpu:1"], []
    monkeypatch.setattr(config, "list_physical_devices", lambda _: gpus)
    monkeypatch.setattr(config, "set_visible_devices", lambda devices, _: taken.append(devices))
    collective.choose_gpu(local=1, neighbours=2, launched=False)
    assert taken == [["gpu:1"]]
    with pytest.raises(UserError, match=r"one for each GPU, found 3 on .*, which has 2"):
        collective.choose_gpu(local=0, neighbours=3, launched=False)
    gpus.pop()
    collective.choose_gpu(local=1, neighbours=2, launched=True)  # srun shows each its own alone
    assert len(taken) == 1
