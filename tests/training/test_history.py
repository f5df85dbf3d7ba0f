"""What every program's log tells, and that no crash, tear or flipped bit makes it tell more."""

import itertools
import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.training.history import BLUR, ROUNDING, Row, parse
from rawtone.training.log import NO_WORD, TrainingLog

START = "start at step 0 of 40: run 3f2a9c0d1e2f, 2026-11-21T02:00:00Z, host, pid 123, 2 threads\n"
FIRST = "step 10 - loss = 5.545, (0.123 sec/step)\nstep 20 - loss = 2.345, (0.120 sec/step)\n"
VALIDATION = "validation at step 20 - loss = 2.100, 3.030 bits\ncheckpoint at step 20\n"
AGAIN = "step 30 - loss = 1.500, (0.200 sec/step)\n"
DONE = "step 40 - loss = 1.000, (0.200 sec/step)\ndone at step 40\n"
LOOP = "Restarting the service at Sun Nov 24 04:32:56 UTC 2019\n"
NOTHING = "Trying to restore saved checkpoints from x ... No checkpoint found.\n"
EPOCH = "Total Steps: {of}, Loss: {loss:.3f}, Accuracy: 1.000, Val Loss: 2.194, Val Accuracy: 1.000"


def resume(step: int, reason: str) -> str:
    run = "run 3f2a9c0d1e2f, 2026, host, pid 9, 2 threads"
    return f"resume at step {step} of 40: after {reason}, {run}\n"


def wavenet(first: int, last: int) -> str:
    steps = range(first, last + 1)
    return "".join(f"step {s} - loss = {5 - s / 100:.3f}, (1.000 sec/step)\n" for s in steps)


def restored(step: int) -> str:
    found = f"Checkpoint found: x/model.ckpt-{step}\n  Global step was: {step}\n"
    return f"Trying to restore saved checkpoints from x ...  {found}  Restoring... Done.\n"


def prism(epoch: int, losses: list[float], end: str = "\n") -> str:
    """Return the lines of an epoch, whose losses are printed as means so far."""
    of, text = len(losses), ""
    means = [total / n for n, total in enumerate(itertools.accumulate(losses), 1)]
    for step, mean in enumerate(means, 1):
        told = f"Step: {step}/{of}, Loss: {mean:.3f}, Accuracy: 1.000, (0.036 sec/step)"
        text += f"Epoch: {epoch}/9, {told}" + (end if step < of else "\n")
    return text + f"Epoch: {epoch}/9, {EPOCH.format(of=of, loss=means[-1])} (1 min 11.235 sec)\n"


WHOLE = (
    START + FIRST + VALIDATION + "stop at step 25: SIGTERM\n" + resume(25, "SIGTERM") + AGAIN + DONE
)
WAVENET = NOTHING + wavenet(0, 30) + LOOP + restored(25) + wavenet(26, 60)
PRISM = prism(1, [5.0 - n / 100 for n in range(60)]) + prism(2, [4.0] * 60)
KERAS = "".join(
    f"Epoch {e}/9\n1/12 [>...] - ETA: 1s - loss: 0.9000\r12/12 [=====] - 1s 90ms/step"
    f" - loss: 0.{e}931 - val_loss: 0.{e}000\n"
    for e in range(1, 10)
)
LOGS = {"ours": WHOLE, "wavenet": WAVENET, "prism": PRISM, "keras": KERAS}


def steps(rows: list[Row]) -> list[tuple[int, int]]:
    return [(row.run, row.step) for row in rows]


def starts(text: str) -> list[tuple[int, int, str]]:
    return [(row.run, row.step, row.restart) for row in parse(text) if row.restart]


# Ours


def test_validation_and_training_of_a_step_share_a_row() -> None:
    row = parse(START + FIRST + VALIDATION)[1]
    assert row == Row(20, 2.345, 0.120, 2.1)
    assert row.bits == pytest.approx(2.345 / math.log(2))
    assert row.validation_bits == pytest.approx(3.0297, abs=1e-4)


