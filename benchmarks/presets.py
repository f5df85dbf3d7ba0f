"""Presets as benchmarks train them: a model with its trainer, and batches of noise."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import yaml

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.settings import Training
from rawtone.training.batches import Batch

# Sizes that were measured elsewhere and are no preset of ours: what they change in one.
SIZES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "wavenet-20-layers": (
        "wavenet-default",
        {
            "model": {"dilations": [2**i for i in range(10)] * 2, "skip_channels": 128},
            "training": {"window": 16000},
        },
    ),
    "samplernn-small": (
        "samplernn-prism",
        {"model": {"dim": 256, "rnn_layers": 2}, "training": {"batch_size": 16}},
    ),
    "samplernn-1-layer": ("samplernn-prism", {"model": {"dim": 256, "rnn_layers": 1}}),
    "lstm-256-64": ("next-sample-demo", {"model": {"units": [256, 64]}}),
}


@dataclass(frozen=True)
class Preset:
    """What a preset's name stands for.

    Attributes:
        name: of a file in rawtone/presets, or one of SIZES.
        table: the experiment.
    """

    name: str
    table: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> "Preset":
        """Read a preset, with what SIZES changes in it."""
        base, changes = SIZES.get(name, (name, {}))
        file = resources.files("rawtone.presets").joinpath(f"{base}.yaml")
        table = yaml.safe_load(file.read_text())
        for part, changed in changes.items():
            table[part] |= changed
        return cls(name, table)

    @property
    def settings(self) -> Any:
        """The model's settings."""
        return model_settings.model(self.table["model"])

    @property
    def training(self) -> Training:
        """How it is trained."""
        return Training(**self.table["training"])

    def build(self, channels: int = 0) -> Any:
        """Build its model, for mono or stereo; without either as many channels as it can make."""
        from rawtone.models.families import build
        from rawtone.models.family import Audio

        told = getattr(self.settings, "global_channels", None)
        channels = channels or (2 if self.settings.stereo else 1)
        codec = quantizers.make(**self.table["quantizer"])
        return build(self.settings, Audio(codec, channels, 5 if told else 0), self.training.seed)

    def noise(self, size: int, window: int) -> Batch:
        """Return a batch of noise that goes on from the batch before."""
        levels, settings = self.table["quantizer"]["levels"], self.settings
        shape = (size, settings.context + window, *([2] if settings.stereo else []))
        codes = np.random.default_rng(0).integers(levels, size=shape, dtype=np.int32)
        return Batch(
            codes[:, : shape[1] - settings.hop],
            codes[:, settings.context :],
            np.ones((size, window), np.float32),
            np.zeros(size, np.int32),
            np.zeros(size, np.bool_),
        )
