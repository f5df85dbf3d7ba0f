"""From the lines of any training log to events in one common clock: the step.

Every program counts in its own way: steps from 0 or 1, epochs and steps in them, progress bars.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rawtone.training.log_formats import EITHER, KERAS, PRISM, Line
from rawtone.training.measures import NATS

_PACE = re.compile(r" ([0-9]+)(us|ms|s)/(?:step|sample)")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Told:
    """What a line tells of a step.

    `mean_after` is set where the loss is a running mean: of the steps after that one, to this one.
    `beginning`: a training that resumes nothing begins here. `unit`: of the loss, "" if unknown.
    """

    program: str
    step: int
    loss: float | None = None
    seconds: float | None = None
    validation: float | None = None
    mean_after: int | None = None
    beginning: bool = False
    unit: str = NATS.unit


@dataclass(frozen=True)
class Mark:
    """A line that tells of the training itself, by its kind in the table of formats."""

    program: str
    kind: str
    step: int = 0
    run: str = ""
    reason: str = ""


Event = Told | Mark


def events(lines: Iterable[Line]) -> list[Event]:
    """Translate lines to events.

    Args:
        lines: of a log, in order.

    Returns:
        What they tell, in order. A step out of all order, before and after which the count goes on
        as if it were not there, is a garbled number and left out.
    """
    return list(_in_order(list(_translated(lines))))


def _translated(lines: Iterable[Line]) -> Iterator[Event]:
    keras = _Epochs()
    for line in lines:
        if line.program == KERAS:
            yield from keras.read(line)
            continue
        yield from keras.close()
        if line.program == PRISM:
            yield from _prism(line)
        elif line.kind in ("step", "validation"):
            yield _step(line)
        else:
            yield Mark(line.program, line.kind, int(line["step"] or 0), line["run"], line["reason"])
    yield from keras.close()


def _step(line: Line) -> Told:
    step = int(line["step"])
    return Told(
        line.program,
        step,
        _number(line["loss"]),
        _number(line["seconds"]),
        _number(line["validation"]),
        unit=line["unit"] or NATS.unit,
        # The first line is step 0, and the likeliest to be torn.
        beginning=line.program == EITHER and step <= 1,
    )


def _prism(line: Line) -> Iterator[Told]:
    epoch, of, at = int(line["epoch"]), int(line["of"]), int(line["at"] or line["of"])
    if epoch < 1 or not 1 <= at <= of:
        return
    before = (epoch - 1) * of
    told = Told(PRISM, before + at, _number(line["loss"]), _number(line["seconds"]))
    if line.kind == "epoch":
        minutes = int(line["hours"] or 0) * 60 + int(line["minutes"] or 0)
        seconds = (minutes * 60 + float(line["seconds"])) / of
        told = replace(told, seconds=seconds, validation=_number(line["validation"]))
    yield replace(told, mean_after=before, beginning=epoch == 1)


class _Epochs:
    """Numbers the epochs of `fit`, each by the last state of its progress bar.

    The bars before that are left out: Keras 3 shows means of running means in them. A `fit` of one
    epoch after another of one epoch goes on counting: that is a loop over recordings.
    """

    def __init__(self) -> None:
        self._before = 0
        self._epoch = 0
        self._single = False
        self._last: Told | None = None
        self._over = True

    def read(self, line: Line) -> Iterator[Event]:
        """Take a line of Keras; yield what is certain now."""
        if line.kind == "epoch":
            yield from self.close()
            yield from self._begin(int(line["epoch"]), int(line["epochs"]))
        elif line.kind == "bar" and line["at"] == line["of"]:
            if line.left:
                self._take(line)
        elif self._last is not None:
            yield from self.close()

    def close(self) -> Iterator[Told]:
        """Yield the epoch that has ended, if one has."""
        if self._last is not None:
            self._over = True
            if self._single:
                self._before = self._last.step
            yield self._last
        self._last = None

    def _begin(self, epoch: int, epochs: int) -> Iterator[Mark]:
        single = epoch == epochs == 1
        if epoch == 1 and not (single and self._single):
            self._before = 0
            yield Mark(KERAS, "nothing")
        self._single, self._epoch, self._over = single, epoch, epoch < 1

    def _take(self, line: Line) -> None:
        if self._over or int(line["of"]) == 0:
            return
        told = self._told(line)
        # On terminals that cannot overwrite, the same bar comes again with the validation.
        if told.loss is not None and (self._last is None or told.validation is not None):
            self._last = told

    def _told(self, line: Line) -> Told:
        pace = _PACE.search(line["told"])
        seconds = int(pace[1]) * _UNITS[pace[2]] if pace else int(line["elapsed"]) / int(line["of"])
        return Told(
            KERAS,
            self._before + (self._epoch - 1) * int(line["of"]) + int(line["at"]),
            _metric(line, "loss"),
            seconds,
            _metric(line, "val_loss"),
            unit="",
        )


def _metric(line: Line, name: str) -> float | None:
    found = re.search(rf" - {name}: (\S+)", line["told"])
    return _number(found[1]) if found else None


def _number(text: str) -> float | None:
    return float(text) if text else None


def _in_order(told: list[Event]) -> Iterator[Event]:
    for before, event, after in zip([None, *told], told, [*told[1:], None], strict=False):
        if not _garbled(before, event, after):
            yield event


def _garbled(before: Event | None, event: Event, after: Event | None) -> bool:
    if not (isinstance(before, Told) and isinstance(event, Told) and isinstance(after, Told)):
        return False
    goes_on = before.step < after.step and before.program == after.program
    return goes_on and not before.step <= event.step <= after.step