def test_the_later_session_wins_a_repeated_step() -> None:
    text = START + FIRST + AGAIN + resume(20, NO_WORD) + "step 30 - loss = 1.400, (0.3 sec/step)\n"
    assert parse(text)[-1] == Row(30, 1.4, 0.3, session=1, restart="automatic")
    assert [row.step for row in parse(text)] == [10, 20, 30]


def test_work_that_a_restart_threw_away_is_not_told() -> None:
    assert [row.step for row in parse(START + FIRST + AGAIN + resume(10, NO_WORD))] == [10]


def test_a_roll_back_is_an_automatic_restart() -> None:
    diverged = "diverged at step 31: loss = nan, batch = a.flac at 12.3 s\n"
    text = START + FIRST + AGAIN + diverged + "roll back to step 10: learning rate x 0.25\n"
    assert [row.step for row in parse(text)] == [10]
    again = "step 20 - loss = 2.000, (0.1 sec/step)\n"
    assert parse(text + again)[-1] == Row(20, 2.0, 0.1, session=1, restart="automatic")


def test_a_session_without_a_single_step_leaves_the_restart_to_the_next() -> None:
    text = START + FIRST + resume(20, NO_WORD) + "stop at step 20: SIGINT\n" + resume(20, "SIGINT")
    assert parse(text + AGAIN)[-1] == Row(30, 1.5, 0.2, session=2, restart="manual")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("SIGHUP", "manual"), ("done", "manual"), ("SIGUSR1", "automatic"), ("parent", "automatic")],
)
def test_why_it_had_ended_tells_what_restart_it_is(reason: str, kind: str) -> None:
    assert starts(START + FIRST + resume(20, reason) + AGAIN) == [(0, 30, kind)]


def test_a_log_whose_first_line_is_lost_still_shows_its_restart() -> None:
    assert starts(FIRST + resume(20, NO_WORD) + AGAIN) == [(0, 30, "automatic")]


def test_a_run_that_starts_again_before_its_first_checkpoint_is_the_same_run() -> None:
    assert parse(START + FIRST + START + FIRST)[0] == Row(
        10, 5.545, 0.123, session=1, restart="automatic"
    )
    other = START.replace("3f2a9c0d1e2f", "000000000000")
    assert steps(parse(START + FIRST + other + FIRST)) == [(0, 10), (0, 20), (1, 10), (1, 20)]


def test_a_flipped_bit_in_a_runs_key_makes_no_new_run() -> None:
    garbled = resume(20, NO_WORD).replace("3f2a9c0d1e2f", "3f2a9c0d1g2f")
    assert starts(START + FIRST + garbled + AGAIN) == [(0, 30, "automatic")]


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_a_loss_that_is_no_number_parses(word: str) -> None:
    loss = parse(f"step 3 - loss = {word}, (0.1 sec/step)\n")[0].loss
    assert loss is not None
    assert not math.isfinite(loss)


def test_lines_of_windows_parse() -> None:
    for text in LOGS.values():
        assert parse(text.replace("\n", "\r\n")) == parse(text)


_LOSSES = st.floats(0, 1e30)


@given(st.lists(st.tuples(_LOSSES, st.none() | _LOSSES), max_size=8), st.integers(0, 8))
@settings(deadline=None)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[float, float | None]], pause: int
) -> None:
    path = tmp_path_factory.mktemp("run") / "train.log"
    with TrainingLog(path) as log:
        log.start(0, 9, run="3f2a", threads=1)
        for step, (loss, validation) in enumerate(told, 1):
            log.step(step, loss=loss, seconds=0.25)
            if validation is not None:
                log.validation(step, loss=validation)
            if step == pause:
                log.stop(step, reason="SIGINT")
                log.resume(step, 9, run="3f2a", threads=1)
    rows = parse(path.read_text())
    assert [row.step for row in rows] == list(range(1, len(told) + 1))
    for row, (loss, validation) in zip(rows, told, strict=True):
        assert row.loss == pytest.approx(loss, abs=0.0005)
        assert row.validation_loss == pytest.approx(validation, abs=0.0005)
    assert [r.step for r in rows if r.restart == "manual"] == [pause + 1] * (0 < pause < len(told))


