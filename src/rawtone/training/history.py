"""What a training log tells, step by step, whichever program wrote it.

Only whole lines are believed. A file may hold several runs, even of several programs, and each run
several sessions: the stretches between restarts.
"""

import math
from dataclasses import dataclass, field, replace

from rawtone.training.log import Restart, restart_after
from rawtone.training.log_events import Event, Mark, Told, events
from rawtone.training.log_formats import EITHER, RAWTONE, WAVENET, lines
from rawtone.training.measures import NATS

# PRiSM SampleRNN prints running means to three decimals; undoing one must not blur it by more.
ROUNDING = 0.0005
BLUR = 0.02


@dataclass(frozen=True)
class Row:
    """What the log tells of one step; losses per sample, None where nothing was said.

    The loss of a row of PRiSM SampleRNN is the mean since the row before that has one. A row of
    Keras is an epoch; what its loss measures, Keras does not say, so `unit` is "" there.
    """

    step: int
    loss: float | None = None
    seconds_per_step: float | None = None
    validation_loss: float | None = None
    session: int = 0
    restart: Restart = ""
    run: int = 0
    unit: str = NATS.unit

    @property
    def bits(self) -> float | None:
        """Training loss in bits per sample."""
        return self._in_bits(self.loss)

    @property
    def validation_bits(self) -> float | None:
        """Validation loss in bits per sample."""
        return self._in_bits(self.validation_loss)

    def _in_bits(self, loss: float | None) -> float | None:
        return None if loss is None or self.unit != NATS.unit else NATS.bits(loss)


def parse(text: str) -> list[Row]:
    """Read a training log, however badly it was treated.

    Its lines tell the format: ours, or that of tensorflow-wavenet, PRiSM SampleRNN or Keras `fit`.
    Steps of PRiSM are counted through all epochs. Work that a restart repeats is told once, as the
    later session had it.

    A new run begins where another program writes, where ours starts under another key, and where
    a program's count goes back to its beginning and nothing was restored. Any other start is a
    restart: automatic where the shell's "Restarting the service at" stands before it, or where our
    session before it was not stopped by a person; otherwise manual.

    Args:
        text: the log.

    Returns:
        One row for each step it tells of, ascending within each run. `restart` marks the first row
        of each session but a run's first.
    """
    reader = _Reader()
    for event in events(lines(text)):
        reader.read(event)
    told = [run for run in reader.runs if run.rows]
    return [row for number, run in enumerate(told) for row in run.told(number)]


@dataclass
class _Run:
    """A training, as far as the log has told of it."""

    program: str
    key: str = ""
    rows: dict[int, Row] = field(default_factory=dict)
    sessions: list[Restart] = field(default_factory=lambda: [""])
    newest: int = -1

    def begin_session(self, restart: Restart, step: int) -> None:
        """Go on after `step`; what was done beyond it is done again."""
        self.sessions.append(restart)
        self.rows = {done: row for done, row in self.rows.items() if done <= step}
        self.newest = max(self.rows, default=-1)

    def repeats(self, told: Told) -> bool:
        """Whether this was told before, so that something must have started again."""
        row = self.rows.get(told.step)
        if told.step != self.newest or row is None:
            return told.step < self.newest
        again = row.seconds_per_step if told.validation is None else row.validation_loss
        return again is not None

    def tell(self, told: Told) -> None:
        """Add what was told to the step's row."""
        row = self.rows.get(told.step, Row(told.step))
        known = row.seconds_per_step
        self.rows[told.step] = replace(
            row,
            loss=row.loss if told.loss is None else told.loss,
            # A whole epoch's duration says less than that of the step.
            seconds_per_step=told.seconds if known is None else known,
            validation_loss=row.validation_loss if told.validation is None else told.validation,
            session=len(self.sessions) - 1,
            unit=told.unit,
        )
        self.newest = told.step

    def told(self, number: int) -> list[Row]:
        """Return the rows in order, the first of each later session marked."""
        latest, marked = 0, []
        for _, row in sorted(self.rows.items()):
            restart = self.sessions[row.session] if row.session > latest else ""
            latest = max(latest, row.session)
            marked.append(replace(row, run=number, restart=restart))
        return marked


@dataclass
class _Since:
    """What has been said since the last step: how the next one comes about.

    `fresh` is the program that said that it has nothing to go on from.
    """

    program: str = EITHER
    restart: Restart = ""
    loop: bool = False
    new_folder: bool = False
    fresh: str | None = None
    restored: bool = False


