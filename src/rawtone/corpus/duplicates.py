"""Recordings that are in a corpus twice: the same samples, or the same music encoded otherwise."""

from collections.abc import Sequence
from typing import Literal

from rawtone.audio import chromaprint

Drop = Literal["none", "exact", "near"]
Row = dict[str, str]


def mark(rows: Sequence[Row], drop: Drop) -> list[Row]:
    """Find out which tracks are there already, and drop those that are not wanted twice.

    Dropped in both cases, one recording could not be learned from and held out at the same time.

    Args:
        rows: Of the table of tracks, those in use with the column `file`; and in `fingerprint` what
            `chromaprint.words` reads. Of two that are the same, the second counts as the duplicate.
        drop: Which to drop: "exact" drops those of the same samples, "near" also those of the same
            music.

    Returns:
        The rows. One that is dropped has no file, and its status says why; one that is not has the
        id of the first in `duplicate_of`.
    """
    marked = _same_samples(rows, drop != "none")
    return _same_music(marked, drop == "near")


def _same_samples(rows: Sequence[Row], drop: bool) -> list[Row]:
    first: dict[str, Row] = {}
    marked = []
    for row in rows:
        known = first.setdefault(row["pcm_sha256"], row) if row["file"] else row
        marked.append(row if known is row else _marked(row, known, "audio", drop))
    return marked


def _same_music(rows: Sequence[Row], drop: bool) -> list[Row]:
    single = {row["id"]: row for row in rows if row["file"] and not row.get("duplicate_of")}
    prints = {key: chromaprint.words(row.get("fingerprint", "")) for key, row in single.items()}
    first: dict[str, str] = {}
    for earlier, later in chromaprint.alike(prints):
        first.setdefault(later, first.get(earlier, earlier))
    marks = {
        key: _marked(single[key], single[known], "recording", drop) for key, known in first.items()
    }
    return [marks.get(row["id"], row) if row["file"] else row for row in rows]


def _marked(row: Row, known: Row, what: str, drop: bool) -> Row:
    if drop:
        return row | {"file": "", "status": f"same {what} as {known['path']}"}
    return row | {"duplicate_of": known["id"]}
