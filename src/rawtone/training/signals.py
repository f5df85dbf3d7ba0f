"""Finish the step before leaving: signals become a question the loop asks between steps."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether someone asked the training to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Note the signal; a second one ends the process at once, as if nobody listened."""
        self.signal = signal.Signals(number)
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a request for as long as the block runs."""
    request = StopRequest()
    before = {number: signal.signal(number, request.receive) for number in STOPPING}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
