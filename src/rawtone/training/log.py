"""The training log: one plain, append-only text file per run.

Steps are written in the line format of tensorflow-wavenet. `rawtone.training.history` reads it, and
other programs' logs, back.
"""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from rawtone.training.log_formats import RAWTONE, lines
from rawtone.training.measures import NATS, Measure

Restart = Literal["", "manual", "automatic"]

# SIGUSR1 is not among them: a batch system sends it before its time limit.
BY_A_PERSON = ("SIGINT", "SIGTERM", "SIGHUP", "done")
NO_WORD = "no word (killed or crashed)"


class TrainingLog:
    """Writes the log of a run: one method for each kind of line, each line on disk when it returns.

    Example:
        with TrainingLog(folder / "train.log") as log:
            log.start(0, 1600, run="3f2a9c0d1e2f", threads=2)
            log.step(10, loss=2.345, seconds=0.123)
    """

    def __init__(self, path: Path, measure: Measure = NATS) -> None:
        """Open the log to append to it.

        Args:
            path: the log of this run; made if it is not there, its parent folder must be.
            measure: what its losses measure.
        """
        self._path = path
        self._measure = measure
        # Unbuffered, so that every line is one write and survives whatever happens next.
        self._file = path.open("ab", buffering=0)
        if _ends_torn(path):
            self._file.write(b"\n")

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; what was written is already there."""
        self._file.close()

    def start(self, step: int, total: int, *, run: str, threads: int) -> None:
        """Say that a run begins.

        Args:
            step: steps done so far.
            total: steps in all.
            run: the key of the run.
            threads: threads it computes with.
        """
        self._line(f"start at step {step} of {total}: {_circumstances(run, threads)}")

    def resume(self, step: int, total: int, *, run: str, threads: int) -> None:
        """Say that a run goes on; why it had ended is taken from the log itself.

        Args:
            step: steps done so far, as in the checkpoint that it goes on from.
            total: steps in all.
            run: the key of the run.
            threads: threads it computes with.
        """
        reason = self._ending() or NO_WORD
        circumstances = _circumstances(run, threads)
        self._line(f"resume at step {step} of {total}: after {reason}, {circumstances}")

    def step(self, step: int, *, loss: float, seconds: float) -> None:
        """Tell of an optimizer update.

        Args:
            step: its number; the first update is step 1.
            loss: training loss per sample.
            seconds: how long a step took.
        """
        unit = "" if self._measure is NATS else f" {self._measure.unit}"
        told = f"{self._measure.written(loss)}{unit}"
        self._line(f"step {step} - loss = {told}, ({seconds:.3f} sec/step)")

    def validation(self, step: int, *, loss: float) -> None:
        """Tell of a validation.

        Args:
            step: updates done so far.
            loss: validation loss per sample.
        """
        self._line(validation_line(step, loss, self._measure))

    def checkpoint(
        self, step: int, *, seconds: float, states: int, published: int, size: int
    ) -> None:
        """Say that the state at a step is safely on disk, and what the run now takes there.

        Args:
            step: updates done so far.
            seconds: how long saving took.
            states: saved states on disk.
            published: published checkpoints on disk.
            size: bytes of them all.
        """
        amount = f"{states} {'state' if states == 1 else 'states'} and {published} published"
        on_disk = f"{amount}, {size / 1e6:.1f} MB on disk"
        self._line(f"checkpoint at step {step} - ({seconds:.3f} sec), {on_disk}")

    def stop(self, step: int, *, reason: str) -> None:
        """Say that the run ends before its last step.

        Args:
            step: updates done so far.
            reason: one word, such as the name of the signal.
        """
        self._line(f"stop at step {step}: {reason}")

    def done(self, step: int, why: str = "") -> None:
        """Say that the run is at its end.

        Args:
            step: updates done.
            why: what ended it before its last step, if something did.
        """
        self._line(f"done at step {step}: {why}" if why else f"done at step {step}")

    def diverged(self, step: int, *, loss: float, batch: str) -> None:
        """Say that the loss is no number any more, or exploded.

        Args:
            step: the update that it happened in.
            loss: training loss per sample.
            batch: what was learned from.
        """
        self._line(f"diverged at step {step}: loss = {loss:.5g}, batch = {batch}")

    def roll_back(self, step: int, *, rate: float) -> None:
        """Say that training goes back to a step and on from there with a lower learning rate.

        Args:
            step: of the checkpoint.
            rate: factor of the learning rate.
        """
        self._line(roll_back_line(step, rate))

    def note(self, text: str) -> None:
        """Tell a person something that no program reads."""
        self._line(f"note: {text}")

    def ended(self) -> bool:
        """Whether the log says already that the run is at its end."""
        return self._ending() == "done"

    def sync(self) -> None:
        """Wait until all that was written would survive a power cut."""
        os.fsync(self._file.fileno())

    def _ending(self) -> str:
        return last_ending(self._path.read_text("utf-8", "replace"))

    def _line(self, text: str) -> None:
        # The name of a file may hold a line feed, and must not begin a line of its own.
        whole = "".join(letter if letter.isprintable() else " " for letter in text)
        self._file.write(f"{whole}\n".encode(errors="replace"))


def validation_line(step: int, loss: float, measure: Measure) -> str:
    """Return the line that tells of a validation."""
    told = f", {measure.words(loss)}" if measure.density else f" {measure.unit}"
    return f"validation at step {step} - loss = {measure.written(loss)}{told}"


def roll_back_line(step: int, rate: float) -> str:
    """Return the line that tells of going back to a step with a factor of the learning rate."""
    return f"roll back to step {step}: learning rate x {rate:g}"


def last_ending(text: str) -> str:
    """Tell how the latest session in a log ended.

    Args:
        text: the log, or the part of it that survived.

    Returns:
        The reason of its stop line, "done", "diverged", or "" if it ended without a word.
    """
    reason = ""
    for line in lines(text):
        if line.program == RAWTONE and line.kind in ("start", "resume", "roll back", "end"):
            reason = line["reason"] if line.kind == "end" else ""
    return reason


def restart_after(ending: str) -> Restart:
    """Tell what kind of restart follows a session that ended so.

    Args:
        ending: as `last_ending` or a resume line tells it.

    Returns:
        "manual" where a person had stopped the training or it was done, otherwise "automatic".
    """
    return "manual" if ending in BY_A_PERSON else "automatic"


def _circumstances(run: str, threads: int) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    host = socket.gethostname()
    return f"run {run}, {now}, {host}, pid {os.getpid()}, {threads} threads"


def _ends_torn(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"
