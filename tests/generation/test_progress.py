"""Progress tells the speed against real time and the time left, and logs stay clean."""

import logging

import pytest

from rawtone.generation.progress import Progress


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_speed_counts_from_the_first_block_on_which_compiles() -> None:
    clock = _Clock()
    progress = Progress(samples=1000, sample_rate=10, clock=clock)
    assert progress.words() == ""
    progress.skip(200)  # made before: no wonder of speed
    clock.now += 50
    progress.made(100)
    assert progress.words() == ""
    clock.now += 5
    progress.made(200)
    assert progress.words() == "4 x real time, 0:00:12 left"
    progress.close()


def test_a_log_gets_a_line_a_minute_and_nothing_else(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    clock = _Clock()
    progress = Progress(samples=1000, sample_rate=10, clock=clock)
    for _ in range(10):
        clock.now += 20
        progress.made(100)
    progress.close()
    assert caplog.messages == [
        "30 %, 0.5 x real time, 0:02:20 left",
        "60 %, 0.5 x real time, 0:01:20 left",
        "90 %, 0.5 x real time, 0:00:20 left",
    ]
    assert capsys.readouterr().err == ""
