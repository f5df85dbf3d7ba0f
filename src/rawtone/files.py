"""Files that are whole or not there, and checksums of their bytes."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

_BLOCK = (
    1 << 18
)  # larger ones are given back to the system each time, and cost more than they spare


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary place beside `path` to write to; put it in place only if all went well.

    Args:
        path: where the finished file shall stand. Missing parent folders are made.

    Yields:
        The temporary path, on the same file system and with the same suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a whole file, or leave what was there untouched.

    Args:
        path: the file to write.
        content: bytes, or text that is written as UTF-8.
    """
    with atomic(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON that reads well and differs only where the value does."""
    write_atomically(path, canonical_json(value))


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys, an indent of one space and a newline at the end."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def write_if_changed(path: Path, content: str) -> bool:
    """Write text only where it differs, so that the modification time tells of a real change.

    Returns:
        Whether the file was written.
    """
    if path.exists() and path.read_text() == content:
        return False
    write_atomically(path, content)
    return True


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: BinaryIO, destination: Path) -> str:
    """Copy an open file from where it is, overwriting what was there.

    Returns:
        The SHA-256 of the bytes that were copied.
    """
    digest = hashlib.sha256()
    with destination.open("wb") as written:
        while block := source.read(_BLOCK):
            digest.update(block)
            written.write(block)
    return digest.hexdigest()
