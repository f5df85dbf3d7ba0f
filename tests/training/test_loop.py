"""The loop: stopped anywhere and run again, it ends with the same bytes."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from rawtone.errors import Stopped, UserError
from rawtone.files import sha256
from rawtone.models import backend
from rawtone.models.families import build
from rawtone.settings import Training, WaveNet
from rawtone.training.batches import Batch, Windows

backend.start()

from rawtone.training.loop import Loop  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

MODEL = WaveNet(
    family="wavenet",
    dilations=[1, 2, 4],
    filter_width=2,
    residual_channels=4,
    dilation_channels=4,
    skip_channels=8,
    biases=True,
)
TRAINING = Training(
    steps=8,
    batch_size=2,
    window=32,
    learning_rate=0.01,
    warmup_steps=2,
    schedule="cosine",
    clip_norm=1.0,
    seed=3,
    log_every=1,
    validate_every=4,
    validation_batches=2,
    checkpoint_every=3,
)


class Interrupted(Trainer):
    """A trainer whose process gets a signal in the middle of a step."""

    stop_in: int = -1

    def update(self, batch: Batch) -> float:
        """Make a step, and get the signal while at it."""
        if self.optimizer.iterations.numpy() == self.stop_in:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().update(batch)


class Exploding(Trainer):
    """A trainer whose loss becomes infinite."""

    def update(self, batch: Batch) -> float:
        """Make a step."""
        return super().update(batch) if self.optimizer.iterations.numpy() < 5 else float("inf")


def loop(folder: Path, kind: type[Trainer] = Trainer) -> Loop:
    """Return a loop over a second of a chirp, as a new process would build it."""
    folder.mkdir(exist_ok=True)
    pcm = (8000 * np.sin(np.arange(8000) ** 1.2 / 9)).astype(np.int16).reshape(4, 2000)
    codebook = ((np.arange(65536) + 32768) % 65536 // 4096).astype(np.int32)
    model = build(MODEL, 16, TRAINING.seed)
    lengths = np.full(4, 2000)
    windows = Windows(pcm, np.arange(4), lengths, codebook, 8, model.receptive_field, 32, 2, 3)
    return Loop(folder, "key", kind(model, TRAINING), TRAINING, windows, windows, threads=2)


def published(folder: Path) -> dict[str, str]:
    """Return the checksum of every published file of weights."""
    return {p.name: sha256(p) for p in sorted((folder / "weights").iterdir())}


def test_a_run_stopped_by_a_signal_and_resumed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    loop(tmp_path / "whole").run()
    stopped = loop(tmp_path / "stopped", Interrupted)
    stopped.trainer.stop_in = 4
    with pytest.raises(Stopped, match="stopped at step 5") as end:
        stopped.run()
    assert end.value.status == 128 + signal.SIGTERM
    loop(tmp_path / "stopped").run()

    assert published(tmp_path / "stopped") == published(tmp_path / "whole")
    assert sorted(published(tmp_path / "whole")) == [f"step-{step:08d}.npz" for step in (3, 6, 8)]
    log = (tmp_path / "stopped" / "train.log").read_text()
    assert "stop at step 5: SIGTERM" in log
    assert "resume at step 5 of 8: after SIGTERM" in log


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    loop(tmp_path / "run").run()
    before = (tmp_path / "run" / "train.log").read_text()
    loop(tmp_path / "run").run()
    assert (tmp_path / "run" / "train.log").read_text() == before


def test_a_loss_that_explodes_stops_the_training_and_keeps_the_last_good_state(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match=r"loss is inf at step 6.*learning_rate"):
        loop(tmp_path / "run", Exploding).run()
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000003"]


def test_the_log_tells_of_losses_validation_and_checkpoints(tmp_path: Path) -> None:
    loop(tmp_path / "run").run()
    log = (tmp_path / "run" / "train.log").read_text()
    for line in ("start at step 0 of 8", "step 8 - loss =", "validation at step 4", "done at step"):
        assert line in log
