"""The loop: stopped anywhere and run again, it ends with the same bytes."""

import math
import os
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rawtone.errors import Stopped, UserError
from rawtone.files import sha256
from rawtone.settings import Keep
from rawtone.training.batches import Batch, Excerpts, Windows
from rawtone.training.checkpoints import Arrays
from rawtone.training.loop import Loop
from tests import trainings

LEVELS = 16
TRAINING = trainings.plain(
    steps=8,
    batch_size=2,
    window=32,
    warmup_steps=2,
    schedule="cosine",
    seed=3,
    validate_every=4,
    validation_batches=2,
    checkpoint_every=3,
)
PREVIEWED = 2  # updates that are made to foretell what training takes, and taken back


class Bigrams:
    """A trainer that needs no compiler: which code follows which, by SGD with momentum."""

    def __init__(self) -> None:
        self.table = np.zeros((LEVELS, LEVELS), np.float32)
        self.velocity = np.zeros_like(self.table)

    def _scored(self, batch: Batch) -> tuple[float, NDArray[np.float32]]:
        logits = self.table[batch.codes]
        likely = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        chosen = np.take_along_axis(likely, batch.targets[..., None], axis=-1)
        gradient = np.zeros_like(self.table)
        np.add.at(gradient, batch.codes, likely - np.eye(LEVELS)[batch.targets])
        return float(-np.log(chosen).mean()), gradient / batch.targets.size

    def update(self, batches: Sequence[Batch], learning_rate: float) -> float:
        """Make a step."""
        scored = [self._scored(batch) for batch in batches]
        gradient = sum(gradient for _, gradient in scored) / len(scored)
        self.velocity = (0.9 * self.velocity - learning_rate * gradient).astype(np.float32)
        self.table = self.table + self.velocity
        return float(np.mean([loss for loss, _ in scored]))

    def validate(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss."""
        return float(np.mean([self._scored(batch)[0] for batch in batches]))

    def weights(self) -> Arrays:
        """Return what is published."""
        return {"table": self.table}

    def state(self) -> Arrays:
        """Return everything."""
        return {"table": self.table, "velocity": self.velocity}

    def restore(self, state: Arrays) -> None:
        """Take it over."""
        self.table, self.velocity = state["table"], state["velocity"]


class Scripted(Bigrams):
    """A trainer to which things happen at chosen updates, counted from 0, and validations."""

    signal_at: int | None = None
    signal_in_validation: int | None = None
    losses: dict[int, float] = {}  # noqa: RUF012 - replaced, never changed
    broken_at: int | None = None
    validations: Sequence[float] = ()
    updates: int = -PREVIEWED
    rates: Sequence[float] = ()

    def update(self, batches: Sequence[Batch], learning_rate: float) -> float:
        """Make a step, and get the signal while at it."""
        loss = super().update(batches, learning_rate)
        at, self.updates = self.updates, self.updates + 1
        self.rates = [*self.rates, learning_rate]
        if at == self.signal_at:
            os.kill(os.getpid(), signal.SIGUSR1)
        if at == self.broken_at:
            self.table = np.full_like(self.table, np.nan)
        return self.losses.get(at, loss)

    def validate(self, batches: Iterable[Batch]) -> float:
        """Validate, and get the signal while at it."""
        if self.updates == self.signal_in_validation:
            os.kill(os.getpid(), signal.SIGTERM)
        loss = super().validate(batches)
        if self.updates > 0 and self.validations:
            first, *self.validations = self.validations
            return first
        return loss


def loop(folder: Path, script: dict[str, Any] | None = None, **settings: Any) -> Loop:
    """Return a loop over a second of a chirp, as a new process would build it."""
    folder.mkdir(exist_ok=True)
    training = TRAINING.model_copy(update=settings)
    pcm = (8000 * np.sin(np.arange(8000) ** 1.2 / 9)).astype(np.int16).reshape(4, 2000)
    codebook = ((np.arange(65536) + 32768) % 65536 // 4096).astype(np.int32)
    audio = (pcm, np.arange(4), np.full(4, 2000), np.zeros(4, np.int32), codebook, 8)
    windows = Windows(Excerpts(*audio, context=1, hop=1, window=32, batch_size=2, seed=3))
    trainer: Any = Scripted()
    for name, value in (script or {}).items():
        setattr(trainer, name, value)
    return Loop(
        folder,
        "key",
        trainer,
        training,
        windows,
        windows,
        machinery={"threads": 2},
        uniform_loss=math.log(LEVELS),
        place=lambda chunk, sample: f"chunk {chunk} at {sample}",
        require_room=lambda: 4000,
    )


def published(folder: Path) -> dict[str, str]:
    """Return the checksum of every published file of weights."""
    return {p.name: sha256(p) for p in sorted((folder / "weights").iterdir())}


def log_of(folder: Path) -> str:
    """Return the log."""
    return (folder / "train.log").read_text()


def test_a_run_stopped_by_a_signal_and_resumed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    loop(tmp_path / "whole").run()
    with pytest.raises(Stopped, match="stopped at step 5") as end:
        loop(tmp_path / "stopped", {"signal_at": 4}).run()
    assert end.value.status == 128 + signal.SIGUSR1
    loop(tmp_path / "stopped").run()

    assert published(tmp_path / "stopped") == published(tmp_path / "whole")
    assert sorted(published(tmp_path / "whole")) == [f"step-{step:08d}.npz" for step in (3, 6, 8)]
    assert "stop at step 5: SIGUSR1" in log_of(tmp_path / "stopped")
    assert "resume at step 5 of 8: after SIGUSR1" in log_of(tmp_path / "stopped")


def test_a_signal_while_validating_does_not_wait_for_its_end_and_loses_nothing(
    tmp_path: Path,
) -> None:
    loop(tmp_path / "whole").run()
    with pytest.raises(Stopped, match="stopped at step 6"):
        loop(tmp_path / "stopped", {"signal_in_validation": 6}).run()
    assert "step-00000006.npz" not in published(tmp_path / "stopped")
    loop(tmp_path / "stopped").run()
    assert published(tmp_path / "stopped") == published(tmp_path / "whole")
    assert log_of(tmp_path / "stopped").count("validation at step 6") == 1


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    loop(tmp_path / "run").run()
    before = log_of(tmp_path / "run")
    loop(tmp_path / "run").run()
    assert log_of(tmp_path / "run") == before


def test_a_finished_run_is_not_refused_for_what_only_training_needs(tmp_path: Path) -> None:
    def refuse() -> int:
        raise UserError("too large")

    refused = loop(tmp_path / "other")
    refused.require_room = refuse
    with pytest.raises(UserError, match="too large"):
        refused.run()
    assert not (tmp_path / "other/checkpoints").exists()
    loop(tmp_path / "run").run()
    again = loop(tmp_path / "run")
    again.require_room = refuse
    again.run()


def test_a_run_killed_before_its_last_word_says_it_when_run_again(tmp_path: Path) -> None:
    loop(tmp_path / "run").run()
    log = tmp_path / "run" / "train.log"
    log.write_text(log.read_text().replace("done at step 8\n", ""))
    loop(tmp_path / "run").run()
    assert log.read_text().endswith("done at step 8\n")


@pytest.mark.parametrize("loss", [math.nan, math.inf, 50.0])
def test_a_loss_that_explodes_stops_the_training_and_keeps_the_last_good_state(
    tmp_path: Path, loss: float
) -> None:
    with pytest.raises(UserError, match=r"at step 6, whose batch was chunk \d at \d+, chunk.*rate"):
        loop(tmp_path / "run", {"losses": {5: loss}}).run()
    states = sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir())
    assert states == ["step-00000000", "step-00000003"]
    assert "diverged at step 6" in log_of(tmp_path / "run")


def test_held_out_audio_that_surprises_the_model_is_no_divergence(tmp_path: Path) -> None:
    run = loop(tmp_path / "run", {"validations": [50.0] * 4})
    run.run()
    assert run.step == 8


def test_weights_that_are_no_numbers_are_never_saved(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the loss is nan at step 6"):
        loop(tmp_path / "run", {"broken_at": 5}).run()
    states = sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir())
    assert states == ["step-00000000", "step-00000003"]


def test_where_told_to_a_run_that_explodes_goes_back_and_on_with_a_lower_rate(
    tmp_path: Path,
) -> None:
    run = loop(tmp_path / "run", {"losses": {4: math.nan}}, rollback=0.5, schedule="constant")
    run.run()
    rates = run.trainer.rates[PREVIEWED:]
    assert rates == pytest.approx([0, 0.005, 0.01, 0.01, 0.01] + [0.005] * 5)
    assert "roll back to step 3: learning rate x 0.5" in log_of(tmp_path / "run")
    assert len(published(tmp_path / "run")) == 3


def test_a_rolled_back_run_that_is_stopped_goes_on_with_the_lower_rate_to_the_same_bytes(
    tmp_path: Path,
) -> None:
    script = {"losses": {4: math.nan}}
    loop(tmp_path / "whole", script, rollback=0.5).run()
    with pytest.raises(Stopped, match="stopped at step 4"):  # 5 updates, 2 of them lost, 1 more
        loop(tmp_path / "stopped", script | {"signal_at": 5}, rollback=0.5).run()
    loop(tmp_path / "stopped", rollback=0.5).run()
    assert published(tmp_path / "stopped") == published(tmp_path / "whole")


def test_a_run_that_goes_on_exploding_is_given_up(tmp_path: Path) -> None:
    always = dict.fromkeys(range(100), math.nan)
    with pytest.raises(UserError, match="the loss is nan at step 1"):
        loop(tmp_path / "run", {"losses": always}, rollback=0.5).run()
    assert log_of(tmp_path / "run").count("roll back to step 0") == 5


def test_training_ends_when_validation_has_not_become_better_for_long_enough(
    tmp_path: Path,
) -> None:
    script = {"validations": [2.0, 1.0, 1.5, 1.0]}
    early = {"patience": 2, "steps": 30, "validate_every": 2, "checkpoint_every": 10}
    run = loop(tmp_path / "run", script, **early)
    run.run()
    assert run.step == 8
    assert list(published(tmp_path / "run")) == ["step-00000008.npz"]
    assert log_of(tmp_path / "run").endswith("done at step 8: no better validation in 2\n")
    again = loop(tmp_path / "run", **early)
    again.run()
    assert again.step == 8


def test_only_what_the_setting_names_stays_published(tmp_path: Path) -> None:
    script = {"validations": [2.0, 1.0, 1.5, 1.7, 1.9, 1.8, 1.6, 1.55]}
    keep = Keep(last=1, every=3, best=1)
    loop(tmp_path / "run", script, checkpoint_every=1, validate_every=1, keep=keep).run()
    assert [int(name[5:13]) for name in published(tmp_path / "run")] == [2, 3, 6, 8]
    assert "4 published" in log_of(tmp_path / "run").splitlines()[-2]


def test_the_state_is_saved_by_the_clock_too(tmp_path: Path) -> None:
    loop(tmp_path / "run", save_minutes=1e-9).run()
    assert "checkpoint at step 1 " in log_of(tmp_path / "run")
    assert "step-00000001.npz" not in published(tmp_path / "run")


def test_a_resume_on_other_machinery_says_so_and_is_recorded(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        loop(tmp_path / "run", {"signal_at": 4}).run()
    other = loop(tmp_path / "run")
    other.machinery = {"threads": 8}
    other.run()
    assert "note: goes on with other threads 2 -> 8" in log_of(tmp_path / "run")
    assert [(m["from_step"], m["threads"]) for m in other.facts.machinery] == [(0, 2), (5, 8)]


def test_the_log_tells_what_training_will_take_and_how_it_went(tmp_path: Path) -> None:
    loop(tmp_path / "run").run()
    log = log_of(tmp_path / "run")
    for line in ("start at step 0 of 8", "note: about 0:00:", "step 8 - loss =", "done at step 8"):
        assert line in log
    assert "validation at step 4" in log


def test_curves_are_written_for_tensorboard_only_where_asked_for(tmp_path: Path) -> None:
    loop(tmp_path / "without").run()
    assert not (tmp_path / "without" / "tensorboard").exists()
    with pytest.raises(Stopped):
        loop(tmp_path / "with", {"signal_at": 4}, tensorboard=True).run()
    loop(tmp_path / "with", tensorboard=True).run()
    assert len(list((tmp_path / "with" / "tensorboard").iterdir())) == 2
    assert published(tmp_path / "with") == published(tmp_path / "without")
