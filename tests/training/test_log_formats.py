"""Each program's real lines are recognised in full, and nothing that is cut short."""

import pytest

from rawtone.training.log_formats import EITHER, KERAS, PRISM, RAWTONE, WAVENET, lines

BAR = "━" * 20
LINES = [
    (EITHER, "step", "step 120 - loss = 2.345, (0.123 sec/step)"),
    (EITHER, "step", "step 0 - loss = nan, (12.000 sec/step)"),
    (EITHER, "loop", "Restarting the service at Sun Nov 24 04:32:56 UTC 2019"),
    (EITHER, "loop", "step 120 - loRestarting the service at Sun Nov 24 04:32:56 UTC 2019"),
    (RAWTONE, "validation", "validation at step 20 - loss = 2.100, 3.030 bits"),
    (RAWTONE, "step", "step 120 - loss = 0.000123456 squared error, (0.123 sec/step)"),
    (RAWTONE, "step", "step 120 - loss = 0.000123456 squared error"),
    (RAWTONE, "validation", "validation at step 20 - loss = 0.000123456 squared error"),
    (RAWTONE, "checkpoint", "checkpoint at step 20"),
    (
        RAWTONE,
        "checkpoint",
        "checkpoint at step 9 - (0.021 sec), 2 states and 3 published, 12.3 MB on disk",
    ),
    (
        RAWTONE,
        "start",
        "start at step 0 of 40: run 3f2a, 2026-11-21T02:00:00Z, h, pid 1, 2 threads",
    ),
    (
        RAWTONE,
        "resume",
        "resume at step 9 of 40: after SIGHUP, run 3f2a, 2026, h, pid 1, 2 threads",
    ),
    (RAWTONE, "roll back", "roll back to step 600: learning rate x 1.5e-05"),
    (RAWTONE, "end", "diverged at step 812: loss = nan, batch = a.flac at 12.3 s"),
    (WAVENET, "new folder", "Using default logdir: ./logdir/train/2019-11-24T04-32-56"),
    (WAVENET, "begin", "Trying to restore saved checkpoints from x ...  Checkpoint found: x/y-9"),
    (
        WAVENET,
        "begin with nothing",
        "Trying to restore saved checkpoints from x ... No checkpoint found.",
    ),
    (WAVENET, "restored", "  Global step was: 9"),
    (PRISM, "step", "Epoch: 1/2, Step: 125/1500, Loss: 4.182, Accuracy: 13.418, (0.0357 sec/step)"),
    (
        PRISM,
        "epoch",
        "Epoch: 1/2, Total Steps: 1500, Loss: 2.342, Accuracy: 18.928, Val Loss: 2.194, "
        "Val Accuracy: 19.273 (2 hrs 3 min 4.500 sec)",
    ),
    (
        PRISM,
        "epoch",
        "Epoch: 1/2, Loss: 2.342, Accuracy: 18.928, Val Loss: 2.194, Val Accuracy: 19.273 "
        "(1500 steps in 1 min 11.235 sec)",
    ),
    (
        PRISM,
        "epoch",
        "Epoch: 1/2, Total Steps: 15, Loss: 2.342, Accuracy: 18.928, Val Loss: nan, "
        "Val Accuracy: 19.273 (12.345 seconds)",
    ),
    (KERAS, "epoch", "Epoch 3/10"),
    (KERAS, "bar", "16384/16384 [==============================] - 87s - loss: 1.9879e-04"),
    (KERAS, "bar", " 32/120 [======>.......................] - 4s 40ms/step - loss: 0.6931"),
    (KERAS, "bar", f"6/6 {BAR} 0s 20ms/step - accuracy: 0.5625 - loss: 0.6899 - val_loss: 0.6875"),
    (KERAS, "bar", "6/6 - 1s - 90us/step - accuracy: 0.5625 - loss: nan"),
    (KERAS, "bar", "6/6 - 1s - loss: 0.6931 - 523ms/epoch - 87ms/step"),
]


@pytest.mark.parametrize(("program", "kind", "text"), LINES)
def test_a_line_is_known(program: str, kind: str, text: str) -> None:
    assert [(line.program, line.kind) for line in lines(text)] == [(program, kind)]


@pytest.mark.parametrize(
    ("program", "kind", "text"),
    [line for line in LINES if line[0] in (EITHER, PRISM) and line[1] != "loop"],
)
def test_no_beginning_of_a_line_is_taken_for_it(program: str, kind: str, text: str) -> None:
    assert not [line for end in range(len(text)) for line in lines(text[:end])]


def test_a_number_of_keras_that_was_cut_is_no_number() -> None:
    assert not [line for line in lines("6/6 - 1s - 9ms/step - loss: 0.69\n") if line.kind == "bar"]


def test_what_a_screen_would_overwrite_is_read_too() -> None:
    text = "\x1b[2Kstep 1 - loss = 2.0, (0.1 sec/step)\r\x1b[2Kstep 2 - loss = 2.0, (0.1 sec/step)"
    assert [(line["step"], line.left) for line in lines(text)] == [("1", False), ("2", False)]
    assert [line.left for line in lines("\x1b[1mEpoch 1/3\x1b[0m\r\nEpoch 2/3\b\b")] == [
        True,
        False,
    ]


def test_other_text_is_no_line() -> None:
    noise = "Corpus length: 5 files.\nstep -4 - loss = 1.0\n| 12%|##\nEpoch: 1/2\nEpoch x/3\n"
    assert list(lines(noise)) == []


def test_a_long_line_of_rubbish_is_read_at_once() -> None:
    assert list(lines("step 1 - " + "12/120 " * 200_000 + " - a" * 200_000)) == []
