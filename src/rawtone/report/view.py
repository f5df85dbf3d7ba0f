"""What the page says of an experiment: tables and JSON in, words and figures out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from rawtone.report.scores import Guess, Score, figure, guesses, headline, score
from rawtone.report.words import (
    counted,
    duration,
    known,
    melody_words,
    origin_words,
    temperature,
    temperature_figure,
    temperature_order,
    temperature_words,
)

Row = Mapping[str, str]


@dataclass(frozen=True)
class Published:
    """Everything an experiment has published so far; what is missing is empty."""

    config: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: Sequence[Mapping[str, Any]] = ()
    clips: Sequence[Mapping[str, Any]] = ()
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    bits: Sequence[Row] = ()
    melody: Sequence[Row] = ()
    history: Sequence[Row] = ()
    curves: Sequence[str] = ()


@dataclass(frozen=True)
class Clip:
    """One player with its pictures; paths relative to the page."""

    label: str
    seed: int
    seconds: str
    asset: str
    melody: str


@dataclass(frozen=True)
class Column:
    """The clips of one checkpoint, of one label where there are labels, at one temperature."""

    label: str
    temperature: str
    meaning: str
    clips: list[Clip]


@dataclass(frozen=True)
class Checkpoint:
    """One row of the grid of clips."""

    step: int
    predicts: str
    best: bool
    columns: list[Column]


@dataclass(frozen=True)
class Experiment:
    """A section of the page."""

    name: str
    preset: str
    corpus: str
    summary: str
    verdict: str
    score: Score
    headline: list[Guess]
    guesses: list[Guess]
    curves: list[tuple[str, str]]
    checkpoints: list[Checkpoint]
    facts: list[tuple[str, str]]
    settings: list[tuple[str, str]]


def asset(experiment: str, clip: Mapping[str, Any]) -> str:
    """Name the files of a clip within the page's folder, without their endings."""
    if "label" in clip or isinstance(clip["temperature"], str):
        wav = PurePosixPath(clip["wav"])
        return f"{experiment}/{wav.parent.name}-{wav.stem}"
    heat = f"{float(clip['temperature']):g}"
    return f"{experiment}/step-{int(clip['step']):08d}-t{heat}-s{int(clip['seed'])}"


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
    best = published.evaluation.get("best_step")
    measured = score(published.config)
    lines = guesses(measured, published.bits, published.evaluation)
    return Experiment(
        name=name,
        preset=preset,
        corpus=corpus,
        summary=_summary(published),
        verdict=str(published.evaluation.get("melody", {}).get("sentence", "")),
        score=measured,
        headline=headline(lines),
        guesses=lines,
        curves=[(file, _curve_words(published)) for file in published.curves],
        checkpoints=_checkpoints(name, published, best),
        facts=_facts(published),
        settings=[
            (path, value)
            for key in ("sample_rate", "model", "quantizer", "training")
            for path, value in _flat(key, published.config.get(key))
        ],
    )


def _checkpoints(name: str, published: Published, best: Any) -> list[Checkpoint]:
    """Order the grid newest first, so that the first player is what training led to."""
    heard = {_key(row): melody_words(row) for row in published.melody}
    measured = score(published.config)
    validated = [row for row in published.bits if row["split"] == "validation"]
    figures = {int(row["step"]): row[measured.column] for row in validated}
    noted = {int(c["step"]): c.get(f"validation_{measured.column}") for c in published.checkpoints}
    return [
        Checkpoint(
            step=step,
            predicts=f"{figure(measured, figures.get(step, noted.get(step)))} {measured.unit}",
            best=step == best,
            columns=_columns(name, [c for c in published.clips if c["step"] == step], heard),
        )
        for step in sorted({int(clip["step"]) for clip in published.clips}, reverse=True)
    ]


def _columns(
    name: str, clips: Sequence[Mapping[str, Any]], heard: Mapping[tuple[Any, ...], str]
) -> list[Column]:
    return [
        Column(
            label=label,
            temperature=temperature_figure(heat),
            meaning=temperature_words(heat),
            clips=[
                _clip(name, clip, heard.get(_key(clip), ""))
                for clip in sorted(clips, key=lambda clip: int(clip["seed"]))
                if (clip.get("label", ""), temperature(clip["temperature"])) == (label, heat)
            ],
        )
        for label, heat in sorted(
            {(clip.get("label", ""), temperature(clip["temperature"])) for clip in clips},
            key=lambda column: (column[0], temperature_order(column[1])),
        )
    ]


def _clip(name: str, clip: Mapping[str, Any], melody: str) -> Clip:
    told = f"{clip['label']}, " if "label" in clip else ""
    heat = temperature_figure(clip["temperature"])
    words = f"temperature {heat}, seed {clip['seed']}"
    label = f"step {clip['step']}, {told}{words}"
    return Clip(label, int(clip["seed"]), duration(clip.get("seconds")), asset(name, clip), melody)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    step, seed = (float(row[key]) for key in ("step", "seed"))
    return (row.get("label", ""), step, temperature(row["temperature"]), seed)


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
        **dict(_flat("", config.get("versions", {}))),
    }
    return [(key, str(value)) for key, value in known_facts.items() if value is not None]


def _flat(path: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            line
            for key, inner in value.items()
            for line in _flat(f"{path}.{key}" if path else str(key), inner)
        ]
    if value is None:
        return []
    if isinstance(value, list):
        return [(path, ", ".join(map(str, value)))]
    return [(path, str(value).lower() if isinstance(value, bool) else str(value))]
