"""Train and generate with the backend that KERAS_BACKEND names, and print what came out as JSON.

KERAS_BACKEND=jax python tests/backends/compute.py
"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.models import backend
from rawtone.settings import Training
from rawtone.training.batches import Batch

backend.start()

from rawtone.generation.engine import generate  # noqa: E402
from rawtone.generation.loop import Loop  # noqa: E402
from rawtone.generation.streams import Stream  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

MODELS = yaml.safe_load((Path(__file__).parent / "models.yaml").read_text())
WINDOW, BATCH, STEPS, LEVELS, LABELS, SAMPLES = 32, 2, 3, 16, 2, 60
TRAINING = {
    "steps": STEPS,
    "batch_size": BATCH,
    "window": WINDOW,
    "learning_rate": 0.01,
    "warmup_steps": 0,
    "schedule": "constant",
    "clip_norm": 1.0,
    "seed": 0,
    "log_every": 1,
    "validate_every": 1,
    "validation_batches": 1,
    "checkpoint_every": STEPS,
}


def make(table: dict[str, Any]) -> Family:
    """Build a model with weights that are the same for every backend."""
    settings = model_settings.model(table)
    channels = 2 if settings.stereo else 1
    labels = LABELS if table.get("global_channels") else 0
    model = build(settings, Audio(quantizers.make("mu-law", LEVELS), channels, labels))
    for variable in model.weights:
        random = np.random.default_rng(zlib.crc32(variable.path.encode()))
        variable.assign(random.normal(scale=0.2, size=variable.shape).astype(np.float32))
    return model


def batch(model: Family, index: int) -> Batch:
    """Return a batch of noise; the windows of every second batch go on from the one before."""
    random = np.random.default_rng(index)
    size = (BATCH, model.settings.context + WINDOW, *[2] * (model.audio.channels - 1))
    codes = random.integers(LEVELS, size=size, dtype=np.int32)
    heard, targets = codes[:, : size[1] - model.settings.hop], codes[:, model.settings.context :]
    weights, labels = np.ones((BATCH, WINDOW), np.float32), np.arange(BATCH, dtype=np.int32)
    return Batch(heard, targets, weights, labels % LABELS, np.full(BATCH, index % 2 == 0), index)


def trained(model: Family) -> list[float]:
    """Return the losses of training steps, and that of a batch after them without learning."""
    trainer = Trainer(model, Training(**TRAINING))
    losses = [trainer.update([batch(model, step)], 0.01) for step in range(STEPS)]
    restored = trainer.state()
    trainer.restore(restored)
    return [*losses, trainer.validate([batch(model, STEPS - 1)])]


def generated(model: Family) -> list[Any]:
    """Return codes of two streams."""
    streams = [Stream(seed, 1.0) for seed in range(2)]
    parts = generate(Loop(model, sample_rate=8000), streams, SAMPLES)
    return np.concatenate([part.codes for part in parts], axis=1).tolist()


def main(what: str, names: list[str]) -> None:
    """Print what each model gives."""
    found = {}
    for name in names:
        model = make(MODELS[name])
        found[name] = trained(model) if what == "train" else generated(model)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or list(MODELS))
