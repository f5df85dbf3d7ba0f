"""What was found out of files, remembered for as long as they look untouched.

Size, time of modification and inode are hints, and hints are of this machine: they lie outside of
all that is versioned. Where one fails, or there is none, the file is read again.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rawtone.corpus.shards import Shards


class Remembered:
    """Findings about files whose names begin with a track's id; for use from several threads.

    Args:
        folder: Where they are remembered.
        depends_on: What the findings depend on besides the files, as JSON; findings that were made
            with another are not believed.
    """

    def __init__(self, folder: Path, depends_on: Any = None) -> None:
        """Begin with what is in the folder."""
        self._known = Shards(folder)
        self._depends_on = depends_on

    def get(self, file: Path) -> Any:
        """Return what is known of a file, which has to be there; None if nothing is."""
        known = self._known.get(file.name)
        agrees = isinstance(known, dict) and known.get("stamp") == self._stamp(file)
        return known.get("found") if agrees else None

    def of(self, file: Path, find: Callable[[Path], Any]) -> Any:
        """Return what is known of a file, or find it out and remember it.

        Args:
            file: The file, which has to be there.
            find: Finds it out, never None.
        """
        found = self.get(file)
        if found is None:
            found = find(file)
            self.note(file, found)
        return found

    def note(self, file: Path, found: Any) -> None:
        """Remember what was found out of a file, as JSON can hold it."""
        self._known.put(file.name, {"stamp": self._stamp(file), "found": found})

    def keep(self, wanted: Iterable[str]) -> None:
        """Save what is known of files of these names, and forget the others."""
        self._known.keep(wanted)

    def save(self) -> None:
        """Save what is known."""
        self._known.save()

    def _stamp(self, file: Path) -> list[Any]:
        status = file.stat()
        return [status.st_size, status.st_mtime_ns, status.st_ino, self._depends_on]
