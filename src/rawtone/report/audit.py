"""What the page says of a corpus: what was taken, what was left out, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rawtone.report.audit_tables import unused_files
from rawtone.report.words import counted, duration, known, number

Row = Mapping[str, str]

SPLITS = {
    "train": "learned from",
    "validation": "held out while training (validation)",
    "test": "never touched (test)",
}

MOST_ROWS = 100  # of a list; the tables have all of them
_ID_LENGTH = 12


@dataclass(frozen=True)
class Prepared:
    """The tables of a corpus so far; what is missing is empty."""

    files: Sequence[Row] = ()
    tracks: Sequence[Row] = ()
    chunks: Sequence[Row] = ()
    totals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """One part of the corpus."""

    meaning: str
    tracks: str
    minutes: str
    chunks: str


@dataclass(frozen=True)
class Recording:
    """One recording that was used."""

    title: str
    details: str
    length: str


@dataclass(frozen=True)
class Corpus:
    """A section of the page."""

    name: str
    summary: str
    splits: list[Split]
    dropped: list[tuple[str, int]]
    notes: list[str]
    unused: list[tuple[str, str]]
    unused_in_all: int
    recordings: list[Recording]
    recordings_in_all: int


def corpus(name: str, prepared: Prepared) -> Corpus:
    """Put a corpus into words.

    Args:
        name: its name in params.yaml.
        prepared: what its stages have written so far.

    Returns:
        The section of the page, complete even where tables are missing.
    """
    totals = prepared.totals
    used = [row for row in prepared.tracks if row["status"] == "used"]
    unused = _unused(prepared)
    return Corpus(
        name=name,
        summary=_summary(used, totals),
        splits=[_split(key, totals) for key in SPLITS if key in totals.get("seconds", {})],
        dropped=sorted(totals.get("dropped", {}).items()),
        notes=[_with_titles(str(note), used) for note in totals.get("notes", [])],
        unused=unused[:MOST_ROWS],
        unused_in_all=len(unused),
        recordings=[_recording(row) for row in used[:MOST_ROWS]],
        recordings_in_all=len(used),
    )


def _summary(used: Sequence[Row], totals: Mapping[str, Any]) -> str:
    if not used:
        return "No recordings prepared yet."
    length = sum(known(row["seconds"]) or 0 for row in used)
    words = f"{counted(len(used), 'recording')}, {duration(length)} in all"
    if "sample_rate" in totals:
        channels = "stereo" if totals.get("channels") == 2 else "mono"
        words += f", as {channels} at {totals['sample_rate']:,} samples a second"
    return words + "."


def _split(key: str, totals: Mapping[str, Any]) -> Split:
    return Split(
        meaning=SPLITS[key],
        tracks=number(totals.get("tracks", {}).get(key), 0),
        minutes=number((totals["seconds"][key] or 0) / 60),
        chunks=number(totals.get("chunks", {}).get(key), 0),
    )


def _with_titles(note: str, used: Sequence[Row]) -> str:
    """Call recordings by their titles, where a note calls them by their ids."""
    for row in used:
        if len(row["id"]) == _ID_LENGTH:
            note = note.replace(row["id"], f"“{_title(row)}”")
    return note[:1].upper() + note[1:]


def titles(tracks: Sequence[Row]) -> dict[str, str]:
    """Return what to call tracks, by their ids."""
    return {row["id"]: _title(row) for row in tracks}


def _title(row: Row) -> str:
    return row["title"] or row["path"] or row["id"]


def _unused(prepared: Prepared) -> list[tuple[str, str]]:
    rows = unused_files(prepared.files, prepared.tracks)
    rows += [row for row in prepared.tracks if row["status"] != "used"]
    return sorted((row["path"] or row["file"], row["status"]) for row in rows)


def _recording(row: Row) -> Recording:
    parts = (row["artist"], row["album"], row["genre"], row["year"], row["licence"])
    return Recording(
        title=_title(row),
        details=" · ".join(part for part in parts if part),
        length=duration(row["seconds"]),
    )
