"""Recordings out of zip and tar archives, whatever else these may hold.

No name in an archive ever becomes a path on disk: recordings are stored under names made of their
bytes, so that nothing can leave the folder. Links and devices are listed and passed over.
"""

import hashlib
import lzma
import os
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from rawtone.corpus.entries import Entry, in_order
from rawtone.corpus.sources import NEVER_AUDIO, shown, stored_name
from rawtone.errors import UserError

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_USTAR = slice(257, 262)
_BLOCK = 1 << 20
# Music packs to a third, silence to a thousandth; nobody's corpus is a hundred times its archive.
MOST_TIMES, MOST_ANYWAY = 100, 1 << 30
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError),  # of zipfile: another packing, a password
)


def is_archive(path: Path) -> bool:
    """Tell by its first bytes whether a file is an archive; no recording begins so."""
    start = _start(path)
    return start.startswith(_ZIP + _PACKED) or start[_USTAR] == b"ustar"


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)


@dataclass(frozen=True)
class _Member:
    name: str
    against: str  # why it is no recording, as far as the archive tells
    published: str
    handle: Any


class _TooMuchError(Exception):
    """More comes out than may."""


def unpack(archive: Path, folder: Path, name: str, most: int | None = None) -> list[Entry]:
    """Unpack all that may be a recording.

    Args:
        archive: A zip archive, or a tar archive packed in any way.
        folder: Where to put recordings, under their stored names.
        name: What to call the archive in errors.
        most: Bytes that may come out of it; without it a hundred times its own, or 1 GiB.

    Returns:
        An entry for every file in it, sorted by path; hidden ones are passed over.

    Raises:
        UserError: it is damaged, would fill the disk, or holds nothing that may be a recording.
    """
    size = archive.stat().st_size
    most = max(MOST_ANYWAY, MOST_TIMES * size) if most is None else most
    try:
        entries = _unpack(archive, folder, most)
    except _TooMuchError:
        raise UserError(
            f"{name}: more than {most} bytes come out of an archive of {size}; expected recordings"
        ) from None
    except _DAMAGED as error:
        said = " ".join(str(error).split())
        raise UserError(f"{name}: the archive cannot be read ({said})") from None
    if not any(entry.sha256 for entry in entries):
        raise UserError(f"{name}: no recordings in it, at any depth")
    return in_order(entries)


def _unpack(archive: Path, folder: Path, most: int) -> list[Entry]:
    entries: list[Entry] = []
    with _Zip(archive) if _start(archive).startswith(_ZIP) else _Tar(archive) as opened:
        for member in opened.members():
            if not _is_hidden(member.name):
                entries.append(_entry(opened, member, folder, most))
                most -= entries[-1].size
    return entries


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part.strip(".") for part in PurePosixPath(name).parts)


def _entry(opened: "_Zip | _Tar", member: _Member, folder: Path, most: int) -> Entry:
    path, parts = shown(member.name), PurePosixPath(member.name)
    against = member.against
    if parts.is_absolute() or ".." in parts.parts:
        against = "leads out of the archive"
    elif not against and parts.suffix.lower() in NEVER_AUDIO:
        against = f"not audio by its ending {parts.suffix.lower()}"
    if against:
        return Entry(path, status=against)
    # Within `folder`, so that its last step is a renaming.
    temporary = folder / f".unpacking-{os.getpid()}"
    try:
        size, sha256 = _copy(opened, member, temporary, most)
        temporary.replace(folder / stored_name(sha256, path))
        return Entry(path, size, sha256, published=member.published)
    except _DAMAGED as error:
        return Entry(path, status=f"cannot be read: {error}")
    finally:
        temporary.unlink(missing_ok=True)


def _copy(opened: "_Zip | _Tar", member: _Member, to: Path, most: int) -> tuple[int, str]:
    """Copy a member's bytes; what the archive declares of their number is not believed."""
    digest, size = hashlib.sha256(), 0
    with opened.open(member) as source, to.open("wb") as file:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > most:
                raise _TooMuchError
            digest.update(block)
            file.write(block)
    return size, digest.hexdigest()


class _Zip:
    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)

    def __enter__(self) -> "_Zip":
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def members(self) -> Iterator[_Member]:
        for info in self._archive.infolist():
            if not info.is_dir():
                kind = stat.S_IFMT(info.external_attr >> 16)
                year, month, day = info.date_time[:3]
                known = f"{year}-{month:02}-{day:02}" if year > 1980 else ""  # where zip begins
                yield _Member(info.filename, _against(kind), known, info)

    def open(self, member: _Member) -> IO[bytes]:
        return self._archive.open(member.handle)


class _Tar:
    def __init__(self, path: Path) -> None:
        self._archive = tarfile.open(path, "r:*")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> "_Tar":
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def members(self) -> Iterator[_Member]:
        for info in self._archive:
            if not info.isdir():
                kind = stat.S_IFREG if info.isfile() else _TAR_KINDS.get(info.type, stat.S_IFCHR)
                yield _Member(info.name, _against(kind), _day(info.mtime), info)

    def open(self, member: _Member) -> IO[bytes]:
        file = self._archive.extractfile(member.handle)
        assert file is not None  # only of what is no file
        return file


def _day(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds)) if seconds else ""
    except (OverflowError, OSError, ValueError):  # no time that anybody has seen
        return ""


_TAR_KINDS = {tarfile.SYMTYPE: stat.S_IFLNK, tarfile.LNKTYPE: stat.S_IFLNK}


def _against(kind: int) -> str:
    if kind == stat.S_IFLNK:
        return "a link in an archive"
    return "" if kind in (0, stat.S_IFREG) else "no regular file"
