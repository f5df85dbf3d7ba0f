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
from rawtone.audio import quantizers
from rawtone.corpus import table
from rawtone.corpus.chunks import Chunks
from rawtone.corpus.tracks import TRACKS
from rawtone.errors import UserError, nearest
from rawtone.evaluation import checkpoint_sets, curation, judgement, preview, scores
from rawtone.evaluation.baselines import baselines
from rawtone.evaluation.choice import choose
from rawtone.evaluation.ears import Ears, Heard, Sound
from rawtone.evaluation.features import Features
from rawtone.evaluation.hearing import each
from rawtone.evaluation.held_out import HeldOut
from rawtone.evaluation.judgement import Judged
from rawtone.evaluation.listening import HELD_OUT, Listener
from rawtone.files import write_json
from rawtone.models import backend
from rawtone.settings import Select, Training
from rawtone.stages import layout
from rawtone.training import tensorboard
from rawtone.training.measures import Measure, measure

PREVIEW = "preview.mp3"
Clip = dict[str, Any]
_log = logging.getLogger("rawtone")


def run(experiment: str) -> None:
    """Measure every published checkpoint and every clip of an experiment.

    Args:
        experiment: its name in params.yaml.
    """
    folder = layout.results(experiment)
    settings = layout.read_settings("evaluate", experiment)
    corpus = settings["corpus"]
    config = json.loads((folder / "config.json").read_text())
    clips: list[Clip] = json.loads((folder / "clips.json").read_text())
    select = _selected(settings.get("select", {}), experiment, clips)
    training = Training(**config["training"])
    backend.start(training.deterministic, training.threads)
    chunks = Chunks.open(layout.chunks(corpus))
    losses = measure(model_settings.model(config["model"]).density)
    predicted = _predict(folder, config, scores.parts(chunks, config), losses)
    listener = Listener(chunks, quantizers.make(**config["quantizer"]))
    ears = Ears.of(chunks, listener.quantizer, listener)
    heard = _hear(folder, clips, ears)
    titles = _titles(corpus)
    judged = judgement.judge(clips, heard, select.clips, titles)
    _write_tables(folder, judged, titles)
    evaluation = predicted | _clips_judged(predicted, judged, listener)
    evaluation |= _chosen(folder, judged, losses, select) | _previewed(folder, judged)
    evaluation |= {"clips": judgement.counted(judged), "sets": _sets(folder, ears.features, judged)}
    write_json(folder / "evaluation.json", evaluation)
    write_json(folder / "metrics.json", _compared(evaluation))
    if training.tensorboard:
        _show(layout.run(config["run"]), folder, judged)
    _tell(evaluation, losses)


def _show(run: Path, folder: Path, judged: list[Judged]) -> None:
    figures = judgement.by_step(judged)
    for row in table.read(folder / "bits.csv"):
        what = "bits" if row["bits"] else "loss"
        figures[int(row["step"])][f"{what}/{row['split']}, each sample"] = float(row[what])
    tensorboard.show_figures(run / "tensorboard/evaluation", figures)


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


def _selected(table: dict[str, Any], experiment: str, clips: list[Clip]) -> Select:
    """Return what an ear chose, as far as it is there."""
    select, where = Select(**table), f"experiments.{experiment}.select"
    steps = sorted({clip["step"] for clip in clips})
    if select.step is not None and select.step not in steps:
        there = ", ".join(map(str, steps))
        raise UserError(
            f"{where}.step: expected a published checkpoint ({there}), found {select.step}"
        )
    names = [judgement.name(clip) for clip in clips]
    for wanted in select.clips:
        if wanted not in names:
            raise UserError(f"{where}.clips: there is no clip {wanted}; {nearest(wanted, names)}")
    return select


def _titles(corpus: str) -> dict[str, str]:
    rows = table.read(layout.tracks(corpus) / TRACKS)
    return {row["id"]: row["title"] or row["path"] for row in rows}


def _hear(folder: Path, clips: list[Clip], ears: Ears) -> list[Heard]:
    sounds = [Sound.of(folder, clip) for clip in clips]
    hearing = each(ears.hear, sounds)
    return list(tqdm(hearing, "listen", len(sounds), unit="clip", disable=None))


def _write_tables(folder: Path, judged: list[Judged], titles: dict[str, str]) -> None:
    rows = [one.row(titles) for one in judged]
    table.write(folder / "clips.csv", list(rows[0]), rows)
    melodies = [judgement.axes(one.clip) | one.heard.melody.row for one in judged]
    table.write(folder / "melody.csv", list(melodies[0]), melodies)


def _chosen(folder: Path, judged: list[Judged], losses: Measure, select: Select) -> dict[str, Any]:
    """Choose a checkpoint by what it predicts and how its clips sound."""
    rows = [row for row in table.read(folder / "bits.csv") if row["split"] == "validation"]
    known = [(int(row["step"]), float(row["loss"])) for row in rows]
    candidates = [
        judgement.candidate(step, loss, losses.words(loss), judged) for step, loss in known
    ]
    return {"choice": choose(candidates, select.step), "ranking": curation.RULE}


def _previewed(folder: Path, judged: list[Judged]) -> dict[str, Any]:
    best = judgement.to_preview(judged, preview.CLIPS)
    preview.stitch([folder / one.clip["wav"] for one in best], folder / PREVIEW)
    return {"preview": {"file": PREVIEW, "clips": [one.place.rank for one in best]}}


def _sets(folder: Path, features: Features, judged: list[Judged]) -> dict[str, Any]:
    """Write how far each checkpoint's clips are from the recordings, as sets; return it as JSON."""
    points = [one.heard.features for one in judged]
    sets = checkpoint_sets.compare(features, [one.clip for one in judged], points)
    columns = (*checkpoint_sets.COLUMNS, checkpoint_sets.NULL)
    table.write(folder / "sets.csv", columns, checkpoint_sets.table_rows(sets))
    return sets


def _clips_judged(
    predicted: dict[str, Any], judged: list[Judged], listener: Listener
) -> dict[str, Any]:
    """Measure the best checkpoint's clips at the temperature nearest to 1."""
    nearest_to_1 = min((one.clip["temperature"] for one in judged), key=_far_from_learned)
    wanted = (predicted["best_step"], nearest_to_1)
    chosen = [
        one.heard.melody for one in judged if (one.clip["step"], one.clip["temperature"]) == wanted
    ]
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
    chosen = {"chosen_step": evaluation["choice"]["step"]}
    apart = {"gap_bits": evaluation.get("gap_bits"), "kernel_distance": _distance(evaluation)}
    counted: dict[str, Any] = evaluation["clips"]
    return figures | heard | chosen | counted | apart


def _distance(evaluation: dict[str, Any]) -> float | None:
    """Return how far the clips that are judged as melodies are from the recordings, as a set."""
    where = (evaluation["melody"]["step"], evaluation["melody"]["temperature"])
    rows = [r for r in evaluation["sets"]["steps"] if (r["step"], r["temperature"]) == where]
    return rows[0]["kernel_distance"] if rows else None
