"""Messages between two workers: a line of JSON, and behind it arrays where it says so."""

import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from rawtone.training.checkpoints import Arrays

Message = dict[str, Any]
# A host that lost power says nothing more. After so many seconds of silence it is asked, and after
# a few times as many without an answer it is given up.
SILENCE = 10


class Channel:
    """One end of a connection; it may be written to from several threads, and read from one.

    Args:
        connection: to the other worker.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = connection.makefile("rb")
        self._writing = threading.Lock()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", SILENCE),
            ("TCP_KEEPINTVL", SILENCE // 2),
            ("TCP_KEEPCNT", 4),
            ("TCP_USER_TIMEOUT", 3000 * SILENCE),  # milliseconds; of what was sent, and not taken
        ):
            if hasattr(socket, option):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def send(self, message: Message, arrays: Arrays | None = None) -> None:
        """Send a message; who is not there any more gets none, and is noticed by who reads."""
        content = b"" if arrays is None else _packed(arrays)
        head = json.dumps({"size": len(content), "message": message}).encode()
        with self._writing, suppress(OSError):
            self._connection.sendall(head + b"\n" + content)

    def receive(self, patience: float | None = None) -> tuple[Message, Arrays] | None:
        """Return the next message and its arrays, or nothing if there will be no more.

        Args:
            patience: seconds to wait, after which there is no more, either.
        """
        try:  # this side may close it, too, while another thread waits here
            self._connection.settimeout(patience)
            head = json.loads(self._reader.readline())
            arrays = _unpacked(self._reader.read(head["size"])) if head["size"] else {}
            message: Message = head["message"]
            self._connection.settimeout(None)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        return message, arrays

    def __iter__(self) -> Iterator[tuple[Message, Arrays]]:
        """Yield messages until there will be no more."""
        while (received := self.receive()) is not None:
            yield received

    def finish(self) -> None:
        """Say no more; the other side hears all that was said, and then that this was the end."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Say and hear no more."""
        with suppress(OSError):  # not connected any more
            self._connection.shutdown(socket.SHUT_RDWR)  # for who reads at this moment
        self._reader.close()
        self._connection.close()


def _packed(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _unpacked(content: bytes) -> Arrays:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
