"""What weights of fewer bits cost: measured on held-out audio, by the kernel itself."""

from typing import Any

import numpy as np
import pytest

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.models import backend

backend.start()

from rawtone.evaluation.bits import loss_per_sample  # noqa: E402
from rawtone.evaluation.held_out import HeldOut  # noqa: E402
from rawtone.evaluation.precision import cost  # noqa: E402
from rawtone.generation.kernels.wavenet import WaveNetKernel  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402
from rawtone.settings import Quantizer, Training  # noqa: E402
from rawtone.training.order import order  # noqa: E402
from rawtone.training.schedules import learning_rate  # noqa: E402
from rawtone.training.scoring import Scorer  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

RATE, STEPS, LEVELS = 8000, 150, 64
LABELS = ("low", "high")
MODEL = {
    "family": "wavenet",
    "dilations": [1, 2, 4, 8, 16],
    "filter_width": 2,
    "residual_channels": 16,
    "dilation_channels": 16,
    "skip_channels": 32,
    "biases": True,
    "global_channels": 2,
}
CONFIG: dict[str, Any] = {
    "model": MODEL,
    "quantizer": {"kind": "mu-law", "levels": LEVELS},
    "labels": LABELS,
}


def chunks() -> Chunks:
    """Return noisy tones, two chunks of each label to train on and one to hold out."""
    random = np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    tones = [np.sin(2 * np.pi * f * time) for f in (110, 120, 130, 440, 450, 460)]
    audio = [0.4 * tone + 0.02 * random.normal(size=RATE) for tone in tones]
    return Chunks(
        pcm=np.round(np.stack(audio) * 32767).astype(np.int16),
        lengths=np.full(6, RATE),
        starts=np.zeros(6, np.int64),
        tracks=tuple("abcdef"),
        labels=("low",) * 3 + ("high",) * 3,
        splits=("train", "train", "validation") * 2,
        sample_rate=RATE,
        overlap=0,
    )


@pytest.fixture(scope="module")
def model() -> Family:
    """Return a small model that has learned the tones."""
    sizes = {"steps": STEPS, "batch_size": 4, "window": 400, "warmup_steps": 10, "seed": 0}
    rates = {"learning_rate": 0.01, "schedule": "cosine", "clip_norm": 1.0}
    ever = {"log_every": 1, "validate_every": 1, "validation_batches": 1, "checkpoint_every": 1}
    training = Training.model_validate(sizes | rates | ever)
    settings = model_settings.model(MODEL)
    quantizer = Quantizer(**CONFIG["quantizer"])
    audio = Audio(quantizers.make("mu-law", LEVELS), labels=len(LABELS))
    trainer = Trainer(build(settings, audio), training)
    batches = order(chunks(), "train", quantizer, settings, (4, 400), labels=LABELS)
    for index in range(STEPS):
        trainer.update([batches.batch(index)], learning_rate(training, index))
    return trainer.model


@pytest.mark.parametrize(("precision", "most"), [("bfloat16", 0.003), ("int8", 0.02)])
def test_fewer_bits_cost_a_trained_model_little(model: Family, precision: str, most: float) -> None:
    held_out = HeldOut(chunks(), "validation", CONFIG)
    found = cost(lambda kept: WaveNetKernel(model, kept), precision, held_out)
    assert found.samples == 2 * RATE
    assert found.float32_bits < 0.8 * np.log2(LEVELS)  # it has learned something
    assert 0 < abs(found.bits - found.float32_bits) < most
    # the same samples as those of evaluate, each after all that the model can hear
    expected = loss_per_sample(held_out.batches, Scorer(model).score) / np.log(2)
    assert found.float32_bits == pytest.approx(expected, abs=1e-4)


def test_the_cost_is_said_in_a_line(model: Family) -> None:
    held_out = HeldOut(chunks(), "validation", CONFIG)
    found = cost(lambda kept: WaveNetKernel(model, kept), "int8", held_out)
    assert found.words == (
        f"8-bit weights cost {found.bits - found.float32_bits:.4f} bits a sample on validation "
        f"({found.bits:.4f} against {found.float32_bits:.4f})"
    )
