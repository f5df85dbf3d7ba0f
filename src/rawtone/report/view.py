"""What the page says of an experiment: tables and JSON in, words and figures out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rawtone.report.choice import Choice, choice
from rawtone.report.clips import Clip, clips, summary
from rawtone.report.differences import flat, settings
from rawtone.report.scores import (
    Guess,
    Score,
    figure,
    gap_words,
    guesses,
    headline,
    score,
    splits,
)
from rawtone.report.sets import Sets, sets
from rawtone.report.words import counted, duration, known, origin_words

Row = Mapping[str, str]


@dataclass(frozen=True)
class Published:
    """Everything an experiment has published so far; what is missing is empty.

    `curves`, `files` and `preview` are paths within the page's folder; `peaks` are those of each
    clip, by its asset.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: Sequence[Mapping[str, Any]] = ()
    clips: Sequence[Mapping[str, Any]] = ()
    judged: Sequence[Row] = ()
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    bits: Sequence[Row] = ()
    melody: Sequence[Row] = ()
    history: Sequence[Row] = ()
    curves: Sequence[str] = ()
    peaks: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[str] = ()
    preview: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that has clips."""

    step: int
    predicts: str
    best: bool


@dataclass(frozen=True)
class Experiment:
    """A section of the page."""

    name: str
    preset: str
    corpus: str
    summary: str
    verdict: str
    choice: Choice | None
    preview: str
    previewed: str
    score: Score
    headline: list[Guess]
    guesses: list[Guess]
    splits: list[str]
    gap: str
    sets: Sets | None
    curves: list[tuple[str, str]]
    checkpoints: list[Checkpoint]
    clips: list[Clip]
    clips_summary: str
    facts: list[tuple[str, str]]
    settings: dict[str, str]
    files: list[str]


def experiment(name: str, preset: str, corpus: str, published: Published) -> Experiment:
    """Put an experiment into words.

    Args:
        name: its name in params.yaml.
        preset: the preset that it starts from.
        corpus: the corpus that it learns from.
        published: what its stages have written so far.

    Returns:
        The section of the page, complete even where results are missing.
    """
    evaluation = published.evaluation
    measured = score(published.config)
    lines = guesses(measured, published.bits, evaluation)
    found = clips(name, published.clips, published.judged, published.melody, published.peaks)
    return Experiment(
        name=name,
        preset=preset,
        corpus=corpus,
        summary=_summary(published),
        verdict=str(evaluation.get("melody", {}).get("sentence", "")),
        choice=choice(evaluation),
        preview=published.preview,
        previewed=_previewed(evaluation),
        score=measured,
        headline=headline(lines),
        guesses=lines,
        splits=splits(lines),
        gap=gap_words(measured, evaluation),
        sets=sets(evaluation),
        curves=[(file, _curve_words(published)) for file in published.curves],
        checkpoints=_checkpoints(published),
        clips=found,
        clips_summary=summary(found),
        facts=_facts(published),
        settings=settings(published.config),
        files=list(published.files),
    )


def _previewed(evaluation: Mapping[str, Any]) -> str:
    ranks = evaluation.get("preview", {}).get("clips", [])
    return f"The best {counted(len(ranks), 'clip')} in a row" if ranks else "The best in a row"


def _checkpoints(published: Published) -> list[Checkpoint]:
    """Order checkpoints newest first, so that the first clip is what training led to."""
    measured = score(published.config)
    best = published.evaluation.get("best_step")
    validated = [row for row in published.bits if row["split"] == "validation"]
    figures = {int(row["step"]): row[measured.column] for row in validated}
    noted = {int(c["step"]): c.get(f"validation_{measured.column}") for c in published.checkpoints}
    return [
        Checkpoint(
            step=step,
            predicts=f"{figure(measured, figures.get(step, noted.get(step)))} {measured.unit}",
            best=step == best,
        )
        for step in sorted({int(clip["step"]) for clip in published.clips}, reverse=True)
    ]


def _summary(published: Published) -> str:
    config = published.config
    if not config:
        return "Not trained yet."
    model, rate = config.get("model", {}), config.get("sample_rate")
    words = [f"A {model.get('family', 'model')} of {config.get('parameters', 0):,} parameters"]
    if rate and config.get("receptive_field"):
        words.append(f"that hears the last {duration(config['receptive_field'] / rate)}")
        words.append(f"and makes {rate:,} samples a second")
    steps = [int(row["step"]) for row in published.history]
    trained = f"Trained for {counted(max(steps), 'step')}" if steps else ""
    back = sum(bool(row["restart"]) for row in published.history)
    if trained and back:
        trained += f", going back {counted(back, 'time')} where the loss exploded"
    sentences = [" ".join(words), trained, _began(published)]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _began(published: Published) -> str:
    words = origin_words(published.config.get("origin"))
    return f"Began from {words}" if words else ""


def _curve_words(published: Published) -> str:
    history, began = published.history, _began(published)
    measured = score(published.config)
    what, column = measured.curve, measured.column
    points = [(row["step"], v) for row in history if (v := known(row[column])) is not None]
    if not points:
        return f"{what}."
    (first, start), (last, end) = points[0], points[-1]
    back = [row["step"] for row in history if row["restart"]]
    again = f" It went back before step {', '.join(back)}." if back else ""
    words = f"{what}: {figure(measured, start)} at step {first}, {figure(measured, end)} "
    words += f"at step {last}.{again}"
    return f"{words} {began}." if began else words


def _facts(published: Published) -> list[tuple[str, str]]:
    config = published.config
    seeds = sorted({int(clip["seed"]) for clip in published.clips})
    known_facts = {
        "run": config.get("run"),
        "began from": origin_words(config.get("origin")) or None,
        "code version": config.get("code_version"),
        "seed of the training": config.get("training", {}).get("seed"),
        "labels": ", ".join(config.get("labels", [])) or None,
        "seeds of the clips": ", ".join(map(str, seeds)) or None,
        "computed on": ", ".join(config.get("devices", [])) or None,
        "backend": config.get("backend"),
        "threads": config.get("threads"),
        **dict(flat("", config.get("versions", {}))),
        **{
            f"weights of step {int(checkpoint['step']):,}, sha256": checkpoint.get("sha256")
            for checkpoint in published.checkpoints
        },
    }
    return [(key, str(value)) for key, value in known_facts.items() if value is not None]