class _Reader:
    """Tells runs and sessions apart, event by event."""

    def __init__(self) -> None:
        self.runs: list[_Run] = []
        self._since = _Since()
        self._ending = ""
        self._mean = _RunningMean()

    def read(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Told):
            self._tell(event)
        elif event.program == RAWTONE:
            self._ours(event)
        else:
            self._note(event)

    def _tell(self, told: Told) -> None:
        program = told.program or self._since.program
        if self._is_new(told, program):
            self._begin_run(program)
        run = self.runs[-1]
        run.program = run.program or program
        restart = self._since.restart
        if run.rows and (restart or run.repeats(told)):
            without_a_word: Restart = "automatic" if run.program == RAWTONE else "manual"
            self._begin_session(restart or without_a_word, told.step - 1)
        if told.mean_after is not None and told.loss is not None:
            told = replace(told, loss=self._mean.undo(told.mean_after, told.step, told.loss))
        run.tell(told)
        self._since = _Since()

    def _is_new(self, told: Told, program: str) -> bool:
        if not self.runs or not _may_be(self.runs[-1].program, program):
            return True
        run, since = self.runs[-1], self._since
        if run.program == RAWTONE or not run.rows:
            return False
        return since.fresh == program or (
            told.beginning and not since.restored and told.step < run.newest
        )

    def _ours(self, mark: Mark) -> None:
        if mark.kind == "end":
            self._ending = mark.reason
        elif mark.kind in ("start", "resume"):
            self._start(mark)
        elif self.runs and _may_be(self.runs[-1].program, RAWTONE):
            self.runs[-1].program = RAWTONE
            if mark.kind == "roll back":
                self._begin_session("automatic", mark.step)

    def _start(self, mark: Mark) -> None:
        run = self.runs[-1] if self.runs else None
        # A run that was killed before its first checkpoint starts again, under the same key.
        known = run is not None and (
            _same_key(run.key, mark.run) or (run.key == "" and mark.kind == "resume")
        )
        if run is None or not _may_be(run.program, RAWTONE) or not known:
            self._begin_run(RAWTONE)
        else:
            after = restart_after(mark.reason or self._ending)
            self._begin_session("automatic" if self._since.loop else after, mark.step)
        run = self.runs[-1]
        run.program, run.key = RAWTONE, run.key or mark.run
        self._since = _Since()

    def _note(self, mark: Mark) -> None:
        since = self._since
        if mark.program == WAVENET:
            since.program = WAVENET
        if mark.kind == "loop":
            since.restart, since.loop = "automatic", True
        elif mark.kind == "new folder":
            since.new_folder = True
        elif mark.kind == "restored":
            since.restored = True
        if mark.kind.startswith("begin"):
            since.restart = "automatic" if since.loop else "manual"
            since.fresh = WAVENET if since.new_folder else None
            since.loop = since.new_folder = since.restored = False
        if mark.kind.endswith("nothing"):
            since.fresh = mark.program

    def _begin_run(self, program: str) -> None:
        self.runs.append(_Run(program))
        self._ending, self._mean = "", _RunningMean()

    def _begin_session(self, restart: Restart, step: int) -> None:
        self.runs[-1].begin_session(restart, step)
        self._ending, self._mean = "", _RunningMean()


def _may_be(program: str, other: str) -> bool:
    """Whether two lines may be one program's; a step line alone is ours or tensorflow-wavenet's."""
    if EITHER in (program, other):
        return {program, other} <= {EITHER, RAWTONE, WAVENET}
    return program == other


def _same_key(key: str, other: str) -> bool:
    """Whether two hashes are the same, but for one letter that may be garbled."""
    if len(key) != len(other):
        return False
    return sum(a != b for a, b in zip(key, other, strict=True)) <= len(key) // 8


class _RunningMean:
    """Undoes the running mean of an epoch, over as many steps as its rounding makes necessary.

    With means m at step p and M at step n of the epoch, the steps between had the mean
    (n M - p m) / (n - p), known to half a unit of the last place times (n + p) / (n - p).
    """

    def __init__(self) -> None:
        self._epoch, self._count, self._mean = -1, 0, 0.0

    def undo(self, epoch: int, step: int, mean: float) -> float | None:
        """Return the mean loss since the step it was last returned for.

        Args:
            epoch: the step after which the running mean began.
            step: the step it was printed at.
            mean: the loss printed, in nats.

        Returns:
            Nats, or None where the steps are still too few to tell.
        """
        if epoch != self._epoch:
            self._epoch, self._count, self._mean = epoch, 0, 0.0
        count, known = step - epoch, self._count
        if count <= known or (count + known) * ROUNDING > BLUR * (count - known):
            return None
        loss = (count * mean - known * self._mean) / (count - known) if known else mean
        if math.isfinite(mean):
            self._count, self._mean = count, mean
        return loss
