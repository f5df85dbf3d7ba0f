"""How the clips of a checkpoint, taken together, compare with the recordings: a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rawtone.report.words import known, number, temperature, temperature_figure

_MEASURES = {
    "kernel_distance": ("distance", "kernel distance of sounds: less is better"),
    "frechet_distance": ("Fréchet distance", "another distance of sounds: less is better"),
    "precision": ("precision", "share of the clips that could be from the recordings"),
    "recall": ("recall", "share of the recordings that the clips cover"),
    "density": ("density", "how close the clips lie to the recordings"),
    "coverage": ("coverage", "share of the recordings with a clip nearby"),
    "diversity": ("diversity", "how different clips are from each other; as the recordings: 1"),
}
_RECORDINGS = "the recordings themselves"


@dataclass(frozen=True)
class SetLine:
    """The clips of one checkpoint at one temperature, or what recordings themselves reach."""

    name: str
    clips: str
    figures: list[str]


@dataclass(frozen=True)
class Sets:
    """A table: what is measured with an explanation of each, and a line for each set."""

    measures: list[tuple[str, str]]
    lines: list[SetLine]


def sets(evaluation: Mapping[str, Any]) -> Sets | None:
    """Return the table, or nothing where sets were not compared.

    Args:
        evaluation: as evaluation.json has it.
    """
    found = evaluation.get("sets", {})
    rows: Sequence[Mapping[str, Any]] = found.get("steps", [])
    keys = [key for key in _MEASURES if any(known(row.get(key)) is not None for row in rows)]
    if not keys:
        return None
    lines = [SetLine(_name(row), str(row.get("clips", "")), _figures(row, keys)) for row in rows]
    null = {key: _middle(value) for key, value in found.get("null", {}).items()}
    if any(known(null.get(key)) is not None for key in keys):
        lines.append(SetLine(_RECORDINGS, "", _figures(null, keys)))
    return Sets([_MEASURES[key] for key in keys], lines)


def _name(row: Mapping[str, Any]) -> str:
    words = f"step {int(row['step']):,}"
    if row.get("temperature") in (None, ""):
        return words
    return f"{words}, temperature {temperature_figure(temperature(row['temperature']))}"


def _figures(row: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    return [number(row.get(key), 3) for key in keys]


def _middle(value: Any) -> Any:
    """Take the middle of what chance gives, where it is told as a distribution."""
    return value.get("mean", value.get("median")) if isinstance(value, Mapping) else value
