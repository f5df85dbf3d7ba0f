"""Many clips, each heard once, by as many processes as there are cores."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from rawtone.models.backend import cores
from rawtone.training.signals import signal_on_parent_death

Heard = TypeVar("Heard")
_FEW = 16  # clips, which are heard before processes would have started
_hear: Callable[[Any], Any]


def each(hear: Callable[[Any], Heard], clips: Sequence[Any]) -> Iterator[Heard]:
    """Hear clips.

    Args:
        hear: hears one; each process is sent it once.
        clips: what `hear` is given.

    Yields:
        What was heard, in the order of the clips.
    """
    workers = min(cores(), len(clips) // _FEW)
    if workers < 2:
        yield from map(hear, clips)
        return
    # not forks of this process: the threads of a tensor library do not live on in them
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_begin, initargs=(hear, os.getpid())
    )
    try:
        with _one_thread_each():
            heard = pool.map(_one, clips)
        yield from heard
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let the linear algebra of processes that start meanwhile not fight for the cores."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _begin(hear: Callable[[Any], Any], parent: int) -> None:
    global _hear
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is waiting for it ends it
    signal_on_parent_death(signal.SIGKILL, parent)
    _hear = hear


def _one(clip: Any) -> Any:
    return _hear(clip)
