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
    "diversity": ("diversity", "how much clips differ from each other; recordings: 1"),
    "variety": ("variety", "how much each clip changes within itself; recordings: 1"),
}
_RECORDINGS = "the recordings themselves"


@dataclass(frozen=True)
class SetLine:
    """The clips of one checkpoint at one temperature, or what recordings themselves reach."""

    name: str
    clips: str
    figures: list[str]
    intervals: list[str]


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
    lines = [_line(_name(row), row, keys) for row in rows]
    if any(key in found.get("null", {}) for key in keys):
        lines.append(_line(_RECORDINGS, found["null"], keys))
    return Sets([_MEASURES[key] for key in keys], lines)


def _line(name: str, row: Mapping[str, Any], keys: Sequence[str]) -> SetLine:
    """Write figures, and where chance decides them, between which most of its draws lie."""
    values = [row.get(key) for key in keys]
    spread = [value if isinstance(value, Mapping) else {"mean": value} for value in values]
    return SetLine(
        name=name,
        clips=str(row.get("clips", "")),
        figures=[number(value.get("mean"), 3) for value in spread],
        intervals=[
            f"{number(value['low'], 3)} to {number(value['high'], 3)}" if "high" in value else ""
            for value in spread
        ],
    )


def _name(row: Mapping[str, Any]) -> str:
    words = f"step {int(row['step']):,}"
    if row.get("temperature") in (None, ""):
        return words
    return f"{words}, temperature {temperature_figure(temperature(row['temperature']))}"
