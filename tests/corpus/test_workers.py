"""Many recordings are worked on at once, in order, and how far that is shows."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from rawtone.corpus.workers import in_parallel, told


def test_results_come_in_order():
    assert list(in_parallel(lambda n: n * n, range(100), "square", 4)) == [
        n * n for n in range(100)
    ]


@pytest.mark.parametrize("how", ["closed", "failed"])
def test_what_is_ended_begins_with_no_more(how, monkeypatch):
    begun, go_on = [], threading.Event()
    shutdown = ThreadPoolExecutor.shutdown

    def shutdown_and_go_on(pool: ThreadPoolExecutor, **how: bool) -> None:
        shutdown(pool, **how)
        go_on.set()

    def one(number: int) -> int:
        begun.append(number)
        if how == "failed" and number == 1:
            raise KeyboardInterrupt
        if number > 1:
            go_on.wait(5)
        return number

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shutdown_and_go_on)
    made = in_parallel(one, range(1000), "count", 2)
    if how == "closed":
        assert next(made) == 0
        made.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            list(made)
    assert len(begun) < 10


def test_a_log_has_a_line_a_minute_with_the_time_left(caplog):
    caplog.set_level(logging.INFO, "rawtone")
    seconds = count(0, 10)
    assert len(list(told(range(10_000), "convert", 10_000, lambda: float(next(seconds))))) == 10_000
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "6 of 10,000, 1 day, 3:45:40 left"
    assert len(lines) == 9_999 // 6
