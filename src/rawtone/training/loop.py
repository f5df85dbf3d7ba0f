"""The training loop: steps, validation, checkpoints, and a good end whenever it is stopped."""

import logging
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import Any

from tqdm import tqdm

from rawtone.errors import Stopped, UserError
from rawtone.settings import Training
from rawtone.training import checkpoints
from rawtone.training.batches import Windows
from rawtone.training.log import TrainingLog, bits
from rawtone.training.signals import StopRequest, listening
from rawtone.training.trainer import Trainer

_log = logging.getLogger("rawtone")


@dataclass
class Loop:
    """Trains one run from wherever it stands to its last step.

    Args:
        folder: of the run.
        key: the run's name.
        trainer: model and optimizer.
        training: settings.
        train: the windows learned from.
        validation: held-out windows.
        threads: for the log.
    """

    folder: Path
    key: str
    trainer: Trainer
    training: Training
    train: Windows
    validation: Windows
    threads: int
    step: int = 0
    saved: int = -1
    validated: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Train to the last step.

        Raises:
            Stopped: a signal asked for it; the state is saved.
            UserError: the loss is not a number, or no checkpoint is whole.
        """
        with TrainingLog(self.folder / "train.log") as log, listening() as stop:
            self._begin(log)
            if self.step < self.training.steps:
                self._steps(log, stop)
                log.done(self.step)

    def _begin(self, log: TrainingLog) -> None:
        place = checkpoints.newest(self.folder / "checkpoints")
        if place is None:
            log.start(0, self.training.steps, run=self.key, threads=self.threads)
            return
        self.step, state, facts = checkpoints.read(place)
        self.saved, self.validated = self.step, facts["validation_loss"]
        self.trainer.restore(state)
        if self.step < self.training.steps:
            log.resume(self.step, self.training.steps, run=self.key, threads=self.threads)
            _log.info("resuming run %s at step %d", self.key, self.step)

    def _steps(self, log: TrainingLog, stop: StopRequest) -> None:
        settings = self.training
        with tqdm(
            total=settings.steps, initial=self.step, desc="train", unit="step", disable=None
        ) as bar:
            while self.step < settings.steps:
                started = time.perf_counter()
                loss = self.trainer.update(self.train.batch(self.step))
                seconds = time.perf_counter() - started
                self.step += 1
                self._require_finite(loss)
                if self._due(settings.log_every):
                    log.step(self.step, loss=loss, seconds=seconds)
                    bar.set_postfix_str(f"{bits(loss):.2f} bits")
                bar.update()
                if self._due(settings.validate_every):
                    self._validate(log)
                if self._due(settings.checkpoint_every):
                    self._publish()
                    self._save(log)
                if stop.signal is not None:
                    self._leave(log, stop.signal)

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.training.steps

    def _require_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise UserError(
                f"training of run {self.key}: the loss is {loss} at step {self.step}; the last "
                "good checkpoint is kept. Set a lower training.learning_rate or clip_norm"
            )

    def _validate(self, log: TrainingLog) -> None:
        count = self.training.validation_batches
        loss = self.trainer.validate([self.validation.batch(index) for index in range(count)])
        self.validated[str(self.step)] = loss
        log.validation(self.step, loss=loss)
        done = f"step {self.step} of {self.training.steps}"
        _log.info("%s: %.3f bits on held-out windows", done, bits(loss))

    def _publish(self) -> None:
        path = self.folder / "weights" / f"step-{self.step:08d}.npz"
        checkpoints.write_arrays(path, self.trainer.weights())

    def _save(self, log: TrainingLog) -> None:
        if self.saved != self.step:
            facts: dict[str, Any] = {"validation_loss": self.validated}
            checkpoints.save(self.folder / "checkpoints", self.step, self.trainer.state(), facts)
            self.saved = self.step
            log.checkpoint(self.step)

    def _leave(self, log: TrainingLog, signal: Signals) -> None:
        self._save(log)
        if self.step < self.training.steps:
            log.stop(self.step, reason=signal.name)
            message = f"stopped at step {self.step} and saved; the same command goes on from there"
            raise Stopped(message, 128 + signal.value)
