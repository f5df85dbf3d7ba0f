"""Files by HTTP, kept under their checksums, for all corpora of a project."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rawtone import files
from rawtone.corpus.transfer import Patience, Received, transfer
from rawtone.errors import UserError


class Downloads:
    """A folder of files that are whole and right, named by their checksums.

    Beside each lies what does not belong into results: when it came, and what the server said.

    Args:
        folder: Where they lie.
        patience: How long to try.
    """

    def __init__(self, folder: Path, patience: Patience | None = None) -> None:
        self.folder = folder
        self.patience = patience or Patience()

    def place(self, sha256: str) -> Path:
        """Return where the file of a checksum lies, or would lie."""
        return self.folder / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether a file is there, and right; one that is damaged is thrown away."""
        place = self.place(sha256)
        if not place.exists():
            return False
        if files.sha256(place) == sha256:
            return True
        place.unlink()
        return False

    def get(self, url: str, sha256: str) -> Path:
        """Bring a file, unless it is there.

        Args:
            url: Its address.
            sha256: Checksum that it must have.

        Returns:
            Where it lies.

        Raises:
            UserError: it cannot be had, or has another checksum.
        """
        with self.locked(sha256):
            if not self.has(sha256):
                self._bring(url, sha256)
        return self.place(sha256)

    def add(self, file: Path, said: dict[str, str]) -> str:
        """Keep a file that came in another way.

        Args:
            file: The file, on the same file system; it is gone from there afterwards.
            said: What to write beside it.

        Returns:
            Its checksum.
        """
        sha256 = files.sha256(file)
        self._keep(file, sha256, said)
        return sha256

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Let one process at a time do what a key stands for; the others wait."""
        locks = self.folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / key).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # ends with the process, however that ends
            yield

    def _bring(self, url: str, sha256: str) -> None:
        part = self.folder / f"{sha256}.part"
        received = transfer(url, part, self.patience)
        if received.resumed and files.sha256(part) != sha256:
            part.unlink()  # its beginning may have been another file's: once more in one piece
            received = transfer(url, part, self.patience)
        found, size = files.sha256(part), part.stat().st_size
        if found != sha256:
            part.unlink()
            raise UserError(_mismatch(url, sha256, found, size, received))
        said = {"url": url, "last_modified": received.last_modified}
        self._keep(part, sha256, said)

    def _keep(self, file: Path, sha256: str, said: dict[str, str]) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        files.write_json(self.folder / f"{sha256}.json", said | {"fetched": now})
        file.replace(self.place(sha256))

    def said(self, sha256: str) -> dict[str, str]:
        """Return what was written beside a file; nothing where that is not known."""
        try:
            known: dict[str, str] = json.loads((self.folder / f"{sha256}.json").read_text())
        except (OSError, ValueError):
            return {}
        return known


def _mismatch(url: str, expected: str, found: str, size: int, received: Received) -> str:
    what = ", a web page" if "text/html" in received.content_type else ""
    return (
        f"{url}: expected sha256 {expected}, found {found} ({size} bytes{what}); nothing of it is "
        "used: check the address, and set sha256 to what its publisher says"
    )
