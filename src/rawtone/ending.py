"""How a stage ends on signals: in order, and together with the workflow that started it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from rawtone.training.signals import PARENT_DIED, STOPPING, signal_on_parent_death


class Ended(BaseException):
    """A signal came where nobody else listens; not an Exception, which libraries may swallow.

    Args:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def _end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise Ended(number)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """End in order on signals, as on Ctrl-C, and when the workflow that asked for it was killed.

    Raises:
        Ended: a signal came.
    """
    listened = {n for n in STOPPING if signal.getsignal(n) == signal.SIG_DFL}
    workflow = os.environ.get("RAWTONE_END_WITH")
    if workflow:
        listened.add(PARENT_DIED)
    before = {number: signal.signal(number, _end) for number in listened}
    try:
        if workflow:
            signal_on_parent_death(PARENT_DIED, int(workflow))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
