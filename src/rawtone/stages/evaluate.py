"""evaluate: bits per sample of every checkpoint on held-out audio; how its clips sound."""

import json
import logging
import math
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from rawtone import model_settings
from rawtone.audio import pcm, quantizers
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation.bits import entropy_bits, flac_bits, loss_per_sample
from rawtone.evaluation.held_out import HeldOut
from rawtone.evaluation.linear_prediction import linear_prediction_bits
from rawtone.evaluation.listening import HELD_OUT, Heard, Listener
from rawtone.evaluation.squares import repetition_error, silence_error
from rawtone.files import write_json
from rawtone.models import backend
from rawtone.settings import Training
from rawtone.stages import layout
from rawtone.training.checkpoints import read_arrays
from rawtone.training.measures import Measure, measure

Clip = dict[str, Any]
_log = logging.getLogger("rawtone")


def run(experiment: str) -> None:
    """Measure every published checkpoint and every clip of an experiment.

    Args:
        experiment: its name in params.yaml.
    """
    folder = layout.results(experiment)
    corpus = layout.read_settings("evaluate", experiment)["corpus"]
    config = json.loads((folder / "config.json").read_text())
    training = Training(**config["training"])
    backend.start(training.deterministic, training.threads)
    chunks = Chunks.open(layout.chunks(corpus))
    held_out = {split: HeldOut(chunks, split, config) for split in HELD_OUT}
    losses = measure(model_settings.model(config["model"]).density)
    scored = _scores(folder, config, held_out, losses)
    table.write(folder / "bits.csv", ("step", "split", "loss", "bits", "samples"), scored)
    listener = Listener(chunks, quantizers.make(**config["quantizer"]))
    heard = _hear(folder, listener)
    grid = [key for key in ("step", "label", "temperature", "seed") if key in heard[0][0]]
    rows = [{key: clip[key] for key in grid} | clip_heard.row for clip, clip_heard in heard]
    table.write(folder / "melody.csv", (*grid, *heard[0][1].row), rows)
    predicted = _prediction(scored, held_out, losses)
    evaluation = predicted | _clips_judged(predicted, heard, listener)
    write_json(folder / "evaluation.json", evaluation)
    write_json(folder / "metrics.json", _compared(evaluation))
    _tell(evaluation, losses)


def _tell(evaluation: dict[str, Any], losses: Measure) -> None:
    baseline = "flac_bits" if losses.density else "repetition_loss"
    name = "FLAC" if losses.density else "repetition"
    _log.info(
        "best checkpoint: step %d, %s on validation, %s on test (%s %.4g and %.4g)",
        evaluation["best_step"],
        *(losses.words(evaluation[f"{split}_loss"]) for split in HELD_OUT),
        name,
        *(evaluation[baseline][split] for split in HELD_OUT),
    )


def _scores(
    folder: Path, config: dict[str, Any], held_out: dict[str, HeldOut], losses: Measure
) -> list[dict[str, Any]]:
    from rawtone.models.families import build
    from rawtone.models.family import Audio
    from rawtone.training.scoring import Scorer

    codec, labels = quantizers.make(**config["quantizer"]), config.get("labels", ())
    audio = Audio(codec, config["channels"], len(labels))
    scorer = Scorer(build(model_settings.model(config["model"]), audio))
    published = json.loads((folder / "checkpoints.json").read_text())["checkpoints"]
    rows = []
    for checkpoint in tqdm(published, desc="evaluate", unit="checkpoint", disable=None):
        scorer.load(read_arrays(folder / checkpoint["file"]))
        for split, part in held_out.items():
            loss = loss_per_sample(part.batches, scorer.score)
            bits = losses.bits(loss)
            row = {"step": checkpoint["step"], "split": split, "loss": f"{loss:.6g}"}
            told = {"bits": "" if bits is None else f"{bits:.4f}", "samples": len(part.codes)}
            rows.append(row | told)
    return rows


