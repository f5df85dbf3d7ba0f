"""The charts of a corpus: levels of its chunks, their spectra, and the codes of their samples."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from rawtone.report.svg import STYLE, drawing, svg

INCHES = (5.6, 3.0)
MOST_BARS = 256
_BLUE, _ORANGE = "#2f86c1", "#d9772b"
_BIN_DB = 2.0
_PITCHES = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)


def levels_svg(kept: Sequence[float], silent: Sequence[float]) -> str:
    """Draw how many chunks have which level.

    Args:
        kept: levels in dBFS of chunks that are used.
        silent: of those that are left out as silent.

    Returns:
        An SVG document.
    """
    found = np.array([*kept, *silent])
    low, high = np.floor(found.min() / _BIN_DB), np.floor(found.max() / _BIN_DB) + 1
    edges = np.arange(low, high + 1) * _BIN_DB
    with matplotlib.rc_context(STYLE):
        figure, axes = drawing("RMS level of a chunk, dBFS", "chunks", INCHES)
        counts = np.histogram(kept, edges)[0]
        _bars(axes, edges, np.zeros(len(counts)), counts, _BLUE, "used")
        if silent:
            above = counts + np.histogram(silent, edges)[0]
            _bars(axes, edges, counts, above, _ORANGE, "left out as silent")
            axes.legend(frameon=False, loc="upper left")
        axes.set_ylim(0, None)
        return svg(figure)


def _bars(
    axes: Axes, edges: ArrayLike, bottom: ArrayLike, top: ArrayLike, colour: str, name: str
) -> None:
    axes.stairs(top, edges, baseline=bottom, fill=True, color=colour, label=name, lw=0)


def spectrum_svg(centres: NDArray[np.float64], levels_db: NDArray[np.float64]) -> str:
    """Draw the average spectra of chunks: their median, and where most of them lie.

    Args:
        centres: float64 [bands], Hz.
        levels_db: float64 [chunks, bands], dBFS.

    Returns:
        An SVG document.
    """
    low, middle, high = np.round(np.percentile(levels_db, [10, 50, 90], axis=0), 2)
    with matplotlib.rc_context(STYLE):
        figure, axes = drawing("frequency, Hz", "level in a mel band, dBFS", INCHES)
        axes.fill_between(centres, low, high, color=_BLUE, alpha=0.25, lw=0, label="8 of 10 chunks")
        axes.plot(centres, middle, color=_BLUE, lw=2.2, label="median chunk")
        axes.set_xscale("log")
        axes.set_xlim(centres[0], centres[-1])
        axes.set_xticks([hertz for hertz in _PITCHES if centres[0] <= hertz <= centres[-1]])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda hertz, _: _short(hertz)))
        axes.minorticks_off()
        axes.legend(frameon=False, loc="lower left")
        return svg(figure)


def _short(hertz: float) -> str:
    return f"{hertz / 1000:g}k" if hertz >= 1000 else f"{hertz:g}"


def codes_svg(counts: NDArray[np.int64]) -> str:
    """Draw how often each code occurs; many codes are drawn `MOST_BARS` groups.

    Args:
        counts: int64 [levels].

    Returns:
        An SVG document.
    """
    bars = min(len(counts), MOST_BARS)
    edges = np.linspace(0, len(counts), bars + 1).astype(np.int64)
    shares = np.add.reduceat(counts, edges[:-1]) / max(counts.sum(), 1)
    with matplotlib.rc_context(STYLE):
        figure, axes = drawing("code", "share of samples", INCHES)
        axes.stairs(np.round(shares, 6), edges, fill=True, color=_BLUE, lw=0)
        axes.set_xlim(0, len(counts))
        axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter(PercentFormatter(1, None))
        return svg(figure)
