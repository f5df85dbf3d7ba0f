"""The log of a training without what differs from machine to machine: times, hosts, restarts.

Its bytes depend on what was learned alone. It keeps the line formats of `rawtone.training.log`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rawtone.training.history import Row, parse
from rawtone.training.log import roll_back_line, validation_line
from rawtone.training.measures import MEASURES


def plain(text: str, rollbacks: Sequence[Mapping[str, Any]], factor: float | None) -> str:
    """Return what the log of a run tells of learning, each step once.

    Args:
        text: the run's log, with every restart in it.
        rollbacks: each time training went back, `to` which step.
        factor: of the learning rate, each time.

    Returns:
        A log that reads the same however often the run was interrupted.
    """
    back = [
        (int(event["to"]), roll_back_line(int(event["to"]), (factor or 1) ** number))
        for number, event in enumerate(rollbacks, start=1)
    ]
    told = [(row.step, line) for row in parse(text) for line in _told(row)]
    lines = [line for _, line in sorted([*told, *back], key=lambda entry: entry[0])]
    return "".join(f"{line}\n" for line in lines)


def _told(row: Row) -> Iterator[str]:
    measure = MEASURES[row.unit]
    if row.loss is not None:
        yield f"step {row.step} - loss = {measure.written(row.loss)} {measure.unit}"
    if row.validation_loss is not None:
        yield validation_line(row.step, row.validation_loss, measure)
