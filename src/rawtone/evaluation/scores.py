"""How well checkpoints predict: the loss of each track of a split, each sample once."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.corpus.chunks import SPLITS, Chunks
from rawtone.evaluation.held_out import HeldOut
from rawtone.evaluation.intervals import Interval, ratio_interval
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import read_arrays
from rawtone.training.measures import Measure

COLUMNS = ("step", "split", "loss", "bits", "samples", "low", "high")
TRACK_COLUMNS = ("step", "split", "track", "loss", "bits", "samples")

Row = dict[str, str | int]


@dataclass(frozen=True)
class Score:
    """What a checkpoint's predictions of a split cost.

    Attributes:
        step: of the checkpoint.
        split: of the corpus.
        tracks: that were heard, sorted.
        losses: float64 [tracks], summed over samples.
        samples: int64 [tracks].
    """

    step: int
    split: str
    tracks: tuple[str, ...]
    losses: NDArray[np.float64]
    samples: NDArray[np.int64]

    @property
    def loss(self) -> float:
        """The loss per sample, over all tracks."""
        return float(self.losses.sum()) / int(self.samples.sum())

    @cached_property
    def interval(self) -> Interval | None:
        """Where the loss would lie if other tracks of the kind were heard, 19 times of 20."""
        return ratio_interval(self.losses, self.samples)

    def row(self, measure: Measure) -> Row:
        """Return the row of bits.csv; low and high are of the bits, or of a loss without them."""
        told = _told(self.loss, measure) | {"samples": int(self.samples.sum())}
        low, high = self.interval or ("", "")
        ends = {"low": low, "high": high}
        written = {k: v if isinstance(v, str) else _written(v, measure) for k, v in ends.items()}
        where: Row = {"step": self.step, "split": self.split}
        return where | told | written

    def track_rows(self, measure: Measure) -> Iterator[Row]:
        """Yield the rows of bits_by_track.csv."""
        for track, loss, samples in zip(self.tracks, self.losses, self.samples, strict=True):
            where: Row = {"step": self.step, "split": self.split, "track": track}
            yield where | _told(loss / samples, measure) | {"samples": int(samples)}

    def figures(self, measure: Measure) -> dict[str, Any]:
        """Return the split's entry of evaluation.json."""
        low, high = self.interval or (None, None)
        ends = {"low": low, "high": high}
        name = "bits" if measure.density else "loss"
        return {name: float(_written(self.loss, measure)), "tracks": len(self.tracks)} | {
            key: None if end is None else float(_written(end, measure)) for key, end in ends.items()
        }


def _told(loss: float, measure: Measure) -> Row:
    return {"loss": f"{loss:.6g}", "bits": _written(loss, measure) if measure.density else ""}


def _written(loss: float, measure: Measure) -> str:
    bits = measure.bits(loss)
    return f"{loss:.6g}" if bits is None else f"{bits:.4f}"


def parts(chunks: Chunks, config: dict[str, Any]) -> dict[str, HeldOut]:
    """Return what checkpoints are scored on: held-out audio, and as much that they learned from.

    Args:
        chunks: of the corpus.
        config: of the experiment, as published.
    """
    found = {split: HeldOut(chunks, split, config) for split in SPLITS[1:]}
    return {"train": HeldOut(chunks, "train", config, found["validation"].samples)} | found


def scores(folder: Path, config: dict[str, Any], heard: Mapping[str, HeldOut]) -> Iterator[Score]:
    """Score every published checkpoint on every split, in the order of both.

    Args:
        folder: of the experiment's results.
        config: of its training.
        heard: what to score on, by split.
    """
    from rawtone.models.families import build
    from rawtone.models.family import Audio
    from rawtone.training.scoring import Scorer

    codec, labels = quantizers.make(**config["quantizer"]), config.get("labels", ())
    audio = Audio(codec, config["channels"], len(labels))
    scorer = Scorer(build(model_settings.model(config["model"]), audio))
    published = json.loads((folder / "checkpoints.json").read_text())["checkpoints"]
    for checkpoint in tqdm(published, desc="evaluate", unit="checkpoint", disable=None):
        scorer.load(read_arrays(folder / checkpoint["file"]))
        for split, part in heard.items():
            sums = by_track(part, scorer.by_window)
            yield Score(checkpoint["step"], split, part.tracks, *sums)


def by_track(
    part: HeldOut, loss: Callable[[Batch], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum the loss of each track, each sample counting once.

    Args:
        part: what is heard.
        loss: of each window of a batch, weighted and summed: float64 [batch].

    Returns:
        float64 [tracks] and int64 [tracks]: losses and samples.
    """
    losses, samples = np.zeros(len(part.tracks)), np.zeros(len(part.tracks), np.int64)
    for tracks, batch in part.by_track:
        filled = len(tracks)  # the last windows of a sweep's last batch may be empty
        np.add.at(losses, tracks, loss(batch)[:filled])
        np.add.at(samples, tracks, np.count_nonzero(batch.weights, axis=1)[:filled])
    return losses, samples


def best_step(scored: list[Score]) -> int:
    """Return the checkpoint of the least loss on validation, as tables have it."""
    validation = [score for score in scored if score.split == "validation"]
    return min(validation, key=lambda score: (float(f"{score.loss:.6g}"), score.step)).step


def of_best(scored: list[Score], measure: Measure) -> dict[str, Any]:
    """Return what evaluation.json says of the best checkpoint.

    Args:
        scored: all.
        measure: of the losses.
    """
    best = best_step(scored)
    chosen = {score.split: score for score in scored if score.step == best}
    name, gap = ("bits", "gap_bits") if measure.density else ("losses", "gap_loss")
    held_out = {split: score for split, score in chosen.items() if split != "train"}
    figures = {
        f"{split}_{column}": float(told) if told else None
        for column in ("bits", "loss")
        for split, score in held_out.items()
        for told in [_told(score.loss, measure)[column]]
    }
    apart = chosen["validation"].loss - chosen["train"].loss
    return (
        {"best_step": best}
        | figures
        | {
            name: {split: score.figures(measure) for split, score in chosen.items()},
            gap: float(_written(apart, measure)),
        }
    )