def _hear(folder: Path, listener: Listener) -> list[tuple[Clip, Heard]]:
    clips: list[Clip] = json.loads((folder / "clips.json").read_text())
    progress = tqdm(clips, desc="listen", unit="clip", disable=None)
    return [(c, listener.hear(_made(folder, c), c["sample_rate"])) for c in progress]


def _made(folder: Path, clip: Clip) -> pcm.Pcm:
    """Return the samples of a clip that the model made: what it keeps of a prime comes first."""
    prime = clip.get("prime", {})
    kept = prime.get("seconds", 0) if prime.get("keep") else 0
    return pcm.read(folder / clip["wav"], round(kept * clip["sample_rate"]))


def _prediction(
    scored: list[dict[str, Any]], held_out: dict[str, HeldOut], losses: Measure
) -> dict[str, Any]:
    validation = [row for row in scored if row["split"] == "validation"]
    best = min(validation, key=lambda row: (float(row["loss"]), row["step"]))["step"]
    chosen = {row["split"]: row for row in scored if row["step"] == best}
    figures = {
        f"{split}_{column}": float(row[column]) if row[column] else None
        for column in ("bits", "loss")
        for split, row in chosen.items()
    }
    return {"best_step": best} | figures | _baselines(held_out, losses)


def _baselines(held_out: dict[str, HeldOut], losses: Measure) -> dict[str, Any]:
    """Measure what needs no model to be trained: of each split, and of knowing nothing."""
    some = held_out["validation"]
    codec, rate = quantizers.make(**some.config["quantizer"]), some.chunks.sample_rate
    count = codec.levels
    linear = {k: round(linear_prediction_bits(v.codes, codec), 4) for k, v in held_out.items()}
    squares = {} if losses.density else _squares(held_out)
    return squares | {
        "flac_bits": {k: round(flac_bits(v.codes, count, rate), 4) for k, v in held_out.items()},
        "linear_prediction_bits": linear,
        "entropy_bits": {k: round(entropy_bits(v.codes, count), 4) for k, v in held_out.items()},
        "uniform_bits": round(float(np.log2(count)), 4),
        "samples": {k: len(v.codes) for k, v in held_out.items()},
    }


def _squares(held_out: dict[str, HeldOut]) -> dict[str, dict[str, float]]:
    codec = quantizers.make(**held_out["validation"].config["quantizer"])
    errors = {"repetition_loss": repetition_error, "silence_loss": silence_error}
    return {
        name: {split: float(f"{error(v.codes, codec):.6g}") for split, v in held_out.items()}
        for name, error in errors.items()
    }


def _clips_judged(
    predicted: dict[str, Any], heard: list[tuple[Clip, Heard]], listener: Listener
) -> dict[str, Any]:
    """Measure the best checkpoint's clips at the temperature nearest to 1."""
    nearest = min((clip["temperature"] for clip, _ in heard), key=_far_from_learned)
    wanted = (predicted["best_step"], nearest)
    chosen = [h for clip, h in heard if (clip["step"], clip["temperature"]) == wanted]
    where = dict(zip(("step", "temperature"), wanted, strict=True))
    spectrum = {
        "clips": round(median(clip.spectrum_db for clip in chosen), 3),
        "recordings": round(listener.recordings_distance_db, 3),
    }
    return {"melody": where | listener.judge(chosen), "spectrum_db": where | spectrum}


def _far_from_learned(temperature: float | str) -> tuple[float, str | float]:
    """Return how far a temperature is from 1; schedules, which are words, are furthest."""
    varies = isinstance(temperature, str)
    return (math.inf if varies else abs(float(temperature) - 1), temperature)


def _compared(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Take the few figures by which experiments are compared; each is a column of DVC's tables.

    Returns:
        JSON, flat. `melodies` is None where the recordings are no single melodies.
    """
    figures = {key: evaluation[key] for key in ("best_step", "validation_bits", "test_bits")}
    heard = {
        "melodies": evaluation["melody"]["passed"],
        "spectrum_db": evaluation["spectrum_db"]["clips"],
    }
    return figures | heard