# tensorflow-wavenet


def test_the_shells_loop_restarts_automatically_and_repeats_steps() -> None:
    assert starts(WAVENET) == [(0, 26, "automatic")]
    assert [row.step for row in parse(WAVENET)] == list(range(61))


def test_the_loops_line_may_stand_behind_a_torn_one() -> None:
    text = NOTHING + wavenet(0, 30) + "step 31 - lo" + LOOP + wavenet(26, 40)
    assert starts(text) == [(0, 26, "automatic")]


def test_a_start_without_the_loops_line_is_manual() -> None:
    text = WAVENET + restored(50) + wavenet(51, 70) + restored(70) + wavenet(71, 80)
    assert starts(text) == [(0, 26, "automatic"), (0, 51, "manual"), (0, 71, "manual")]
    by_hand_at_last = NOTHING + wavenet(0, 9) + LOOP + restored(9) + restored(9) + wavenet(10, 12)
    assert starts(by_hand_at_last) == [(0, 10, "manual")]


def test_repeated_steps_alone_are_a_restart() -> None:
    assert starts(wavenet(0, 30) + wavenet(21, 40)) == [(0, 21, "manual")]
    assert starts(wavenet(0, 30) + wavenet(30, 40)) == [(0, 30, "manual")]


@pytest.mark.parametrize(
    "between", ["", NOTHING, LOOP + NOTHING, f"Using default logdir: y\n{restored(30)}"]
)
def test_counting_from_the_beginning_is_a_new_run(between: str) -> None:
    rows = parse(wavenet(0, 30) + between + wavenet(0, 10))
    assert steps(rows) == [(0, s) for s in range(31)] + [(1, s) for s in range(11)]
    assert not any(row.restart for row in rows)


def test_going_on_from_the_very_first_checkpoint_is_no_new_run() -> None:
    assert starts(NOTHING + wavenet(0, 30) + LOOP + restored(0) + wavenet(1, 9)) == [
        (0, 1, "automatic")
    ]


def test_a_start_that_failed_does_not_make_the_next_one_new() -> None:
    failed = f"Using default logdir: y\n{NOTHING}"
    assert starts(wavenet(0, 30) + failed + restored(20) + wavenet(21, 25)) == [(0, 21, "manual")]


# PRiSM SampleRNN


def test_epochs_are_counted_through_and_validated_at_their_ends() -> None:
    rows = parse(PRISM)
    assert [row.step for row in rows] == list(range(1, 121))
    assert {row.step: row.validation_loss for row in rows if row.validation_loss} == {
        60: 2.194,
        120: 2.194,
    }
    assert {row.seconds_per_step for row in rows} == {0.036}


@given(st.lists(st.floats(0.5, 6), min_size=2, max_size=400))
@settings(deadline=None, max_examples=30)
def test_a_running_mean_is_undone_as_far_as_its_digits_allow(losses: list[float]) -> None:
    known = [row for row in parse(prism(2, losses)) if row.loss is not None]
    latest = 0
    for row in known:
        at = row.step - len(losses)
        error = ROUNDING * (at + latest) / (at - latest)
        assert row.loss == pytest.approx(sum(losses[latest:at]) / (at - latest), abs=error + 1e-9)
        assert error <= BLUR
        latest = at
    # A twentieth of what was seen, and the step at hand, stays untold at most.
    assert latest >= len(losses) * 0.95 - 1


@pytest.mark.parametrize("end", ["\r", "\n"])
def test_lines_that_were_overwritten_on_the_screen_count(end: str) -> None:
    text = prism(1, [4.0, 3.0, 2.0], end=end)
    assert parse(re.sub("^|(?<=\r)", "\x1b[2K", text, flags=re.MULTILINE)) == parse(text)
    assert [row.loss for row in parse(text)] == pytest.approx([4, 3, 2], abs=0.003)


