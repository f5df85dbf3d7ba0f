"""What the log must keep through crashes, line by line."""

import math
import re
from pathlib import Path

import pytest

from rawtone.training.history import parse
from rawtone.training.log import NO_WORD, TrainingLog, last_ending, restart_after

RESUME = "resume at step 3 of 40: after SIGINT, run 3f2a, 2026, host, pid 9, 2 threads\n"
START = "start at step 0 of 40: run 3f2a, 2026, host, pid 9, 2 threads\n"


def test_every_kind_of_line(tmp_path: Path) -> None:
    with TrainingLog(tmp_path / "train.log") as log:
        log.start(0, 1600, run="3f2a9c0d1e2f", threads=2)
        log.note("about 3 minutes")
        log.step(120, loss=2.345, seconds=0.123)
        log.validation(200, loss=2.1)
        log.checkpoint(400, seconds=0.021, states=2, published=3, size=12_300_000)
        log.checkpoint(500, seconds=1, states=1, published=0, size=99_000)
        log.diverged(812, loss=math.nan, batch="a.flac at 12.3 s, b.flac at 0.0 s")
        log.roll_back(600, rate=0.25)
        log.stop(733, reason="SIGTERM")
        log.done(900, "no better validation in 5")
        log.done(900)
        log.sync()
    lines = (tmp_path / "train.log").read_text().splitlines()
    assert re.fullmatch(
        r"start at step 0 of 1600: run 3f2a9c0d1e2f, 20.+Z, .+, 2 threads", lines[0]
    )
    assert lines[1:] == [
        "note: about 3 minutes",
        "step 120 - loss = 2.345, (0.123 sec/step)",
        "validation at step 200 - loss = 2.100, 3.030 bits",
        "checkpoint at step 400 - (0.021 sec), 2 states and 3 published, 12.3 MB on disk",
        "checkpoint at step 500 - (1.000 sec), 1 state and 0 published, 0.1 MB on disk",
        "diverged at step 812: loss = nan, batch = a.flac at 12.3 s, b.flac at 0.0 s",
        "roll back to step 600: learning rate x 0.25",
        "stop at step 733: SIGTERM",
        "done at step 900: no better validation in 5",
        "done at step 900",
    ]


def test_each_line_is_on_disk_before_the_log_is_closed(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "train.log")
    log.step(1, loss=5.545, seconds=0.5)
    assert (tmp_path / "train.log").read_text().endswith("sec/step)\n")
    log.close()


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\u2028"])
def test_the_name_of_a_recording_forges_no_line(tmp_path: Path, end: str) -> None:
    forged = f"x{end}step 7 - loss = 1.000, (1.000 sec/step){end}"
    with TrainingLog(tmp_path / "train.log") as log:
        log.note(forged)
        log.diverged(3, loss=9e99, batch=forged + "\ud800")
    assert (tmp_path / "train.log").read_bytes().count(b"\n") == 2
    assert parse((tmp_path / "train.log").read_text()) == []


def test_a_resume_starts_a_new_line_and_says_what_was_before(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text(START + "step 10 - loss = 3.000, (0.1 sec/step)\nstep 30 - lo")
    with TrainingLog(path) as log:
        log.resume(10, 40, run="3f2a", threads=1)
        log.stop(12, reason="SIGUSR1")
        log.resume(12, 40, run="3f2a", threads=1)
    text = path.read_text()
    assert f"\nresume at step 10 of 40: after {NO_WORD}, run 3f2a, " in text
    assert "\nresume at step 12 of 40: after SIGUSR1, run 3f2a, " in text


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        (START, ""),
        (START + "stop at step 3: SIGINT\n", "SIGINT"),
        ("stop at step 3: SIGINT\n" + RESUME, ""),
        (START + "done at step 40\n", "done"),
        (START + "done at step 40: no better validation in 5\nnote: kept 3\n", "done"),
        (START + "diverged at step 3: loss = inf, batch = a at 0.0 s\n", "diverged"),
        (START + "diverged at step 3: loss = inf, batch = a\nroll back to step 2: ", "diverged"),
        (
            START + "diverged at step 3: loss = inf, batch = a\n"
            "roll back to step 2: learning rate x 1e-05\n",
            "",
        ),
    ],
)
def test_how_the_latest_session_ended(tmp_path: Path, text: str, ending: str) -> None:
    assert last_ending(text) == ending
    (tmp_path / "train.log").write_text(text)
    with TrainingLog(tmp_path / "train.log") as log:
        assert log.ended() == (ending == "done")


@pytest.mark.parametrize(
    ("endings", "kind"),
    [
        (("SIGINT", "SIGTERM", "SIGHUP", "done"), "manual"),
        (("SIGUSR1", "parent", "diverged", "", NO_WORD), "automatic"),
    ],
)
def test_only_a_person_restarts_by_hand(endings: tuple[str, ...], kind: str) -> None:
    assert {restart_after(ending) for ending in endings} == {kind}
