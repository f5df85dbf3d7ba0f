"""fetch: sources -> one file for each distinct recording, and a table of all that was found."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rawtone import files
from rawtone.corpus import findings, table
from rawtone.corpus.downloads import Downloads
from rawtone.corpus.entries import LISTS, Entry
from rawtone.corpus.remembered import Remembered
from rawtone.corpus.sources import FILES, File, stored_name, walk
from rawtone.corpus.workers import in_parallel
from rawtone.errors import UserError
from rawtone.stages import layout

TAKEN, UNREADABLE, LOST = "taken", "cannot be read", "cannot be fetched"
TOLD = ("url", "title", "uploader", "published", "fetched")  # by what a source has an address for
COLUMNS = ("id", "file", "source", "path", "size", "sha256", "licence", "status", *TOLD)

_COPIES_AT_ONCE = 8  # each waits for the disk; together they wait little longer than one
Row = dict[str, str | int]

_log = logging.getLogger("rawtone")


@dataclass(frozen=True)
class _Found:
    source: str
    entry: Entry
    place: Path | None
    source_is_here: bool = False


class _LostError(Exception):
    """A recording that was listed cannot be copied, for the reason in the message."""


def run(name: str) -> None:
    """Fetch the recordings of a corpus; what is there already is not fetched again.

    Args:
        name: The corpus.

    Raises:
        UserError: a source cannot be fetched, or is gone; all others are there then. Or the corpus
            is strict and a recording cannot be had.
    """
    settings = layout.read_settings("fetch", name)
    store = findings.Store(layout.raw(name), Downloads(layout.downloads()))
    store.folder.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    found: list[_Found] = []
    with _rendered(settings["sources"]) as rendered:
        for source in settings["sources"]:
            with _noted(failures):
                found += _find(source, rendered, store)
        rows = _take_all(name, found, failures)
    _check(name, failures, rows, settings.get("strict", False))
    table.write(store.folder / FILES, COLUMNS, rows)
    findings.forget(store, [source for source in settings["sources"] if _has_address(source)])
    _tidy(store.folder, {FILES, LISTS, *(str(r["file"]) for r in rows if r["status"] == TAKEN)})
    _report(rows)


@contextmanager
def _noted(failures: list[str]) -> Iterator[None]:
    """Let no source spoil the others: its failure waits until they are fetched."""
    try:
        yield
    except UserError as error:
        failures.append(str(error))


def _check(name: str, failures: Sequence[str], rows: Sequence[Row], strict: bool) -> None:
    if failures:
        for failure in failures[1:]:
            _log.error("%s", failure)
        more = f" (and {len(failures) - 1} more, see above)" if len(failures) > 1 else ""
        raise UserError(
            f"{failures[0]}{more}; corpus '{name}' has all else, and goes on from there"
        )
    lost = [row for row in rows if is_lost(str(row["status"]))]
    if strict and lost:
        raise UserError(
            f"corpus '{name}' is strict and {lost[0]['path']} of {lost[0]['source']} "
            f"{lost[0]['status']}; mend it, or set corpora.{name}.strict to false"
        )


def is_lost(status: str) -> bool:
    """Tell a recording that is wanted, and not to be had or read, by its status."""
    return status.startswith("cannot be")


def _has_address(source: dict[str, Any]) -> bool:
    return "url" in source or "page" in source


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


def _find(source: dict[str, Any], rendered: Path, store: findings.Store) -> Iterator[_Found]:
    licence = source.get("licence", "")
    if "demo" in source:
        yield from _find_demo(source["demo"], rendered)
    elif "folder" in source:
        yield from _find_in_folder(source, licence, store)
    else:
        label = source["url"] if "url" in source else source["page"]
        for entry, place in findings.find(source, store):
            yield _Found(label, replace(entry, licence=licence or entry.licence), place)


def _find_demo(demo: str, rendered: Path) -> Iterator[_Found]:
    for file in walk(rendered / demo):
        size, sha256 = file.place.stat().st_size, files.sha256(file.place)
        entry = Entry(file.shown, size, sha256, licence="public domain")
        yield _Found(f"demo:{demo}", entry, file.place)


def _find_in_folder(
    source: dict[str, Any], licence: str, store: findings.Store
) -> Iterator[_Found]:
    label = source["folder"]
    folder = Path(label).expanduser()
    is_here = folder.exists()
    here = {file.shown: file for file in (walk(folder) if is_here else [])}
    for listed in source["files"]:
        entry = Entry(listed["path"], listed["size"], listed["sha256"], licence=licence)
        if entry.path in here:
            yield _Found(label, entry, here[entry.path].place, is_here)
        else:
            place = store.place(entry) if entry.sha256 else None
            yield _Found(label, entry, place, is_here)
    for file in here.values():
        if not file.may_be_audio:
            yield _Found(label, _not_audio(file), file.place)


def _not_audio(file: File) -> Entry:
    return Entry(file.shown, status=f"not audio by its ending {file.ending}")


def _take_all(name: str, found: Sequence[_Found], failures: list[str]) -> list[Row]:
    """Copy what is new by its content, several at once; return a row for each."""
    checksums = Remembered(layout.remembered("raw", name))
    try:
        take = partial(_failure, folder=layout.raw(name), checksums=checksums)
        first = _first_of_each_content(found)
        taken_at_once = in_parallel(take, [found[i] for i in first], "fetch", _COPIES_AT_ONCE)
        failed = dict(zip(first, taken_at_once, strict=True))
        taken: dict[str, str] = {}
        rows = []
        for place, file in enumerate(found):
            row = _row(file, taken)
            if row["status"] == TAKEN:
                reason = failed[place] if place in failed else take(file)
                if isinstance(reason, _LostError):
                    row |= dict.fromkeys(("id", "file", "size", "sha256"), "")
                    row["status"] = f"{LOST}: {reason}"
                elif reason is not None:
                    failures.append(str(reason))
                else:
                    taken[file.entry.sha256] = file.entry.path
            rows.append(row)
        checksums.keep(str(row["file"]) for row in rows if row["status"] == TAKEN)
        return rows
    finally:
        checksums.save()


def _first_of_each_content(found: Sequence[_Found]) -> list[int]:
    first: dict[str, int] = {}
    for place, file in enumerate(found):
        if file.entry.sha256 and not file.entry.status:
            first.setdefault(file.entry.sha256, place)
    return list(first.values())


def _failure(file: _Found, folder: Path, checksums: Remembered) -> UserError | _LostError | None:
    """Take a recording; return why that did not go well."""
    try:
        _take(file, folder / stored_name(file.entry.sha256, file.entry.path), checksums)
    except (UserError, _LostError) as reason:
        return reason
    return None


def _row(file: _Found, taken: Mapping[str, str]) -> Row:
    entry = file.entry
    row: Row = {"source": file.source, "path": entry.path}
    row |= {column: getattr(entry, column) for column in TOLD}
    row["status"] = _status(entry, taken)
    if not entry.status:
        row |= {"size": entry.size, "sha256": entry.sha256, "id": entry.sha256[:12]}
    if row["status"] == TAKEN:
        row |= {"file": stored_name(entry.sha256, entry.path), "licence": entry.licence}
    return row


def _status(entry: Entry, taken: Mapping[str, str]) -> str:
    if entry.status:
        return entry.status
    if not entry.sha256:
        return UNREADABLE
    return f"same bytes as {taken[entry.sha256]}" if entry.sha256 in taken else TAKEN


def _take(file: _Found, destination: Path, checksums: Remembered) -> None:
    entry = file.entry
    if file.place == destination:  # found there, its bytes compared
        return
    if destination.exists() and checksums.of(destination, files.sha256) == entry.sha256:
        return
    if file.place is None:
        if file.source_is_here:
            raise _LostError("it is gone")
        raise UserError(
            f"{file.source}: {entry.path} is gone; put it back, or run again without it"
        )
    with files.atomic(destination) as temporary:
        if _copy(file.place, temporary) != entry.sha256:
            raise _LostError("it changed while it was fetched")
    checksums.note(destination, entry.sha256)


def _copy(place: Path, to: Path) -> str:
    try:
        source = place.open("rb")
    except OSError as error:
        raise _LostError(str(error.strerror).lower()) from None
    with source:
        return files.copy(source, to)


def _tidy(folder: Path, wanted: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in wanted and path.is_file():
            path.unlink()


def _report(rows: Sequence[Row]) -> None:
    taken = sum(row["status"] == TAKEN for row in rows)
    _log.info("fetched %d of %d files", taken, len(rows))
    for row in rows:
        if row["status"] != TAKEN:
            level = logging.WARNING if is_lost(str(row["status"])) else logging.INFO
            _log.log(level, "%s: %s", row["path"], row["status"])
