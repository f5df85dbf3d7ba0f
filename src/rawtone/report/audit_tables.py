"""What the tables of a corpus tell, added up: hours by label, and what was left out."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rawtone.corpus.chunks import KEPT
from rawtone.report.words import known

Row = Mapping[str, str]

_ANOTHER = re.compile(r"(same \w+) as .*", re.DOTALL)
_WHOLE = ("left out: ", "not audio by its ending ")


@dataclass
class Label:
    """What is used of one label."""

    name: str
    tracks: set[str] = field(default_factory=set)
    chunks: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def total(self) -> float:
        """Seconds in all splits."""
        return sum(self.seconds.values())


@dataclass
class Reason:
    """What became of some recordings or chunks; seconds as far as known."""

    name: str
    count: int = 0
    seconds: float = 0.0


def by_label(chunks: Iterable[Row], sample_rate: int) -> list[Label]:
    """Add up what is used, by label; audio that two chunks share counts once.

    Args:
        chunks: rows of chunks.csv, in its order.
        sample_rate: of the corpus.

    Returns:
        The labels, those with most first.
    """
    found: dict[str, Label] = {}
    track, heard_to = "", 0
    for row in chunks:
        if row["status"] != KEPT:
            continue
        start = int(row["start"])
        stop = start + int(row["length"])
        heard_to = heard_to if row["track"] == track else 0
        label = found.setdefault(row["label"], Label(row["label"]))
        label.tracks.add(row["track"])
        label.chunks += 1
        label.seconds[row["split"]] += max(0, stop - max(start, heard_to)) / sample_rate
        track, heard_to = row["track"], max(stop, heard_to)
    return sorted(found.values(), key=lambda label: (-label.total, label.name))


def of_chunks(chunks: Iterable[Row], sample_rate: int) -> list[Reason]:
    """Count chunks by what became of them, the kept first; shared audio counts in each."""
    lengths = ((row["status"], int(row["length"]) / sample_rate) for row in chunks)
    return _counted(lengths, KEPT)


def of_recordings(files: Sequence[Row], tracks: Sequence[Row]) -> list[Reason]:
    """Count files by what became of them, the used first.

    Args:
        files: rows of files.csv.
        tracks: rows of tracks.csv.
    """
    rows = (*unused_files(files, tracks), *tracks)
    statuses = ((kind(row["status"]), known(row.get("seconds")) or 0.0) for row in rows)
    return _counted(statuses, "used")


def unused_files(files: Sequence[Row], tracks: Sequence[Row]) -> list[Row]:
    """Return the rows of files that were not taken and of which tracks.csv says nothing."""
    told = {(row.get("source"), row["path"]) for row in tracks}
    others = (row for row in files if row["status"] != "taken")
    return [row for row in others if (row.get("source"), row["path"]) not in told]


def remark(row: Row, tracks: Mapping[str, Row]) -> str:
    """Return what is to be said of a track that is used: what went wrong, and which it is like."""
    same = tracks.get(row.get("duplicate_of", ""))
    alike = f"sounds as {same['path']} does" if same else ""
    return "; ".join(filter(None, (row.get("remark", ""), alike)))


def kind(status: str) -> str:
    """Return what several files have in common of their reasons."""
    if another := _ANOTHER.fullmatch(status):
        return f"{another[1]} as another"
    return status if status.startswith(_WHOLE) else status.partition(":")[0]


def _counted(found: Iterable[tuple[str, float]], first: str) -> list[Reason]:
    reasons: dict[str, Reason] = {}
    for name, seconds in found:
        reason = reasons.setdefault(name, Reason(name))
        reason.count += 1
        reason.seconds += seconds
    return sorted(reasons.values(), key=lambda r: (r.name != first, -r.count, r.name))
