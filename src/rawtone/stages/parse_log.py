"""train.log -> history.csv and curves."""

import logging
from collections.abc import Sequence
from pathlib import Path

from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.files import write_atomically
from rawtone.report.plots import Curve, Restart, loss_svg, speed_svg
from rawtone.stages import layout
from rawtone.training.log import Row, parse

COLUMNS = (
    "step",
    "loss",
    "bits",
    "seconds_per_step",
    "validation_loss",
    "validation_bits",
    "session",
    "restart",
)

_log = logging.getLogger("rawtone")


def run(name: str) -> None:
    """Turn an experiment's training log into a table and curves of loss and speed.

    Args:
        name: the experiment.

    Raises:
        UserError: there is no such experiment, or it has no log yet.
    """
    layout.read_settings("parse-log", name)
    folder = layout.results(name)
    rows = parse(_text(folder / "train.log"))
    restarts = [Restart(row.step, row.restart) for row in rows if row.restart]
    write_atomically(folder / "curves/loss.svg", _loss(rows, restarts))
    write_atomically(folder / "curves/speed.svg", _speed(rows, restarts))
    table.write(folder / "history.csv", COLUMNS, [_cells(row) for row in rows])
    _log.info("read %d steps, %d restarts from the log of %s", len(rows), len(restarts), name)


def _text(path: Path) -> str:
    if not path.exists():
        raise UserError(f"{path}: no training log; train first (rawtone train {path.parent.name})")
    return path.read_text("utf-8", "replace")


def _loss(rows: Sequence[Row], restarts: Sequence[Restart]) -> str:
    trained = [(row.step, row.bits) for row in rows if row.bits is not None]
    validated = [(row.step, row.validation_bits) for row in rows if row.validation_bits is not None]
    return loss_svg(_curve(trained), _curve(validated), restarts)


def _speed(rows: Sequence[Row], restarts: Sequence[Restart]) -> str:
    timed = [(row.step, row.seconds_per_step) for row in rows if row.seconds_per_step is not None]
    return speed_svg(_curve(timed), restarts)


def _curve(points: Sequence[tuple[int, float]]) -> Curve:
    return Curve([step for step, _ in points], [value for _, value in points])


def _cells(row: Row) -> dict[str, str]:
    return {
        "step": str(row.step),
        "loss": _digits(row.loss),
        "bits": _digits(row.bits),
        "seconds_per_step": _digits(row.seconds_per_step),
        "validation_loss": _digits(row.validation_loss),
        "validation_bits": _digits(row.validation_bits),
        "session": str(row.session),
        "restart": row.restart,
    }


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