def test_epoch_lines_alone_tell_the_epochs_mean() -> None:
    old = "Epoch: {e}/2, Loss: 2.342, Accuracy: 18.928, Val Loss: 2.194, Val Accuracy: 19.273 "
    text = "".join(old.format(e=e) + "(1500 steps in 2 hrs 5 min 0.000 sec)\n" for e in (1, 2))
    assert parse(text) == [Row(1500, 2.342, 5.0, 2.194), Row(3000, 2.342, 5.0, 2.194)]


def test_an_epoch_begun_again_is_a_restart_and_the_first_a_new_run() -> None:
    torn = prism(2, [4.0] * 9)[:400]
    assert starts(prism(1, [5.0] * 9) + torn + "\n" + prism(2, [4.0] * 9)) == [(0, 10, "manual")]
    assert starts(prism(1, [5.0] * 9) + torn + LOOP + prism(2, [4.0] * 9)) == [(0, 10, "automatic")]
    assert steps(parse(prism(1, [5.0] * 2) + prism(1, [4.0])))[2:] == [(1, 1)]


# Keras


def test_fit_as_keras_really_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = np.ones((48, 4), "float32"), np.full((48, 1), 0.5, "float32")
    capsys.readouterr()
    first = model.fit(x, y, batch_size=8, epochs=3, validation_data=(x, y), shuffle=False).history
    model.evaluate(x, y, batch_size=8)
    model.predict(x, batch_size=8)
    second = model.fit(x, y, batch_size=8, epochs=2, verbose=2).history
    rows = parse(capsys.readouterr().out)
    assert steps(rows) == [(0, 6), (0, 12), (0, 18), (1, 6), (1, 12)]
    assert [r.loss for r in rows] == pytest.approx(first["loss"] + second["loss"], abs=6e-5)
    assert [r.validation_loss for r in rows[:3]] == pytest.approx(first["val_loss"], abs=6e-5)
    assert all(r.seconds_per_step is not None and r.bits is None for r in rows)


def test_how_long_a_step_took_in_any_unit() -> None:
    told = ["2s 40ms/step", "2s 40us/step", "90s 2s/step", "6s"]
    text = "".join(f"Epoch {e}/4\n12/12 [==] - {t} - loss: 0.5000\n" for e, t in enumerate(told, 1))
    assert [row.seconds_per_step for row in parse(text)] == pytest.approx([0.04, 40e-6, 2, 0.5])


def test_a_fit_for_each_recording_goes_on_counting() -> None:
    bar = "16384/16384 [==============================] - 87s - loss: 1.9879e-04\n"
    text = "1 / 10  start\n" + f"Epoch 1/1\n{bar}" * 3 + "1 / 10  epoch is done!\n"
    assert steps(parse(text)) == [(0, 16384), (0, 32768), (0, 49152)]
    assert parse(text)[0].loss == pytest.approx(1.9879e-4)


def test_a_bar_that_nothing_came_after_is_not_the_epochs_end() -> None:
    validating = "Epoch 1/2\n12/12 [==] - 1s 9ms/step - loss: 0.5000"
    assert parse(validating) == parse(validating + "\b\b\b") == []
    assert len(parse(validating + "\n")) == 1


def test_a_fit_resumed_is_a_restart() -> None:
    epochs = re.findall(r"Epoch .+\n.+\n", KERAS.replace("\r", "\b"))
    assert starts("".join([*epochs[:4], LOOP, *epochs[2:6]])) == [(0, 36, "automatic")]


# Any


