"""The training log: one plain, append-only text file per run, and what can be read back from it.

Steps are written in the line format of tensorflow-wavenet. The parser believes only whole lines, so
a line that was torn by a crash or garbled by a full disk costs itself and nothing else.
"""

import math
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Restart = Literal["", "manual", "automatic"]

MANUAL_REASONS = ("SIGINT", "SIGTERM")
NO_WORD = "no word (killed or crashed)"

_STEP = r"(?P<step>[0-9]{1,15})"
_TOTAL = r"[0-9]{1,15}"
_LOSS = r"(?P<loss>-?[0-9]{1,15}(?:\.[0-9]{0,15})?|nan|-?inf)"
_BITS = r"(?:-?[0-9]{1,15}(?:\.[0-9]{0,15})?|nan|-?inf)"
_SECONDS = r"(?P<seconds>[0-9]{1,15}(?:\.[0-9]{0,15})?)"

# Every kind of line, each recognised only in full: kind, what it looks like.
_LINES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("step", re.compile(rf"step {_STEP} - loss = {_LOSS}, \({_SECONDS} sec/step\)")),
    ("validation", re.compile(rf"validation at step {_STEP} - loss = {_LOSS}, {_BITS} bits")),
    ("checkpoint", re.compile(rf"checkpoint at step {_STEP}")),
    ("begin", re.compile(rf"start at step {_STEP} of {_TOTAL}: run .+")),
    ("begin", re.compile(rf"resume at step {_STEP} of {_TOTAL}: after .+, run .+")),
    ("end", re.compile(rf"stop at step {_STEP}: (?P<reason>\w+)")),
    ("end", re.compile(rf"(?P<reason>done) at step {_STEP}")),
)


@dataclass(frozen=True)
class Row:
    """What the log tells of one step; losses in nats per sample, None where nothing was said."""

    step: int
    loss: float | None = None
    seconds_per_step: float | None = None
    validation_loss: float | None = None
    session: int = 0
    restart: Restart = ""

    @property
    def bits(self) -> float | None:
        """Training loss in bits per sample."""
        return None if self.loss is None else bits(self.loss)

    @property
    def validation_bits(self) -> float | None:
        """Validation loss in bits per sample."""
        return None if self.validation_loss is None else bits(self.validation_loss)


def bits(nats: float) -> float:
    """Convert a loss in nats to bits.

    Args:
        nats: a negative log-likelihood to the base e.

    Returns:
        The same to the base 2, nats / ln 2.
    """
    return nats / math.log(2)


class TrainingLog:
    """Writes the log of a run: one method for each kind of line, each line on disk when it returns.

    Example:
        with TrainingLog(folder / "train.log") as log:
            log.start(0, 1600, run="3f2a9c0d1e2f", threads=2)
            log.step(10, loss=2.345, seconds=0.123)
    """

    def __init__(self, path: Path) -> None:
        """Open the log to append to it.

        Args:
            path: the log of this run; made if it is not there, its parent folder must be.
        """
        self._path = path
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
        reason = last_ending(self._path.read_text("utf-8", "replace")) or NO_WORD
        circumstances = _circumstances(run, threads)
        self._line(f"resume at step {step} of {total}: after {reason}, {circumstances}")

    def step(self, step: int, *, loss: float, seconds: float) -> None:
        """Tell of an optimizer update.

        Args:
            step: its number; the first update is step 1.
            loss: training loss in nats per sample.
            seconds: how long a step took.
        """
        self._line(f"step {step} - loss = {loss:.3f}, ({seconds:.3f} sec/step)")

    def validation(self, step: int, *, loss: float) -> None:
        """Tell of a validation.

        Args:
            step: updates done so far.
            loss: validation loss in nats per sample.
        """
        self._line(f"validation at step {step} - loss = {loss:.3f}, {bits(loss):.3f} bits")

    def checkpoint(self, step: int) -> None:
        """Say that the state at a step is safely on disk."""
        self._line(f"checkpoint at step {step}")

    def stop(self, step: int, *, reason: str) -> None:
        """Say that the run ends before its last step.

        Args:
            step: updates done so far.
            reason: one word, such as the name of the signal.
        """
        self._line(f"stop at step {step}: {reason}")

    def done(self, step: int) -> None:
        """Say that the run reached its last step."""
        self._line(f"done at step {step}")

    def _line(self, text: str) -> None:
        self._file.write(f"{text}\n".encode())


def last_ending(text: str) -> str:
    """Tell how the latest session in a log ended.

    Args:
        text: the log, or the part of it that survived.

    Returns:
        The reason of its stop line, "done", or "" if it ended without a word.
    """
    reason = ""
    for kind, found in _lines(text):
        if kind in ("begin", "end"):
            reason = found["reason"] if kind == "end" else ""
    return reason


def parse(text: str) -> list[Row]:
    """Read a training log, however badly it was treated.

    Work that a restart repeats is told once, as the later session had it. A restart is manual where
    the session before it was stopped by a signal or had finished, and automatic where it ended
    without a word.

    Args:
        text: the log.

    Returns:
        One row for each step it tells of, ascending. `restart` marks the first row of each session
        but the first.
    """
    rows: dict[int, Row] = {}
    sessions: list[Restart] = []
    ending = ""
    for kind, found in _lines(text):
        step = int(found["step"])
        if kind == "begin":
            if rows and not sessions:
                sessions.append("")  # its own first line is what was lost
            sessions.append(_restart_after(ending) if sessions else "")
            ending = ""
            rows = {k: row for k, row in rows.items() if k <= step}
        elif kind == "end":
            ending = found["reason"]
        elif kind in ("step", "validation"):
            session = max(len(sessions) - 1, 0)
            rows[step] = _told(rows.get(step, Row(step)), kind, found, session)
    return _marked(sorted(rows.values(), key=lambda row: row.step), sessions)


def _lines(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for line in text.split("\n"):
        for kind, pattern in _LINES:
            found = pattern.fullmatch(line.rstrip("\r"))
            if found:
                yield kind, found
                break


def _told(row: Row, kind: str, found: re.Match[str], session: int) -> Row:
    loss = float(found["loss"])
    if kind == "validation":
        return replace(row, validation_loss=loss, session=session)
    return replace(row, loss=loss, seconds_per_step=float(found["seconds"]), session=session)


def _restart_after(ending: str) -> Restart:
    return "manual" if ending in (*MANUAL_REASONS, "done") else "automatic"


def _marked(rows: list[Row], sessions: list[Restart]) -> list[Row]:
    latest, marked = 0, []
    for row in rows:
        if row.session > latest:
            row = replace(row, restart=sessions[row.session])
            latest = row.session
        marked.append(row)
    return marked


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
