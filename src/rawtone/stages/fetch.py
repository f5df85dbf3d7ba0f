"""fetch: sources -> one file for each distinct recording, and a table of all that was found."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rawtone import files
from rawtone.corpus import table
from rawtone.corpus.sources import FILES, File, stored_name, walk
from rawtone.errors import UserError
from rawtone.stages import layout

TAKEN, UNREADABLE = "taken", "cannot be read"
COLUMNS = ("id", "file", "source", "path", "size", "sha256", "licence", "status")

_log = logging.getLogger("rawtone")


@dataclass(frozen=True)
class _Found:
    source: str
    path: str
    place: Path | None
    size: int
    sha256: str
    licence: str
    ending_against: str


def run(name: str) -> None:
    """Fetch the recordings of a corpus; what is there already is not copied again.

    Args:
        name: The corpus.

    Raises:
        UserError: a recording is gone or changes while it is copied.
    """
    settings = layout.read_settings("fetch", name)
    folder = layout.raw(name)
    folder.mkdir(parents=True, exist_ok=True)
    with _rendered(settings["sources"]) as rendered:
        found = [f for source in settings["sources"] for f in _find(source, rendered)]
        rows = _rows(found)
        for row, file in zip(rows, tqdm(found, "fetch", disable=None), strict=True):
            if row["status"] == TAKEN:
                _take(file, folder / str(row["file"]))
    table.write(folder / FILES, COLUMNS, rows)
    _tidy(folder, {FILES, *(str(row["file"]) for row in rows if row["status"] == TAKEN)})
    _report(rows)


@contextmanager
def _rendered(sources: Sequence[dict[str, Any]]) -> Iterator[Path]:
    """Give a folder in which each built-in demo in use has a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="rawtone-") as temporary:
        for demo in sorted({source["demo"] for source in sources if "demo" in source}):
            from rawtone.corpus.demo.write import write_demo, write_sine

            folder = Path(temporary, demo)
            folder.mkdir()
            if demo == "music":
                write_demo(folder)
            else:
                write_sine(folder / "sine.wav")
        yield Path(temporary)


def _find(source: dict[str, Any], rendered: Path) -> Iterator[_Found]:
    if "demo" in source:
        label = f"demo:{source['demo']}"
        for file in walk(rendered / source["demo"]):
            size, sha256 = file.place.stat().st_size, files.sha256(file.place)
            yield _Found(label, file.shown, file.place, size, sha256, "public domain", "")
        return
    label = source["folder"]
    folder = Path(label).expanduser()
    here = {file.shown: file for file in (walk(folder) if folder.exists() else [])}
    for listed in source["files"]:
        place = here[listed["path"]].place if listed["path"] in here else None
        yield _Found(label, listed["path"], place, listed["size"], listed["sha256"], "", "")
    for file in here.values():
        if not file.may_be_audio:
            yield _not_audio(label, file)


def _not_audio(label: str, file: File) -> _Found:
    return _Found(label, file.shown, file.place, 0, "", "", file.ending)


def _rows(found: Sequence[_Found]) -> list[dict[str, str | int]]:
    taken: dict[str, str] = {}
    rows: list[dict[str, str | int]] = []
    for file in found:
        row: dict[str, str | int] = {"source": file.source, "path": file.path}
        row["status"] = _status(file, taken)
        if not file.ending_against:
            row |= {"size": file.size, "sha256": file.sha256, "id": file.sha256[:12]}
        if row["status"] == TAKEN:
            taken[file.sha256] = file.path
            row |= {"file": stored_name(file.sha256, file.path), "licence": file.licence}
        rows.append(row)
    return rows


def _status(file: _Found, taken: dict[str, str]) -> str:
    if file.ending_against:
        return f"not audio by its ending {file.ending_against}"
    if not file.sha256:
        return UNREADABLE
    return f"same bytes as {taken[file.sha256]}" if file.sha256 in taken else TAKEN


def _take(file: _Found, destination: Path) -> None:
    if destination.exists() and files.sha256(destination) == file.sha256:
        return
    if file.place is None:
        raise UserError(f"{file.source}: {file.path} is gone; put it back, or run again without it")
    with files.atomic(destination) as temporary:
        shutil.copyfile(file.place, temporary)
        if files.sha256(temporary) != file.sha256:
            raise UserError(f"{file.source}: {file.path} changed while it was copied; run again")


def _tidy(folder: Path, wanted: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in wanted and path.is_file():
            path.unlink()


def _report(rows: Sequence[dict[str, str | int]]) -> None:
    taken = sum(row["status"] == TAKEN for row in rows)
    _log.info("fetched %d of %d files", taken, len(rows))
    for row in rows:
        if row["status"] != TAKEN:
            level = logging.WARNING if row["status"] == UNREADABLE else logging.INFO
            _log.log(level, "%s: %s", row["path"], row["status"])
