"""Finish the step before leaving: signals become a question the loop asks between steps."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
# No one else sends it, so it is known apart from a person who insists on an end.
PARENT_DIED = signal.SIGUSR2
_PR_SET_PDEATHSIG = 1


class StopRequest:
    """Whether someone asked the training to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def reason(self) -> str:
        """One word for the log."""
        if self.signal is None:
            return ""
        return "parent" if self.signal == PARENT_DIED else self.signal.name

    @property
    def status(self) -> int:
        """The exit status: 128 + the signal's number, that of SIGTERM where the parent died."""
        asked = signal.SIGTERM if self.signal in (None, PARENT_DIED) else self.signal
        return 128 + asked

    def receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Note the signal; a second one ends the process at once, as if nobody listened."""
        self.signal = signal.Signals(number)
        for other in STOPPING:
            if signal.getsignal(other) == self.receive:
                signal.signal(other, signal.SIG_DFL)
        signal.signal(PARENT_DIED, signal.SIG_IGN)


def signal_on_parent_death(number: signal.Signals, ancestor: int | None = None) -> None:
    """Ask Linux to send a signal to this process when the one that started it dies.

    Args:
        number: what to send; sent at once if the parent is already gone. Other systems have no
            such thing, and nothing happens there.
        ancestor: process that it works for: the parent, or the parent's. It may have died before
            this one could ask for anything.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))
    orphaned = ancestor is not None and ancestor not in {p.pid for p in psutil.Process().parents()}
    if orphaned or os.getppid() != parent:
        os.kill(os.getpid(), number)


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Turn signals into a request for as long as the block runs.

    Those are SIGINT, SIGTERM, SIGUSR1 (a batch system's warning) and SIGHUP (a lost terminal,
    unless nohup has it ignored). Where a workflow started this process, its death is one, too.
    """
    request = StopRequest()
    listened = [n for n in STOPPING if signal.getsignal(n) != signal.SIG_IGN] + [PARENT_DIED]
    before = {number: signal.signal(number, request.receive) for number in listened}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
