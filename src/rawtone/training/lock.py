"""One process per run: an exclusive lock in the run's folder."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rawtone.errors import UserError

# Whoever killed Snakemake and starts it again at once meets a training that is still saving.
PATIENCE = 3.0  # seconds


@contextmanager
def exclusive(folder: Path, doing: str = "trained") -> Iterator[None]:
    """Hold a run's lock; the operating system frees it however the process ends.

    Args:
        folder: of the run.
        doing: what is done to it, for the message.

    Raises:
        UserError: another process holds it; the message names that process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        if not _acquired(file):
            file.seek(0)
            raise UserError(
                f"{folder}: already being {doing} by {file.read().strip() or 'another process'}; "
                "wait for it, or stop it with Ctrl-C"
            )
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def _acquired(file: IO[str]) -> bool:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        else:
            return True
