"""What a source that is not a folder was found to hold, kept where it outlives the source."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rawtone import files

LISTS = "sources.json"  # beside the recordings of a corpus; versioned with them


@dataclass(frozen=True)
class Entry:
    """A recording, or why it is none.

    Attributes:
        path: What it is called within its source, on one line.
        size: Bytes.
        sha256: Checksum of its bytes; empty where there are none.
        status: Why it is not used; empty where nothing speaks against it.
        url: Where it can be had, if it has an address of its own.
        title: Its title, as the page says.
        uploader: Who put it there, as the page says.
        licence: Its licence, as the page says.
        published: The day on which it was published or, in an archive, last changed: 2026-11-21.
        fetched: The day on which it came; only where that is kept for good with its bytes.
    """

    path: str
    size: int = 0
    sha256: str = ""
    status: str = ""
    url: str = ""
    title: str = ""
    uploader: str = ""
    licence: str = ""
    published: str = ""
    fetched: str = ""


Lists = dict[str, list[Entry]]


def read(path: Path) -> Lists:
    """Read lists of entries by key; one that is missing or damaged is as good as none."""
    try:
        known = json.loads(path.read_text())
        return {key: [Entry(**entry) for entry in entries] for key, entries in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(path: Path, lists: Lists) -> None:
    """Write lists of entries, the same bytes for the same entries."""
    content = {key: [as_json(entry) for entry in entries] for key, entries in lists.items()}
    files.write_if_changed(path, files.canonical_json(content))


def as_json(entry: Entry) -> dict[str, str | int]:
    """Return what is known of an entry, without what is not."""
    return {key: value for key, value in asdict(entry).items() if value}


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Sort entries so that their order tells nothing of how they were found."""
    return sorted(entries, key=lambda entry: (entry.path, entry.sha256, entry.url))