def test_several_programs_in_one_file_are_several_runs() -> None:
    rows = parse(WHOLE + WAVENET + PRISM + KERAS + WAVENET + WHOLE)
    alone = [parse(log) for log in (WHOLE, WAVENET, PRISM, KERAS, WAVENET, WHOLE)]
    for number, expected in enumerate(alone):
        found = [row for row in rows if row.run == number]
        assert [(r.step, r.loss, r.restart) for r in found] == [
            (r.step, r.loss, r.restart) for r in expected
        ]
    assert max(row.run for row in rows) == len(alone) - 1


@given(st.binary())
def test_any_bytes_parse(noise: bytes) -> None:
    parse(noise.decode("utf-8", "replace"))


@given(
    st.lists(st.sampled_from([*"".join(LOGS.values()).splitlines(keepends=True), LOOP, NOTHING]))
)
def test_lines_in_any_order_parse(lines: list[str]) -> None:
    found = steps(parse("".join(lines)))
    assert found == sorted(set(found))


@given(st.sampled_from(sorted(LOGS)), st.floats(0, 1))
def test_a_cut_never_invents_a_step(name: str, where: float) -> None:
    whole = LOGS[name]
    torn = {row.step: row for row in parse(whole[: int(where * len(whole))])}
    told = {row.step: row for row in parse(whole)}
    assert torn.keys() <= told.keys()
    for step, row in torn.items():
        losses = {m[1] for m in re.finditer(rf"step {step} - loss = ([0-9.]+)", whole)}
        assert row.loss in {told[step].loss, None, *map(float, losses)}


@given(st.sampled_from(sorted(LOGS)), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
@settings(max_examples=400)
def test_a_flipped_bit_costs_its_line_and_invents_at_most_a_misread_one(
    name: str, where: float, bit: int
) -> None:
    whole = LOGS[name].encode()
    place = int(where * len(whole))
    flipped = bytearray(whole)
    flipped[place] ^= 1 << bit
    found = {row.step for row in parse(bytes(flipped).decode("utf-8", "replace"))}
    # A digit that became another digit makes a number that no reader can tell from a true one,
    # unless it stands between two others that show it to be out of order.
    misread = chr(whole[place]).isdigit() and chr(flipped[place]).isdigit()
    assert len(found - {row.step for row in parse(LOGS[name])}) <= misread


@given(st.integers(1, 59), st.integers(0, 10**9))
def test_a_step_out_of_all_order_is_not_believed(place: int, number: int) -> None:
    lines = wavenet(0, 60).splitlines(keepends=True)
    lines[place] = wavenet(number, number) if number != place else ""
    expected = [step for step in range(61) if step != place]
    assert [row.step for row in parse("".join(lines))] in (expected, list(range(61)))


@given(st.integers(0, len(WHOLE)), st.text(max_size=30))
def test_a_garbled_line_hides_no_line_but_its_own(place: int, noise: str) -> None:
    lines = WHOLE.splitlines(keepends=True)
    before = WHOLE[:place].count("\n")
    garbled = WHOLE[:place] + re.sub(r"[\n\r\b]", "", noise) + "#" + WHOLE[place:]
    without = "".join(lines[:before] + lines[before + 1 :])
    # Noise within a host's name or a time garbles nothing that is read, so all may be there.
    assert parse(garbled) in (parse(without), parse(WHOLE))


@given(st.data())
def test_two_writers_at_once_lose_no_whole_line(data: st.DataObject) -> None:
    mixed = WHOLE.splitlines(keepends=True)
    for line in ["Epoch 1/3\n", "\x1b[2K 12%|##\n", "step -4 - loss = 1.0\n", "note: x\n", "\n"]:
        mixed.insert(data.draw(st.integers(0, len(mixed))), line)
    assert parse("".join(mixed)) == parse(WHOLE)


def test_the_example_of_the_log_is_read_as_it_says(tmp_path: Path) -> None:
    with TrainingLog(tmp_path / "train.log") as log:
        log.start(0, 1600, run="3f2a9c0d1e2f", threads=2)
        log.step(10, loss=2.345, seconds=0.123)
    assert parse((tmp_path / "train.log").read_text()) == [Row(10, 2.345, 0.123)]
