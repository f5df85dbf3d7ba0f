"""A table of the user's that overrides or adds what is known of recordings."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rawtone.corpus import table
from rawtone.corpus.tracks import MEASURED
from rawtone.errors import UserError

KEYS = ("path", "id")
Row = Mapping[str, str]


def read(path: Path, key: str) -> list[dict[str, str]]:
    """Read a table of tags.

    Args:
        path: A CSV table with a column `path` or `id`, or both, and columns of any name.
        key: The setting that names it, for messages.

    Returns:
        Its rows, sorted by the recordings that they are of.

    Raises:
        UserError: it is no such table, says two things of one recording, or has a column that
            rawtone measures itself.
    """
    rows = table.read_foreign(path, key)
    columns = list(rows[0]) if rows else []
    if rows and not set(columns) & set(KEYS):
        raise UserError(
            f"{key}: {path}: expected a column path or id, found {', '.join(columns)}; "
            "data/tracks/<corpus>/tracks.csv has both"
        )
    for column in columns:
        if column in MEASURED:
            raise UserError(f"{key}: {path}: column '{column}' is rawtone's own; rename it")
    seen: set[tuple[str, str]] = set()
    for line, row in enumerate(rows, 2):
        which = _which(row)
        if not any(which):
            raise UserError(f"{key}: {path}: row {line} has neither path nor id; give it one")
        if which in seen:
            raise UserError(
                f"{key}: {path}: row {line} is the second of {' '.join(filter(None, which))}; "
                "keep one"
            )
        seen.add(which)
    return sorted(rows, key=_which)


def _which(row: Row) -> tuple[str, str]:
    return row.get("path", ""), row.get("id", "")


class Sidecar:
    """The rows of a table of tags, found by recording."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Begin with the rows that `read` gave."""
        self._by = {
            key: {row[key]: row for row in rows if row.get(key) and self._key(row) == key}
            for key in KEYS
        }
        self._unmet = {(key, name) for key, rows_of in self._by.items() for name in rows_of}

    @staticmethod
    def _key(row: Row) -> str:
        return "id" if row.get("id") else "path"

    def of(self, track: Row) -> dict[str, str]:
        """Return what the table says of a track, by column; empty cells say nothing.

        Args:
            track: Its row in the table of tracks, of which path and id are looked at.
        """
        said: dict[str, str] = {}
        for row in self._rows_of(track):
            said |= {c: value for c, value in row.items() if value and c not in KEYS}
        return said

    def _rows_of(self, track: Row) -> Iterator[Row]:
        for key in KEYS:  # what is said of an id, which is of one recording only, goes last
            name = track.get(key, "")
            if name in self._by[key]:
                self._unmet.discard((key, name))
                yield self._by[key][name]

    def unmet(self) -> list[str]:
        """Return the paths and ids that no track asked for had, sorted."""
        return sorted(name for _, name in self._unmet)
