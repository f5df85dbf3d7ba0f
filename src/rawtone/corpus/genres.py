"""One spelling for every genre: "hip hop", "HipHop" and "Rap" are "hip-hop"."""

import csv
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from rawtone.corpus import table
from rawtone.errors import UserError

COLUMNS = ("spelling", "genre")


def shipped() -> dict[str, str]:
    """Return rawtone's own table: genres by spelling."""
    text = resources.files("rawtone.corpus").joinpath("genres.csv").read_text(encoding="utf-8")
    return {row["spelling"]: row["genre"] for row in csv.DictReader(text.splitlines())}


def read(path: Path, key: str) -> dict[str, str]:
    """Read a table of the user's.

    Args:
        path: A CSV table with the columns spelling and genre.
        key: The setting that names it, for messages.

    Returns:
        Genres by spelling.

    Raises:
        UserError: it is no such table, or one spelling stands for two genres.
    """
    rows = table.read_foreign(path, key)
    if rows and not set(COLUMNS) <= set(rows[0]):
        raise UserError(
            f"{key}: {path}: expected the columns spelling and genre, found {', '.join(rows[0])}"
        )
    found: dict[str, str] = {}
    for row in rows:
        known = found.setdefault(row["spelling"], row["genre"])
        if known != row["genre"]:
            raise UserError(
                f"{key}: {path}: '{row['spelling']}' is both {known} and {row['genre']}; keep one"
            )
    return found


class Spellings:
    """Genres by spelling, in which case, blanks and hyphens do not count."""

    def __init__(self, genres: Mapping[str, str]) -> None:
        """Begin with a table; a genre is a spelling of itself."""
        own = {_bare(genre): genre for genre in genres.values()}
        self._genres = own | {_bare(spelling): genre for spelling, genre in genres.items()}

    def of(self, genre: str) -> str:
        """Return the one spelling of a genre; one that the table does not know stays as it is."""
        return self._genres.get(_bare(genre), genre)


def _bare(genre: str) -> str:
    return "".join(_letters(genre.casefold()))


def _letters(text: str) -> Iterable[str]:
    return (letter for letter in text if not letter.isspace() and letter not in "-_.")
