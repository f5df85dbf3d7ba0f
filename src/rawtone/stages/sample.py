"""sample: checkpoints -> clips, over all labels, temperatures and seeds."""

import itertools
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rawtone import model_settings
from rawtone.audio import ffmpeg, pcm, quantizers
from rawtone.audio.fingerprint import fingerprint
from rawtone.errors import UserError, nearest
from rawtone.files import atomic, sha256, write_json
from rawtone.generation import names, priming
from rawtone.models import backend
from rawtone.settings import Quantizer, Sampling, Training
from rawtone.stages import layout
from rawtone.training import tensorboard
from rawtone.training.checkpoints import read_arrays

if TYPE_CHECKING:
    from rawtone.generation.streams import Stream

_log = logging.getLogger("rawtone")


def run(experiment: str) -> None:
    """Make the clips of every published checkpoint of an experiment.

    Args:
        experiment: its name in params.yaml.

    Raises:
        UserError: nothing is published yet, a checkpoint is damaged, the model has no such label,
            clips cannot be primed as asked for, or TensorBoard is asked for and not installed.
    """
    folder = layout.results(experiment)
    table = layout.read_settings("sample", experiment)["sampling"]
    prime_sha256 = table.get("prime", {}).pop("sha256", "")
    sampling = Sampling(**table)
    config = json.loads((folder / "config.json").read_text())
    training = Training(**config["training"])
    backend.start(training.deterministic, training.threads)
    published = json.loads((folder / "checkpoints.json").read_text())["checkpoints"]
    if training.tensorboard:
        tensorboard.require()
    generator = _Generator(config, sampling, prime_sha256)
    shutil.rmtree(folder / "clips", ignore_errors=True)
    clips: list[dict[str, Any]] = []
    total = len(published) * generator.samples
    with tqdm(total=total, desc="sample", unit="sample", unit_scale=True, disable=None) as bar:
        for checkpoint in published:
            clips += _clips(folder, checkpoint, generator, bar.update)
    clips.sort(
        key=lambda clip: (clip["step"], clip.get("label"), clip["temperature"], clip["seed"])
    )
    write_json(folder / "clips.json", clips)
    if training.tensorboard:
        tensorboard.show_clips(layout.run(config["run"]) / "tensorboard/clips", folder, clips)
    _log.info("%d clips of %g s in %s", len(clips), sampling.seconds, folder / "clips")


class _Generator:
    """Generates all streams of a checkpoint; compiled once for all checkpoints."""

    def __init__(self, config: dict[str, Any], sampling: Sampling, prime_sha256: str) -> None:
        from rawtone.generation.loop import Loop
        from rawtone.models.families import build
        from rawtone.models.family import Audio

        quantizer = Quantizer(**config["quantizer"])
        self.codec = quantizers.make(quantizer.kind, quantizer.levels)
        self.sample_rate: int = config["sample_rate"]
        self.length: int = round(sampling.seconds * self.sample_rate)
        self.sampling = sampling
        self.labels: list[str] = config.get("labels", [])
        self.names = names.of_labels(self.labels)
        self.chosen = _chosen(sampling, self.labels)
        audio = Audio(self.codec, config["channels"], len(self.labels))
        self.prime: NDArray[np.int32] | None = None
        self.origin: dict[str, Any] = {}  # what clips.json says of the prime
        if sampling.prime is not None:
            self.prime = priming.codes(
                sampling.prime, prime_sha256, self.codec, self.sample_rate, audio.channels
            )
            self.origin = {"prime": sampling.prime.model_dump() | {"sha256": prime_sha256}}
        self.model = build(model_settings.model(config["model"]), audio)
        self.loop = Loop(self.model, self.sample_rate)

    @property
    def samples(self) -> int:
        """Samples that the streams of a checkpoint have in all."""
        return self.length * len(self._streams())

    def _streams(self) -> list["Stream"]:
        from rawtone.generation.streams import Stream

        grid = itertools.product(self.chosen, self.sampling.temperatures, self.sampling.seeds)
        return [Stream(seed, temperature, label) for label, temperature, seed in grid]

    def stem(self, stream: "Stream") -> str:
        name = self.names[stream.label] if self.labels else None
        return names.stem(stream.temperature, stream.seed, name)

    def load(self, weights: Path) -> None:
        from rawtone.models.families import assign

        assign(self.model, read_arrays(weights))

    def clips(self, tell: Callable[[int], object]) -> Iterator[tuple["Stream", NDArray[np.int16]]]:
        from rawtone.generation.engine import generate

        streams = self._streams()
        for start in range(0, len(streams), self.loop.lanes):
            together = streams[start : start + self.loop.lanes]
            blocks = []
            for part in generate(self.loop, together, self.length, self.prime):
                blocks.append(part.codes)
                tell(part.codes.shape[0] * part.codes.shape[1])
            codes = np.concatenate(blocks, axis=1)
            audio = np.round(self.codec.decode(codes) * 32767).astype(np.int16)
            yield from zip(together, audio, strict=True)


def _chosen(sampling: Sampling, labels: list[str]) -> list[int]:
    """Return the numbers of the labels of which clips are made; of 0 where there are no labels."""
    if sampling.labels == "all":
        return list(range(len(labels))) or [0]
    for label in sampling.labels:
        if label not in labels:
            raise UserError(
                f"sampling.labels: the model has learned no label '{label}'; "
                f"{nearest(label, labels)} It has: {', '.join(labels)}"
            )
    return [labels.index(label) for label in sampling.labels]


def _clips(
    folder: Path, checkpoint: dict[str, Any], generator: _Generator, tell: Callable[[int], object]
) -> Iterator[dict[str, Any]]:
    weights = folder / checkpoint["file"]
    if not weights.exists() or sha256(weights) != checkpoint["sha256"]:
        raise UserError(
            f"{weights}: not the file that checkpoints.json names; publish it anew by "
            f"running: rawtone train {folder.name}"
        )
    generator.load(weights)
    step: int = checkpoint["step"]
    place = Path("clips") / f"step-{step:08d}"
    (folder / place).mkdir(parents=True, exist_ok=True)
    for stream, audio in generator.clips(tell):
        name = place / generator.stem(stream)
        wav, mp3 = name.with_name(name.name + ".wav"), name.with_name(name.name + ".mp3")
        _write(folder / wav, folder / mp3, audio, generator.sample_rate)
        yield {
            "step": step,
            **({"label": generator.labels[stream.label]} if generator.labels else {}),
            "temperature": stream.temperature,
            "seed": stream.seed,
            **generator.origin,
            "seconds": generator.sampling.seconds,
            "sample_rate": generator.sample_rate,
            "wav": str(wav),
            "mp3": str(mp3),
            "sha256": sha256(folder / wav),
            "fingerprint": fingerprint(audio),
        }


def _write(wav: Path, mp3: Path, audio: NDArray[np.int16], sample_rate: int) -> None:
    with atomic(wav) as temporary:
        pcm.write(temporary, audio, sample_rate)
    with atomic(mp3) as temporary:
        quality = ["-codec:a", "libmp3lame", "-q:a", "2"]
        ffmpeg.run(["-i", f"file:{wav}", *quality, "-y", f"file:{os.fspath(temporary)}"])
