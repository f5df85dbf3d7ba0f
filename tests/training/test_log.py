"""What the log must keep through crashes, and what parsing must survive."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtone.training.log import NO_WORD, Row, TrainingLog, bits, last_ending, parse

START = "start at step 0 of 40: run 3f2a9c0d1e2f, 2026-11-21T02:00:00Z, host, pid 123, 2 threads\n"
FIRST = "step 10 - loss = 5.545, (0.123 sec/step)\nstep 20 - loss = 2.345, (0.120 sec/step)\n"
VALIDATION = "validation at step 20 - loss = 2.100, 3.030 bits\ncheckpoint at step 20\n"
AGAIN = "step 30 - loss = 1.500, (0.200 sec/step)\n"
DONE = "step 40 - loss = 1.000, (0.200 sec/step)\ndone at step 40\n"


def resume(step: int, reason: str) -> str:
    """Return a resume line."""
    return f"resume at step {step} of 40: after {reason}, run 3f2a, 2026, host, pid 9, 2 threads\n"


WHOLE = (
    START + FIRST + VALIDATION + "stop at step 25: SIGTERM\n" + resume(25, "SIGTERM") + AGAIN + DONE
)


def test_lines_have_the_format_of_tensorflow_wavenet(tmp_path: Path) -> None:
    with TrainingLog(tmp_path / "train.log") as log:
        log.start(0, 1600, run="3f2a9c0d1e2f", threads=2)
        log.step(120, loss=2.345, seconds=0.123)
        log.validation(200, loss=2.1)
        log.checkpoint(400)
        log.stop(733, reason="SIGTERM")
    lines = (tmp_path / "train.log").read_text().splitlines()
    assert lines[0].startswith("start at step 0 of 1600: run 3f2a9c0d1e2f, 20")
    assert lines[0].endswith(", 2 threads")
    assert lines[1:] == [
        "step 120 - loss = 2.345, (0.123 sec/step)",
        "validation at step 200 - loss = 2.100, 3.030 bits",
        "checkpoint at step 400",
        "stop at step 733: SIGTERM",
    ]


def test_each_line_is_on_disk_before_the_log_is_closed(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "train.log")
    log.step(1, loss=5.545, seconds=0.5)
    assert parse((tmp_path / "train.log").read_text()) == [Row(1, 5.545, 0.5)]
    log.close()


@pytest.mark.parametrize(("reason", "kind"), [("SIGTERM", "manual"), ("SIGINT", "manual")])
def test_a_resume_after_a_signal_is_manual(tmp_path: Path, reason: str, kind: str) -> None:
    path = tmp_path / "train.log"
    with TrainingLog(path) as log:
        log.start(0, 40, run="a", threads=1)
        log.step(10, loss=3.0, seconds=0.1)
        log.stop(10, reason=reason)
    with TrainingLog(path) as log:
        log.resume(10, 40, run="a", threads=1)
        log.step(20, loss=2.0, seconds=0.1)
    assert f"resume at step 10 of 40: after {reason}, run a" in path.read_text()
    assert [row.restart for row in parse(path.read_text())] == ["", kind]


def test_a_resume_after_a_kill_is_automatic_and_starts_a_new_line(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text(START + FIRST + "step 30 - lo")
    with TrainingLog(path) as log:
        log.resume(20, 40, run="a", threads=1)
        log.step(30, loss=1.5, seconds=0.2)
    assert f"\nresume at step 20 of 40: after {NO_WORD}, run a" in path.read_text()
    assert parse(path.read_text())[-1] == Row(30, 1.5, 0.2, session=1, restart="automatic")


def test_losses_are_told_in_bits_too() -> None:
    row = parse(START + FIRST + VALIDATION)[-1]
    assert row.validation_bits == pytest.approx(3.0297, abs=1e-4)
    assert row.bits == pytest.approx(2.345 / math.log(2))
    assert bits(math.log(256)) == pytest.approx(8)


def test_validation_and_training_of_a_step_share_a_row() -> None:
    assert parse(START + FIRST + VALIDATION)[1] == Row(20, 2.345, 0.120, 2.1)


def test_the_later_session_wins_a_repeated_step() -> None:
    text = START + FIRST + AGAIN + resume(20, NO_WORD) + "step 30 - loss = 1.400, (0.3 sec/step)\n"
    assert parse(text)[-1] == Row(30, 1.4, 0.3, session=1, restart="automatic")
    assert [row.step for row in parse(text)] == [10, 20, 30]


def test_work_that_a_restart_threw_away_is_not_told() -> None:
    steps = [row.step for row in parse(START + FIRST + AGAIN + resume(10, NO_WORD))]
    assert steps == [10]


def test_a_session_without_a_single_step_leaves_the_restart_to_the_next() -> None:
    text = START + FIRST + resume(20, NO_WORD) + "stop at step 20: SIGINT\n" + resume(20, "SIGINT")
    assert parse(text + AGAIN)[-1] == Row(30, 1.5, 0.2, session=2, restart="manual")


def test_a_log_whose_first_line_is_lost_still_shows_its_restart() -> None:
    assert [r.restart for r in parse(FIRST + resume(20, NO_WORD) + AGAIN)] == ["", "", "automatic"]


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_a_loss_that_is_no_number_parses(word: str) -> None:
    row = parse(f"step 3 - loss = {word}, (0.1 sec/step)\n")[0]
    assert row.loss is not None
    assert not math.isfinite(row.loss)


def test_lines_of_windows_parse() -> None:
    assert parse(WHOLE.replace("\n", "\r\n")) == parse(WHOLE)


def test_how_the_latest_session_ended() -> None:
    assert last_ending(WHOLE) == "done"
    assert last_ending(START + FIRST) == ""
    assert last_ending(START + "stop at step 3: SIGINT\n") == "SIGINT"
    assert last_ending("stop at step 3: SIGINT\n" + resume(3, "SIGINT")) == ""


@given(st.binary())
def test_any_bytes_parse(noise: bytes) -> None:
    parse(noise.decode("utf-8", "replace"))


@given(st.lists(st.text(alphabet=sorted(set(WHOLE)), max_size=60)))
def test_text_much_like_a_log_parses(lines: list[str]) -> None:
    steps = [row.step for row in parse("\n".join(lines))]
    assert steps == sorted(set(steps))


@given(st.integers(0, len(WHOLE)))
def test_a_cut_costs_at_most_the_line_it_tears(end: int) -> None:
    whole_lines = WHOLE[: WHOLE.rfind("\n", 0, end) + 1]
    torn = parse(WHOLE[:end])
    # A line cut exactly at its end is whole; otherwise nothing of it may be believed.
    assert torn in (parse(whole_lines), parse(whole_lines + WHOLE[len(whole_lines) : end] + "\n"))
    assert {row.step for row in torn} <= {10, 20, 30, 40}
    assert {row.loss for row in torn} <= {5.545, 2.345, 1.5, 1.0}


@given(st.integers(0, len(WHOLE)), st.text(max_size=30))
def test_a_garbled_line_hides_no_line_but_its_own(place: int, noise: str) -> None:
    lines = WHOLE.splitlines(keepends=True)
    before = WHOLE[:place].count("\n")
    garbled = WHOLE[:place] + noise.replace("\n", "") + "#" + WHOLE[place:]
    without = "".join(lines[:before] + lines[before + 1 :])
    # Noise within a host's name or a time garbles nothing that is read, so all may be there.
    assert parse(garbled) in (parse(without), parse(WHOLE))


@given(st.data())
def test_two_writers_at_once_lose_no_whole_line(data: st.DataObject) -> None:
    lines = WHOLE.splitlines(keepends=True)
    foreign = ["Epoch 1/3\n", "\x1b[2K 12%|##\n", "step -4 - loss = 1.0\n", "\n"]
    mixed = list(lines)
    for line in foreign:
        mixed.insert(data.draw(st.integers(0, len(mixed))), line)
    assert parse("".join(mixed)) == parse(WHOLE)
