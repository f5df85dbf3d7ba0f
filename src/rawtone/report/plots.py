"""Curves over steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rawtone.report.svg import STYLE, drawing, svg

_TRAINING = "#2f86c1"
_VALIDATION = "#d9772b"
_RESTART = "#8c8c94"
# Told apart without colour: the dashes of a person's restart are long, the dots follow one another.
_RESTART_LINES: dict[str, tuple[float, tuple[float, ...]]] = {
    "manual": (0, (7, 3)),
    "automatic": (0, (1.2, 2.2)),
}
BITS = "bits per sample (less is better)"
SQUARED_ERROR = "squared error (less is better)"


@dataclass(frozen=True)
class Curve:
    """Values over steps; a value that is no number leaves a gap."""

    steps: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True)
class Restart:
    """A step after which training went on in a new session, and why."""

    step: int
    kind: str


def loss_svg(
    training: Curve, validation: Curve, restarts: Sequence[Restart], measure: str = BITS
) -> str:
    """Draw the loss: every logged step faintly, its trend, and the validations.

    Args:
        training: losses of the batches.
        validation: losses of held-out audio.
        restarts: where training was interrupted.
        measure: what the losses are.

    Returns:
        An SVG document.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(measure)
        _draw_with_trend(axes, training, "training (trend)")
        if len(validation.steps):
            _draw_validation(axes, validation)
        if measure == SQUARED_ERROR:
            axes.set_yscale("log")  # it falls by powers of ten
        else:
            _limit_loss(axes, training, validation)
        _draw_restarts(axes, restarts)
        _note_missing(axes, training)
        _draw_legend(axes)
        return svg(figure)


def speed_svg(speed: Curve, restarts: Sequence[Restart], title: str = "") -> str:
    """Draw how long a step took: every logged step faintly, and the trend.

    Args:
        speed: seconds per step.
        restarts: where training was interrupted.
        title: how long it took in all.

    Returns:
        An SVG document.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes("seconds per step")
        axes.set_title(title, fontsize=10, loc="left")
        _draw_with_trend(axes, speed, "trend", [restart.step for restart in restarts])
        _limit_speed(axes, speed)
        _draw_restarts(axes, restarts)
        _note_missing(axes, speed)
        _draw_legend(axes)
        return svg(figure)


def _axes(label: str) -> tuple[Figure, Axes]:
    return drawing("step", label, (5.2, 3.2))


def _trend(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Average each value with its neighbours, `width` of them in all, fewer at the ends."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), np.nan)
    window = np.ones(min(width, (len(values) - 1) // 2 * 2 + 1))
    total = np.convolve(np.where(known, values, 0), window, mode="same")
    count = np.convolve(known.astype(float), window, mode="same")
    trend: NDArray[np.float64] = np.where(known, total / np.maximum(count, 1), np.nan)
    return trend


def _finite(*curves: Curve) -> NDArray[np.float64]:
    values = np.concatenate([np.asarray(curve.values, dtype=float) for curve in curves])
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _limit_loss(axes: Axes, training: Curve, validation: Curve) -> None:
    values = _finite(training, validation)
    if len(values):
        # A spike may leave the picture; the course of learning should fill it.
        top = min(values.max(), max(8.0, 1.5 * np.percentile(values, 95)))
        axes.set_ylim(min(0, values.min()), max(top, 1e-9) * 1.06)


def _limit_speed(axes: Axes, speed: Curve) -> None:
    values = _finite(speed)
    if len(values) == 0:
        return
    slowest, top = values.max(), min(values.max(), 3 * np.median(values))
    axes.set_ylim(0, max(top, 1e-9) * 1.15)
    if slowest > top:
        _note(axes, f"slowest step: {slowest:.1f} s")


def _draw_with_trend(axes: Axes, curve: Curve, name: str, cuts: Sequence[int] = ()) -> None:
    """Draw each value, and the trend over a twentieth of them, which does not reach over `cuts`."""
    lone = "o" if len(curve.values) == 1 else ""
    axes.plot(curve.steps, curve.values, color=_TRAINING, alpha=0.45, lw=0.9, marker=lone, ms=5)
    width = max(1, len(curve.values) // 20 // 2 * 2 + 1)
    parts = np.split(np.asarray(curve.values, dtype=float), np.searchsorted(curve.steps, cuts))
    trend = np.concatenate([_trend(part, width) for part in parts])
    axes.plot(curve.steps, trend, color=_TRAINING, lw=2.2, label=name)


def _draw_validation(axes: Axes, curve: Curve) -> None:
    name = "held-out recordings"
    axes.plot(curve.steps, curve.values, color=_VALIDATION, lw=1.6, marker="o", ms=5, label=name)


def _draw_restarts(axes: Axes, restarts: Sequence[Restart]) -> None:
    for kind, style in _RESTART_LINES.items():
        steps = [restart.step for restart in restarts if restart.kind == kind]
        for step in steps:
            axes.axvline(step, color=_RESTART, ls=style, lw=1.4, zorder=1)
        if steps:
            name = f"{kind} restart" if len(steps) == 1 else f"{len(steps)} {kind} restarts"
            axes.plot([], [], color=_RESTART, ls=style, lw=1.4, label=name)


def _draw_legend(axes: Axes) -> None:
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handlelength=2.6)


def _note_missing(axes: Axes, curve: Curve) -> None:
    if len(curve.values) == 0:
        axes.text(0.5, 0.5, "nothing logged yet", transform=axes.transAxes, ha="center")
    elif missing := len(curve.values) - len(_finite(curve)):
        _note(axes, f"no number (nan or inf) at {missing} of {len(curve.values)} steps")


def _note(axes: Axes, text: str) -> None:
    axes.annotate(text, (0.98, 0.03), xycoords="axes fraction", ha="right", fontsize=9.5)
