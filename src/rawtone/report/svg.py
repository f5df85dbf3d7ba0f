"""Charts as SVG that reads well on light and on dark pages.

The bytes depend on the figures alone: no date, no random ids, no fonts of the machine.
"""

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# A stand-in that no other colour equals; it becomes the colour of the reader's light or dark page.
INK = "#010203"
_INK_STYLE = (
    "<style>svg{color:#565d66}@media(prefers-color-scheme:dark){svg{color:#aab2bd}}</style>"
)
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "rawtone",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the layout is the same everywhere
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
}


def drawing(across: str, up: str, inches: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return an empty chart; draw it within `matplotlib.rc_context(STYLE)`.

    Args:
        across: what the horizontal axis shows.
        up: what the vertical axis shows.
        inches: width and height, 96 pixels each.
    """
    figure = Figure(figsize=inches, layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(axis="y", color=INK, alpha=0.16, lw=0.8)
    axes.set_axisbelow(True)
    axes.patch.set_visible(False)
    figure.patch.set_visible(False)
    return figure, axes


def svg(figure: Figure) -> str:
    """Return a chart as an SVG document, in the colours of the page that shows it."""
    buffer = io.StringIO()
    # None leaves out the date and the version of matplotlib.
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().replace(INK, "currentColor").replace("'DejaVu Sans'", "system-ui")
    head, opening, rest = text.partition("<svg ")
    attributes, end, body = rest.partition(">")
    return "".join([head, opening, attributes, end, _INK_STYLE, body])
