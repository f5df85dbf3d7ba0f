"""Curves over steps, as SVG that reads well on light and on dark pages.

The bytes depend on the figures alone: no date, no random ids, no fonts of the machine.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

# A stand-in that no other colour equals; it becomes the colour of the reader's light or dark page.
_INK = "#010203"
_INK_STYLE = (
    "<style>svg{color:#565d66}@media(prefers-color-scheme:dark){svg{color:#aab2bd}}</style>"
)
_TRAINING = "#2f86c1"
_VALIDATION = "#d9772b"
_RESTART = "#8c8c94"

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "rawtone",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the layout is the same everywhere
    "font.size": 11,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
}


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


def loss_svg(training: Curve, validation: Curve, restarts: Sequence[Restart]) -> str:
    """Draw the loss: every logged step faintly, its trend, and the validations.

    Args:
        training: bits per sample of the batches.
        validation: bits per sample of held-out audio.
        restarts: where training was interrupted.

    Returns:
        An SVG document.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes("bits per sample (less is better)")
        axes.plot(training.steps, training.values, color=_TRAINING, alpha=0.45, lw=0.9)
        trend = _trend(np.asarray(training.values, dtype=float))
        axes.plot(training.steps, trend, color=_TRAINING, lw=2.2, label="training (trend)")
        axes.plot(
            validation.steps,
            validation.values,
            color=_VALIDATION,
            lw=1.6,
            marker="o",
            ms=5,
            label="held-out recordings",
        )
        _limit_loss(axes, training, validation)
        _draw_restarts(axes, restarts, at="top")
        _note_missing(axes, training)
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
        return _svg(figure)


def speed_svg(speed: Curve, restarts: Sequence[Restart]) -> str:
    """Draw how long a step took.

    Args:
        speed: seconds per step.
        restarts: where training was interrupted.

    Returns:
        An SVG document.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes("seconds per step")
        axes.plot(speed.steps, speed.values, color=_TRAINING, lw=1.2)
        _limit_speed(axes, speed)
        _draw_restarts(axes, restarts, at="bottom")
        _note_missing(axes, speed)
        return _svg(figure)


def _axes(label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    axes.grid(axis="y", color=_INK, alpha=0.16, lw=0.8)
    axes.set_axisbelow(True)
    axes.patch.set_visible(False)
    figure.patch.set_visible(False)
    return figure, axes


def _trend(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average each value with its neighbours, a twentieth of the curve in all."""
    window = np.ones(max(1, len(values) // 20 // 2 * 2 + 1))
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), np.nan)
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
        axes.set_ylim(min(0, values.min()), max(top, 1e-3) * 1.06)


def _limit_speed(axes: Axes, speed: Curve) -> None:
    values = _finite(speed)
    if len(values) == 0:
        return
    slowest, top = values.max(), min(values.max(), 3 * np.median(values))
    axes.set_ylim(0, max(top, 1e-3) * 1.15)
    if slowest > top:
        _note(axes, f"slowest step: {slowest:.1f} s")


def _draw_restarts(axes: Axes, restarts: Sequence[Restart], at: Literal["top", "bottom"]) -> None:
    for restart in restarts:
        axes.axvline(restart.step, color=_RESTART, ls=(0, (5, 4)), lw=1.1)
        axes.annotate(
            f"{restart.kind} restart",
            (restart.step, 0.98 if at == "top" else 0.03),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            rotation=90,
            ha="left",
            va=at,
            fontsize=9.5,
        )


def _note_missing(axes: Axes, curve: Curve) -> None:
    if len(curve.values) == 0:
        axes.text(0.5, 0.5, "nothing logged yet", transform=axes.transAxes, ha="center")
    elif missing := len(curve.values) - len(_finite(curve)):
        _note(axes, f"no number (nan or inf) at {missing} of {len(curve.values)} steps")


def _note(axes: Axes, text: str) -> None:
    axes.annotate(text, (0.98, 0.03), xycoords="axes fraction", ha="right", fontsize=9.5)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    # None leaves out the date and the version of matplotlib.
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().replace(_INK, "currentColor").replace("'DejaVu Sans'", "system-ui")
    head, opening, rest = text.partition("<svg ")
    attributes, end, body = rest.partition(">")
    return "".join([head, opening, attributes, end, _INK_STYLE, body])
