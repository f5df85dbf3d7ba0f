"""A published experiment that learned nothing, of large weights, so that what is drawn shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rawtone import cli, model_settings
from rawtone.audio import quantizers
from rawtone.files import sha256, write_json
from rawtone.training.checkpoints import write_arrays

MODEL = {"dilations": [1, 2], "residual_channels": 4, "dilation_channels": 4, "skip_channels": 4}


@pytest.fixture
def publish() -> Callable[..., None]:
    """Give a function that publishes an experiment."""
    return _publish


def _publish(
    results: Path, steps: tuple[int, ...] = (20,), labels: tuple[str, ...] = (), **model: Any
) -> None:
    """Publish checkpoints of random weights.

    Args:
        results: the experiment's folder.
        steps: of the checkpoints; the first has the least loss.
        labels: that the model is told.
        model: keys of the table `model`.
    """
    from rawtone.models.families import build
    from rawtone.models.family import Audio

    preset = yaml.safe_load((Path(cli.__file__).parent / "presets/wavenet-demo.yaml").read_text())
    table = preset["model"] | MODEL | model | ({"global_channels": 2} if labels else {})
    config = {
        "run": "0123456789ab",
        "model": table,
        "quantizer": preset["quantizer"],
        "sample_rate": 4000,
        "channels": 1,
        "training": preset["training"] | {"threads": None},
    } | ({"labels": list(labels)} if labels else {})
    audio = Audio(quantizers.make("mu-law", 256), labels=len(labels))
    built = build(model_settings.model(table), audio)
    (results / "checkpoints").mkdir(parents=True)
    rows = []
    for place, step in enumerate(steps):
        weights = results / f"checkpoints/step-{step:08d}.npz"
        random = np.random.default_rng(step)
        drawn = {v.path: random.normal(size=v.shape).astype("f4") for v in built.weights}
        write_arrays(weights, drawn)
        row = {"step": step, "file": f"checkpoints/{weights.name}", "sha256": sha256(weights)}
        rows.append(row | {"validation_loss": float(place)})
    write_json(results / "checkpoints.json", {"run": config["run"], "checkpoints": rows})
    write_json(results / "config.json", config)
