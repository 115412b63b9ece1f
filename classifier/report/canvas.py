"""Figures to draw on, the PNG files they become, and texts that are safe to draw.

The only module that knows how matplotlib is set up: figures are made without pyplot, so that nothing stays open and no
display is needed. matplotlib is imported when something is drawn.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#1f5fa8", "#c4561a", "#6b7280"
GREEN, RED = "#1a7f37", "#c0262d"
LINES = ("#1f5fa8", "#c4561a", "#1a7f37", "#8a3ffc", "#a0620a", "#00798c", "#c0262d", "#5b5f66")
"""Told apart from white, 4.5 to 1 or better."""

DPI = 100
MAX_TEXT = 28
"""Characters of a label in a plot."""


def open_figure(width: float, height: float) -> Figure:
    """An empty figure on white; width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure) -> bytes:
    """The figure as a file, cut to what is drawn; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def clear_frame(axes: Axes) -> None:
    """Axes without the two lines that carry no scale."""
    axes.spines[["top", "right"]].set_visible(False)


def to_plot_text(text: str, limit: int = MAX_TEXT) -> str:
    """A label as it can be drawn: one line, not too long, no formula, no letter the font lacks.

    A dollar sign would begin a formula, an underscore at the front would keep a label out of a legend.
    """
    letters = _list_letters()
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    known = "".join(letter if letter in letters else "\N{WHITE SQUARE}" for letter in line)
    short = known if len(known) <= limit else known[: limit - 1] + "…"
    return (" " + short if short.startswith("_") else short).replace("$", r"\$")


@cache
def _list_letters() -> frozenset[str]:
    """What the font that comes with matplotlib can write."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(map(chr, get_font(findfont("DejaVu Sans")).get_charmap()))
