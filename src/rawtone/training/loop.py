"""The training loop: steps, validation, checkpoints, and a good end whenever it is stopped.

What is due at a step is done in an order that can be done again: validate, publish, save. So a run
that is killed between any two of its actions goes on from its last state to the same bytes.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rawtone.errors import Stopped, UserError
from rawtone.settings import Training
from rawtone.training import estimate, preview
from rawtone.training.batches import Batch
from rawtone.training.divergence import Diverged, require_finite, require_sane
from rawtone.training.log import TrainingLog
from rawtone.training.measures import NATS, Measure
from rawtone.training.order import Order
from rawtone.training.patience import why_early
from rawtone.training.run_folder import Facts, RunFolder
from rawtone.training.schedules import learning_rate
from rawtone.training.signals import StopRequest, listening
from rawtone.training.tensorboard import NoScalars, Scalars
from rawtone.training.trainer import Trainer

MAX_ROLLBACKS = 5
_log = logging.getLogger("rawtone")


@dataclass
class Loop:
    """Trains one run from wherever it stands to its end.

    Args:
        folder: of the run.
        key: the run's name.
        trainer: model and optimizer.
        training: settings.
        train: the windows learned from.
        validation: held-out windows.
        machinery: what computes, for the record: threads, devices, versions.
        uniform_loss: that of a model that knows nothing, per sample.
        place: puts a window (an index into the rows of `train`, and a sample) into words.
        require_room: refuses what does not fit; returns the bytes that all checkpoints take.
        notes: lines for the log about where this training comes from and runs on.
        measure: what its losses measure.
    """

    folder: Path
    key: str
    trainer: Trainer
    training: Training
    train: Order
    validation: Order
    machinery: dict[str, Any]
    uniform_loss: float
    place: Callable[[int, int], str]
    require_room: Callable[[], int]
    notes: Sequence[str] = ()
    measure: Measure = NATS
    step: int = 0
    facts: Facts = field(default_factory=Facts)

    def __post_init__(self) -> None:
        self._run = RunFolder(self.folder, self.training)
        self._saved: tuple[int, Facts] | None = None
        self._saved_at = time.monotonic()
        self._curves: Scalars | NoScalars = NoScalars()

    def run(self) -> None:
        """Train to the last step, or until validation has not become better for long enough.

        Raises:
            Stopped: a signal asked for it; the state is saved.
            UserError: what is needed does not fit, the loss exploded, or no checkpoint is whole.
        """
        with TrainingLog(self.folder / "train.log", self.measure) as log, listening() as stop:
            self._begin(log)
            while not self._finished():
                try:
                    self._steps(log, stop)
                except Diverged as diverged:
                    self._roll_back(log, diverged)
            self._run.retain(self.facts.validated)
            if not log.ended():
                log.done(self.step, self._why_early())

    def _begin(self, log: TrainingLog) -> None:
        self._run.tidy()
        resumed = self._restore(log)
        if not self._finished():
            disk = self.require_room()
            if not resumed:
                self._save(log)
            tell = log.resume if resumed else log.start
            threads = self.machinery["threads"]
            tell(self.step, self.training.steps, run=self.key, threads=threads)
            for line in self.notes:
                log.note(line)
            self._note_machinery(log)
            self._foretell(log, disk)

    def _restore(self, log: TrainingLog) -> bool:
        """Take over the newest state; tell whether there was one."""
        found, passed = self._run.newest()
        for line in passed:
            log.note(line)
        if found:
            self.step, arrays, facts = found
            self.trainer.restore(arrays)
            self._saved = self.step, facts
            self.facts = replace(facts, rollbacks=len(self._run.rollbacks()))
        return found is not None

    def _note_machinery(self, log: TrainingLog) -> None:
        """Record what computes, and say where that is not what computed before."""
        known = self.facts.machinery
        before = {k: v for k, v in known[-1].items() if k != "from_step"} if known else None
        if before == self.machinery:
            return
        news = {"from_step": self.step, **self.machinery}
        self.facts = replace(self.facts, machinery=[*known, news])
        if before is not None:
            changed = sorted(k for k in self.machinery if self.machinery[k] != before.get(k))
            told = ", ".join(f"{k} {before.get(k)} -> {self.machinery[k]}" for k in changed)
            line = f"goes on with other {told}: the last bits may differ from an unbroken run's"
            log.note(line)
            _log.warning("%s", line)

    def _foretell(self, log: TrainingLog, disk: int) -> None:
        remaining = self.training.steps - self.step
        seconds = preview.seconds(
            self.trainer, self.training, self.train, self.validation, remaining
        )
        line = estimate.words(seconds, remaining, disk, self.training)
        log.note(line)
        _log.info("%s", line)

    def _steps(self, log: TrainingLog, stop: StopRequest) -> None:
        steps = self.training.steps
        with (
            self._open_curves() as self._curves,
            tqdm(total=steps, initial=self.step, desc="train", unit="step", disable=None) as bar,
        ):
            self._do_what_is_due(log, stop)
            while not self._finished():
                if stop.signal is not None:
                    self._leave(log, stop)
                started = time.perf_counter()
                rate, loss = self._update()
                seconds = time.perf_counter() - started
                require_sane(self.step, loss, self.uniform_loss)
                if self._due(self.training.log_every):
                    log.step(self.step, loss=loss, seconds=seconds)
                    self._curves.step(self.step, loss=loss, seconds=seconds, learning_rate=rate)
                    bar.set_postfix_str(self.measure.words(loss))
                bar.update()
                self._do_what_is_due(log, stop)

    def _open_curves(self) -> Scalars | NoScalars:
        """Open what TensorBoard shows, from this step on."""
        if not self.training.tensorboard:
            return NoScalars()
        return Scalars(self.folder / "tensorboard", self.step, self.measure)

    def _update(self) -> tuple[float, float]:
        batches = [self.train.batch(index) for index in self._batches_of(self.step)]
        rate = learning_rate(self.training, self.step)
        if self.training.rollback is not None:
            rate *= self.training.rollback**self.facts.rollbacks
        loss = self.trainer.update(batches, rate)
        self.step += 1
        return rate, loss

    def _due(self, every: int) -> bool:
        return self.step > 0 and (self.step % every == 0 or self.step == self.training.steps)

    def _finished(self) -> bool:
        return self.step >= self.training.steps or bool(self._why_early())

    def _why_early(self) -> str:
        return why_early(self.facts.validated, self.training.patience)

    def _do_what_is_due(self, log: TrainingLog, stop: StopRequest) -> None:
        regular = self._due(self.training.checkpoint_every)
        if regular or self._due(self.training.validate_every):
            self._validate(log, stop)
        if regular or self._finished():
            self._publish()
            self._save(log)
        elif time.monotonic() - self._saved_at > 60 * self.training.save_minutes:
            self._save(log)

    def _validate(self, log: TrainingLog, stop: StopRequest) -> None:
        if self.step in self.facts.validated:
            return
        loss = self.trainer.validate(self._held_out(log, stop))
        require_sane(self.step, loss, math.inf)  # held-out audio may surprise a sound model
        self.facts = replace(self.facts, validated={**self.facts.validated, self.step: loss})
        log.validation(self.step, loss=loss)
        self._curves.validation(self.step, loss=loss)
        done = f"step {self.step} of {self.training.steps}"
        _log.info("%s: %s on held-out windows", done, self.measure.words(loss))

    def _held_out(self, log: TrainingLog, stop: StopRequest) -> Iterator[Batch]:
        for index in range(self.training.validation_batches):
            if stop.signal is not None:
                self._leave(log, stop)
            yield self.validation.batch(index)

    def _publish(self) -> None:
        if self._saved != (self.step, self.facts) or not self._run.published(self.step).exists():
            weights = self.trainer.weights()
            require_finite(self.step, weights)
            self._run.publish(self.step, weights)

    def _save(self, log: TrainingLog) -> None:
        if self._saved == (self.step, self.facts):
            return
        started = time.perf_counter()
        state = self.trainer.state()
        require_finite(self.step, state)
        log.sync()  # a state on disk whose past is not in the log would leave a gap there
        self._curves.sync()
        self._run.save(self.step, state, self.facts)
        self._run.retain(self.facts.validated)
        self._saved, self._saved_at = (self.step, self.facts), time.monotonic()
        log.checkpoint(self.step, seconds=time.perf_counter() - started, **self._run.on_disk())

    def _leave(self, log: TrainingLog, stop: StopRequest) -> None:
        self._save(log)
        log.stop(self.step, reason=stop.reason)
        message = f"stopped at step {self.step} and saved; the same command goes on from there"
        raise Stopped(message, stop.status)

    def _roll_back(self, log: TrainingLog, diverged: Diverged) -> None:
        """Go on from the checkpoint before with a lower rate, if the settings say so."""
        factor, batch = self.training.rollback, self._batch_in_words(diverged.step - 1)
        log.diverged(diverged.step, loss=diverged.loss, batch=batch)
        told = f"the loss is {diverged.loss:.3f} at step {diverged.step}, whose batch was {batch}"
        if factor is None or self.facts.rollbacks >= MAX_ROLLBACKS:
            other = ", or training.rollback to 0.5" if factor is None else ""
            raise UserError(
                f"training of run {self.key}: {told}; the last good checkpoint is kept. "
                f"Set a lower training.learning_rate or clip_norm{other}"
            )
        self._run.roll_back(diverged.step)
        self._restore(log)
        rate = factor**self.facts.rollbacks
        log.roll_back(self.step, rate=rate)
        _log.warning("%s; back to step %d with %g of the learning rate", told, self.step, rate)

    def _batch_in_words(self, step: int) -> str:
        drawn = [place for index in self._batches_of(step) for place in self.train.draw(index)]
        return ", ".join(self.place(place.chunk, place.start) for place in drawn)

    def _batches_of(self, step: int) -> range:
        count = self.training.accumulate
        return range(step * count, (step + 1) * count)
