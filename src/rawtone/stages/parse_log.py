"""train.log -> history.csv and curves; also the logs of other programs.

The published log holds no times, so that its table and curve are the same on every machine. The log
of the run itself, where it was trained on this one, gets a table and curves of its own, with times.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.files import write_atomically
from rawtone.report.plots import BITS, SQUARED_ERROR, Curve, Restart, loss_svg, speed_svg
from rawtone.report.words import counted, duration
from rawtone.stages import layout
from rawtone.training import measures
from rawtone.training.history import Row, parse
from rawtone.training.log_formats import PROGRAMS

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
TIMED = ("seconds_per_step",)
UNKNOWN = "loss, as logged (less is better)"

_NUMBERED = re.compile(r"(?:loss|speed)-[0-9]+\.svg")

_log = logging.getLogger("rawtone")


def run(name: str, to: str = "") -> None:
    """Turn a training log into a table and, for each run in it, curves of loss and speed.

    Args:
        name: the experiment, or the log of any program where `to` is given.
        to: the folder for `history.csv` and `curves/`, where the log is not an experiment's.

    Raises:
        UserError: there is no such experiment or log, or the log is of no known format.
    """
    if to:
        _publish(_read_any(Path(name)), Path(to), name)
        return
    _publish(_read_own(name), layout.results(name), name, timed=False)
    log = layout.run_of(name) / "train.log"
    if log.exists():
        _publish(parse(log.read_text("utf-8", "replace")), log.parent, name)


def _read_own(name: str) -> list[Row]:
    if Path(name).is_file() and not layout.settings("parse-log", name).exists():
        raise UserError(
            f"{name}: a file, but an experiment of params.yaml was expected; say with --to FOLDER "
            "where what is in that log shall be written"
        )
    layout.read_settings("parse-log", name)
    path = layout.results(name) / "train.log"
    if not path.exists():
        raise UserError(f"{path}: no training log; train first (rawtone train {name})")
    return parse(path.read_text("utf-8", "replace"))


def _read_any(path: Path) -> list[Row]:
    try:
        rows = parse(path.read_text("utf-8", "replace"))
    except OSError as error:
        raise UserError(f"{path}: expected a training log; {error.strerror}") from error
    if not rows:
        known = f"{', '.join(PROGRAMS[:-1])} or {PROGRAMS[-1]}"
        raise UserError(
            f"{path}: expected lines of {known} that tell of steps, found none; is it another file?"
        )
    return rows


def _publish(rows: Sequence[Row], folder: Path, name: str, timed: bool = True) -> None:
    runs = max((row.run for row in rows), default=0) + 1
    for number in range(runs):
        ending = f"-{number}" if number else ""
        _draw([row for row in rows if row.run == number], folder / "curves", ending, timed)
    _remove_others(folder / "curves", runs)
    columns = [c for c in COLUMNS if timed or c not in TIMED]
    columns = columns if runs == 1 else ["run", *columns]
    table.write(folder / "history.csv", columns, [_cells(row, columns) for row in rows])
    if timed:
        _tell(rows, runs, name)


def _tell(rows: Sequence[Row], runs: int, name: str) -> None:
    found = counted(len(rows), "step"), counted(sum(bool(row.restart) for row in rows), "restart")
    several = f" in {counted(runs, 'run')}" if runs > 1 else ""
    _log.info("read %s and %s%s from the log of %s", *found, several, name)


def _draw(rows: Sequence[Row], folder: Path, ending: str, timed: bool) -> None:
    restarts = [Restart(row.step, row.restart) for row in rows if row.restart]
    write_atomically(folder / f"loss{ending}.svg", _loss(rows, restarts))
    if timed:
        write_atomically(folder / f"speed{ending}.svg", _speed(rows, restarts))


def _remove_others(folder: Path, runs: int) -> None:
    """Take away the curves of runs that an earlier state of the log had."""
    for path in sorted(folder.iterdir()):
        if _NUMBERED.fullmatch(path.name) and int(path.stem.partition("-")[2]) >= runs:
            path.unlink()


def _loss(rows: Sequence[Row], restarts: Sequence[Restart]) -> str:
    units = {row.unit for row in rows} - {measures.NATS.unit}
    if units:
        trained = [(row.step, row.loss) for row in rows]
        validated = [(row.step, row.validation_loss) for row in rows]
        squared = units == {measures.SQUARED_ERROR.unit}
        name = SQUARED_ERROR if squared else UNKNOWN
        return loss_svg(_curve(trained), _curve(validated), restarts, name)
    trained = [(row.step, row.bits) for row in rows]
    validated = [(row.step, row.validation_bits) for row in rows]
    return loss_svg(_curve(trained), _curve(validated), restarts, BITS)


def _speed(rows: Sequence[Row], restarts: Sequence[Restart]) -> str:
    speed = _curve([(row.step, row.seconds_per_step) for row in rows])
    if not speed.values:
        return speed_svg(speed, restarts)
    computing = duration(rows[-1].step * median(speed.values))
    again = f", with {counted(len(restarts), 'restart')}" if restarts else ""
    return speed_svg(speed, restarts, f"about {computing} of computing{again}")


def _curve(points: Sequence[tuple[int, float | None]]) -> Curve:
    known = [(step, value) for step, value in points if value is not None]
    return Curve([step for step, _ in known], [value for _, value in known])


def _cells(row: Row, columns: Sequence[str]) -> dict[str, str]:
    cells = {
        "run": str(row.run),
        "step": str(row.step),
        "loss": _digits(row.loss),
        "bits": _digits(row.bits),
        "seconds_per_step": _digits(row.seconds_per_step),
        "validation_loss": _digits(row.validation_loss),
        "validation_bits": _digits(row.validation_bits),
        "session": str(row.session),
        "restart": row.restart,
    }
    return {column: cells[column] for column in columns}


def _digits(value: float | None) -> str:
    if value is None:
        return ""
    # The loss of a regression may be far below a thousandth.
    return f"{value:.4g}" if 0 < abs(value) < 0.001 else f"{value:.4f}"
