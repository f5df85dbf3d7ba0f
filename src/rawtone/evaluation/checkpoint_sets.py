"""The clips of each checkpoint, at each temperature, as a set beside the recordings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rawtone.evaluation.features import Features, Points
from rawtone.evaluation.sets import FIGURES

KEYS = ("step", "temperature")
COLUMNS = (*KEYS, "clips", "windows", *FIGURES)


def compare(
    features: Features, clips: Sequence[Mapping[str, Any]], heard: Sequence[Points]
) -> dict[str, Any]:
    """Measure the sets of an experiment.

    Args:
        features: of its corpus.
        clips: rows of clips.json.
        heard: what was heard in each: float32 [seconds, dimensions].

    Returns:
        JSON: `steps`, a row with `COLUMNS` for each checkpoint and temperature, in the order of
        their first clips, labels together; and `null`, what sets of as many seconds (as the
        smallest of them has) would have if they were training recordings.
    """
    sets: dict[tuple[Any, ...], list[Points]] = {}
    for clip, points in zip(clips, heard, strict=True):
        sets.setdefault(tuple(clip[key] for key in KEYS), []).append(points)
    rows = [
        dict(zip(KEYS, where, strict=True)) | features.compare(points)
        for where, points in sets.items()
    ]
    return {"steps": rows, "null": features.null(min(row["windows"] for row in rows))}


def table_rows(sets: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the rows of sets.csv.

    Args:
        sets: what `compare` returned.
    """
    for row in sets["steps"]:
        yield {name: "" if row[name] is None else str(row[name]) for name in COLUMNS}
