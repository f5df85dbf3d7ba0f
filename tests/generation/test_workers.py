"""Jobs of several checkpoints at once, of which no more are prepared than there are threads for."""

import threading
import time
from collections.abc import Iterator

import pytest

from rawtone.generation.workers import Job, do


class Batches:
    """Batches of jobs that wait until they may end, and how many of them are there at once."""

    def __init__(self, number: int, jobs: int) -> None:
        self.number, self.jobs = number, jobs
        self.there = self.most = 0
        self.done: list[int] = []
        self._turn = threading.Lock()

    def __iter__(self) -> Iterator[list[Job]]:
        for number in range(self.number):
            with self._turn:
                self.there += 1
                self.most = max(self.most, self.there)
            left = [self.jobs]
            yield [lambda number=number, left=left: self._do(number, left)] * self.jobs

    def _do(self, number: int, left: list[int]) -> None:
        time.sleep(0.002)
        with self._turn:
            self.done.append(number)
            left[0] -= 1
            self.there -= not left[0]


@pytest.mark.parametrize("jobs", [1, 3, 10])
@pytest.mark.parametrize("threads", [0, 1, 2, 4])
def test_all_is_done_and_one_batch_more_than_threads_is_there_at_most(
    threads: int, jobs: int
) -> None:
    batches = Batches(12, jobs)
    do(batches, threads, threading.Event())
    assert sorted(batches.done) == sorted(list(range(12)) * jobs)
    assert batches.most <= threads + 1
    if threads < 2:
        assert batches.done == sorted(batches.done)


def test_threads_take_jobs_of_different_batches() -> None:
    """Two batches of one job each, which meet."""
    meeting = threading.Barrier(2, timeout=30)
    do([[meeting.wait], [meeting.wait]], 2, threading.Event())


def test_what_fails_ends_the_others_and_is_told() -> None:
    stopped, begun = threading.Event(), []

    def waits() -> None:
        begun.append(1)
        assert stopped.wait(30)

    def fails() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        do([[waits, fails, *[waits] * 5]], 2, stopped)
    assert len(begun) == 1


def test_an_interruption_of_who_prepares_ends_the_others() -> None:
    stopped = threading.Event()

    def batches() -> Iterator[list[Job]]:
        yield [lambda: None if stopped.wait(30) else pytest.fail("was not stopped")]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do(batches(), 2, stopped)
    assert stopped.is_set()
