"""evaluate: bits per sample of every checkpoint on held-out audio; how its clips sound."""

import json
import logging
import math
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from rawtone import model_settings
from rawtone.audio import pcm, quantizers
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks
from rawtone.evaluation import scores
from rawtone.evaluation.baselines import baselines
from rawtone.evaluation.held_out import HeldOut
from rawtone.evaluation.listening import HELD_OUT, Heard, Listener
from rawtone.files import write_json
from rawtone.models import backend
from rawtone.settings import Training
from rawtone.stages import layout
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
    losses = measure(model_settings.model(config["model"]).density)
    predicted = _predict(folder, config, scores.parts(chunks, config), losses)
    listener = Listener(chunks, quantizers.make(**config["quantizer"]))
    heard = _hear(folder, listener)
    grid = [key for key in ("step", "label", "temperature", "seed") if key in heard[0][0]]
    rows = [{key: clip[key] for key in grid} | clip_heard.row for clip, clip_heard in heard]
    table.write(folder / "melody.csv", (*grid, *heard[0][1].row), rows)
    evaluation = predicted | _clips_judged(predicted, heard, listener)
    write_json(folder / "evaluation.json", evaluation)
    write_json(folder / "metrics.json", _compared(evaluation))
    _tell(evaluation, losses)


def _predict(
    folder: Path, config: dict[str, Any], heard: dict[str, HeldOut], losses: Measure
) -> dict[str, Any]:
    """Write how well every checkpoint predicts; return what evaluation.json says of the best."""
    scored = list(scores.scores(folder, config, heard))
    rows = [score.row(losses) for score in scored]
    table.write(folder / "bits.csv", scores.COLUMNS, rows)
    track_rows = chain.from_iterable(score.track_rows(losses) for score in scored)
    table.write(folder / "bits_by_track.csv", scores.TRACK_COLUMNS, track_rows)
    return scores.of_best(scored, losses) | baselines(heard, losses.density)


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


def _hear(folder: Path, listener: Listener) -> list[tuple[Clip, Heard]]:
    clips: list[Clip] = json.loads((folder / "clips.json").read_text())
    progress = tqdm(clips, desc="listen", unit="clip", disable=None)
    return [(c, listener.hear(_made(folder, c), c["sample_rate"])) for c in progress]


def _made(folder: Path, clip: Clip) -> pcm.Pcm:
    """Return the samples of a clip that the model made: what it keeps of a prime comes first."""
    prime = clip.get("prime", {})
    kept = prime.get("seconds", 0) if prime.get("keep") else 0
    return pcm.read(folder / clip["wav"], round(kept * clip["sample_rate"]))


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
