"""The clips of each checkpoint, at each temperature, as a set beside the recordings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rawtone.evaluation.features import Features, Points
from rawtone.evaluation.sets import FIGURES

KEYS = ("step", "temperature")
COLUMNS = (*KEYS, "clips", "windows", *FIGURES)
# beside it, so that a plot can draw where the recordings end
NULL = "kernel_distance_null"


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
    """Yield the rows of sets.csv; in each the quantile of 95 % that the recordings have.

    Args:
        sets: what `compare` returned.
    """
    null = sets["null"].get("kernel_distance", {}).get("high")
    for row in sets["steps"]:
        told = row | {NULL: null}
        yield {name: "" if told[name] is None else str(told[name]) for name in (*COLUMNS, NULL)}
