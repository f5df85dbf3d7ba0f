"""Commands of rawtone, each in a process of its own, that need not import the tensor library.

Each is a fork of one process that has imported it and not used it, which saves seconds a command.
From there on it is what a shell starts; tests/workflow and tests/test_cli.py have that itself.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from rawtone import cli

# As rawtone sets it, but in time for what C libraries decide when the fork's parent imports them.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["rawtone.training.loop", "rawtone.training.trainer"])


class Process:
    """A process that runs commands in the current folder.

    Args:
        commands: as typed after `rawtone`, such as "train mine", one after the other.
        cores: to compute on; all that this process may, if empty.
    """

    def __init__(self, *commands: str, cores: Collection[int] = ()) -> None:
        number, name = tempfile.mkstemp()
        os.close(number)
        self._said = Path(name)
        allowed = set(cores) or os.sched_getaffinity(0)
        self._process = _FORKS.Process(target=_be, args=(commands, name, dict(os.environ), allowed))
        self._process.start()
        self.pid = self._process.pid or 0

    def runs(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._process.is_alive()

    def end(self) -> tuple[int | None, str]:
        """Wait for its end; return its status, or - the signal's number, and what it said."""
        self._process.join()
        said = self._said.read_text()
        self._said.unlink()
        return self._process.exitcode, said


def _be(commands: list[str], said: str, environment: dict[str, str], cores: set[int]) -> None:
    """Run commands in this fork, until one fails."""
    file = os.open(said, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.environ.clear()
    os.environ.update(environment)
    os.sched_setaffinity(0, cores)
    sys.exit(any(cli.main(command.split()) for command in commands))


def rawtone(*commands: str, cores: Collection[int] = ()) -> str:
    """Run commands that have to succeed, in one process; return what they said."""
    status, said = Process(*commands, cores=cores).end()
    assert status == 0, said
    return said


def complaint(*commands: str) -> str:
    """Run commands until one fails, by an error of the user's; return what they said."""
    status, said = Process(*commands).end()
    assert status == 1, said
    assert "Traceback" not in said
    return said.strip()
