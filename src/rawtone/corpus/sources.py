"""What lies in a folder of recordings: which files, of which bytes."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rawtone import files
from rawtone.corpus.workers import in_parallel
from rawtone.errors import UserError

FILES = "files.csv"  # the table of what was fetched
_READ_AT_ONCE = 8  # each waits for the disk; together they wait little longer than one

_NEVER_AUDIO = """
.jpg .jpeg .png .gif .webp .bmp .tif .tiff .svg .ico .psd .pdf
.txt .md .rst .rtf .htm .html .nfo .log .cue .lrc .doc .docx .odt .xls .xlsx .ods
.m3u .m3u8 .pls .xspf .wpl .csv .tsv .json .xml .yaml .yml .toml .ini .db .py .sh
.zip .gz .bz2 .xz .7z .rar .tar .sfv .md5 .sha256 .ffp .accurip .url .lnk
.mid .midi .kar .als .asd .flp .logicx .ptx .rpp .srt .sub
"""
NEVER_AUDIO = frozenset(_NEVER_AUDIO.split())


@dataclass(frozen=True)
class File:
    r"""A file of a source.

    Attributes:
        shown: Its path within the source, with /, on one line and in UTF-8: what is neither is
            written as in Python (`\n`, `\xff`).
        place: Where it really lies.
        is_folder: Whether it is a folder that cannot be read, which stands for the files in it.
    """

    shown: str
    place: Path
    is_folder: bool = False

    @property
    def ending(self) -> str:
        """The ending of its name, in lower case, with the dot."""
        return self.place.suffix.lower()

    @property
    def may_be_audio(self) -> bool:
        """Whether its ending does not speak against it."""
        return self.is_folder or self.ending not in NEVER_AUDIO


def shown(path: str) -> str:
    r"""Write a path on one line and in UTF-8; what is neither as in Python (`\n`, `\xff`)."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def walk(folder: Path) -> list[File]:
    """Find all files of a folder at any depth.

    Links are followed, but no folder is entered twice, so that a link to a parent ends. What is
    hidden (its name, or that of a folder on the way, begins with a dot) is passed over.

    Args:
        folder: Where to look.

    Returns:
        The files, sorted by their paths as shown. A folder in it that cannot be read is one of
        them; its path ends with /.

    Raises:
        UserError: the folder itself cannot be read.
    """
    try:
        with os.scandir(folder):
            return sorted(_walk(folder), key=lambda file: file.shown)
    except OSError as error:
        where = shown(str(error.filename))
        raise UserError(f"{where}: cannot be read ({error.strerror})") from None


def _walk(folder: Path) -> Iterator[File]:
    entered: set[tuple[int, int]] = set()
    closed: list[OSError] = []
    for root, folders, names in os.walk(folder, onerror=closed.append, followlinks=True):
        status = Path(root).stat()
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        # Sorted, so that of two ways to one folder the same is taken on every machine.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            place = Path(root, name)
            if not name.startswith(".") and _is_regular_or_broken(place):
                yield File(shown(place.relative_to(folder).as_posix()), place)
    for error in closed:
        place = Path(error.filename)
        yield File(shown(place.relative_to(folder).as_posix()) + "/", place, is_folder=True)


def _is_regular_or_broken(place: Path) -> bool:
    # Of os.path, since a Path raises an error where a folder may be listed and not entered.
    return os.path.isfile(place) or not os.path.exists(place)  # noqa: PTH110, PTH113


class Checksums:
    """SHA-256 of files, remembered as long as size and time of modification stay the same."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known = self._load()
        self._asked: dict[str, list[Any]] = {}

    def _load(self) -> dict[str, list[Any]]:
        try:
            known = json.loads(self._cache.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def knows(self, path: Path) -> bool:
        """Tell whether a file, which need not be there, looks as it did when it was read."""
        try:
            return self._known.get(str(path.absolute()), [])[:2] == _stamp(path)
        except OSError:
            return False

    def of(self, path: Path) -> str:
        """Return the checksum of a file; may be called from several threads.

        Raises:
            OSError: it cannot be read.
        """
        key, stamp = str(path.absolute()), _stamp(path)
        known = self._known.get(key, [])
        sha256 = known[2] if known[:2] == stamp else files.sha256(path)
        self._asked[key] = self._known[key] = [*stamp, sha256]
        return str(sha256)

    def forget_others(self) -> None:
        """Forget all that was not asked for."""
        self._known = self._asked

    def save(self) -> None:
        """Keep what is known."""
        files.write_if_changed(self._cache, files.canonical_json(self._known))


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def listing(folder: Path, checksums: Checksums) -> list[dict[str, Any]]:
    """List what may be audio in a folder, by content.

    Args:
        folder: Where to look, at any depth.
        checksums: Where checksums come from.

    Returns:
        path (as shown), size in bytes and sha256 of each, sorted by path. What cannot be read, a
        folder too, has size 0 and no sha256.
    """
    found = [file for file in walk(folder) if file.may_be_audio]
    new = [file for file in found if not checksums.knows(file.place)]
    for _ in in_parallel(partial(_listed, checksums=checksums), new, "listing", _READ_AT_ONCE):
        pass  # now they are known
    return [_listed(file, checksums) for file in found]


def _listed(file: File, checksums: Checksums) -> dict[str, Any]:
    try:
        size, sha256 = file.place.stat().st_size, checksums.of(file.place)
    except OSError:
        size, sha256 = 0, ""
    return {"path": file.shown, "size": size, "sha256": sha256}


def stored_name(sha256: str, shown: str) -> str:
    """Name a recording on our disk: its id, and its ending if that is harmless.

    Args:
        sha256: Checksum of its bytes; the first 12 digits are its id.
        shown: Its path in its source.
    """
    ending = Path(shown).suffix.lower()
    harmless = re.fullmatch(r"\.[a-z0-9]{1,8}", ending)
    return sha256[:12] + (ending if harmless else "")
