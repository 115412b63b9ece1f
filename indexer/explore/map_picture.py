"""A map as a picture: coloured points, or the items' own thumbnails.

Works with a map and a reader of thumbnails; drawing is matplotlib's. Knows nothing of files.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.report.canvas import GREY, LINES, open_figure, to_plot_text, to_png
from indexer.explore.catalogue_map import CatalogueMap
from indexer.explore.labels import read_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ReadThumbnail = Callable[[str], bytes | None]
"""JPEG of a photo by its hash; None where there is none."""

SIDE = 10.0
"""Of the picture, inches."""

MAX_COLORS = 16
CELLS, CELL = 40, 48
"""Thumbnails a side at most, and pixels of one."""


def draw_map(catalogue_map: CatalogueMap, *, color_by: str = "", read_thumbnail: ReadThumbnail | None = None) -> bytes:
    """PNG of a map.

    Args:
        color_by: attribute whose values have colours; the points are all alike where it is empty.
        read_thumbnail: draw thumbnails, one for each cell of a grid, instead of points.
    """
    figure = open_figure(SIDE, SIDE)
    axes = figure.add_subplot()
    if read_thumbnail is None:
        _draw_points(axes, catalogue_map, color_by)
    else:
        _draw_thumbnails(axes, catalogue_map, read_thumbnail)
    axes.set_xticks([])
    axes.set_yticks([])
    x, y = catalogue_map.ends
    axes.set_xlabel(_name_axis(x.low, x.high, "←", "→"))
    axes.set_ylabel(_name_axis(y.low, y.high, "←", "→"))
    table = catalogue_map.table
    of = "" if len(table) == table.total else f" of {table.total}"
    axes.set_title(
        f"{len(table)}{of} items, {table.space}, {catalogue_map.method}, trustworthiness {catalogue_map.trust:.3f}",
        fontsize=10,
    )
    return to_png(figure)


def _name_axis(low: str, high: str, left: str, right: str) -> str:
    return f"{left} {to_plot_text(low)}      {to_plot_text(high)} {right}" if low else ""


def _draw_points(axes: Axes, catalogue_map: CatalogueMap, color_by: str) -> None:
    xy = catalogue_map.xy
    size = float(np.clip(30_000 / len(xy), 6, 60))
    if not color_by:
        axes.scatter(xy[:, 0], xy[:, 1], s=size, c=LINES[0], alpha=0.7, linewidths=0)
        return
    labels = [read_labels(point, color_by) for point in catalogue_map.points]
    counts = Counter(own[0] for own in labels if own)
    names = [name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))][:MAX_COLORS]
    colors = _choose_colors(names, color_by)
    first = [own[0] if own and own[0] in colors else "" for own in labels]
    for name in ("", *reversed(names)):
        rows = np.array([each == name for each in first])
        if rows.any():
            axes.scatter(
                xy[rows, 0],
                xy[rows, 1],
                s=size,
                color=colors.get(name, "#d5d8dc"),
                edgecolors=GREY,
                linewidths=0.2,
                label=to_plot_text(name) if name else "other or none",
            )
    handles, texts = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], texts[::-1], title=to_plot_text(color_by), loc="center left", bbox_to_anchor=(1, 0.5))


def _choose_colors(names: Sequence[str], attribute: str) -> dict[str, str]:
    """One colour a value; of values that are colours, the colour itself where matplotlib knows it."""
    from matplotlib import colormaps
    from matplotlib.colors import is_color_like, to_hex

    palette = [to_hex(colormaps["tab20"](n)) for n in (*range(0, 20, 2), *range(1, 20, 2))]
    own = {name: palette[n % len(palette)] for n, name in enumerate(names)}
    if attribute in ("color", "colour"):
        words = {name: name.lower().split() for name in names}
        tries = {name: ("".join(own_words), *own_words) for name, own_words in words.items()}
        known = {name: [word for word in each if len(word) > 1 and is_color_like(word)] for name, each in tries.items()}
        own |= {name: to_hex(each[0]) for name, each in known.items() if each}
    return own


def _draw_thumbnails(axes: Axes, catalogue_map: CatalogueMap, read_thumbnail: ReadThumbnail) -> None:
    """A contact sheet: in each cell of a grid the item nearest to its middle, so that none hides another."""
    from PIL import Image

    sheet = Image.new("RGB", (CELLS * CELL, CELLS * CELL), "white")
    for row, (column, line) in _choose_cells(catalogue_map.xy).items():
        jpeg = read_thumbnail(catalogue_map.points[row].photo.sha256)
        if jpeg is None:
            continue
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.draft("RGB", (CELL, CELL))
            small = picture.convert("RGB")
        small.thumbnail((CELL - 2, CELL - 2))
        corner = column * CELL + (CELL - small.width) // 2, (CELLS - 1 - line) * CELL + (CELL - small.height) // 2
        sheet.paste(small, corner)
    axes.imshow(sheet)


def _choose_cells(xy: NDArray[np.float32]) -> dict[int, tuple[int, int]]:
    """Which rows are shown, and in which (column, line) of the grid, lines upwards."""
    low, span = xy.min(axis=0), np.maximum(np.ptp(xy, axis=0), 1e-9)
    places = (xy - low) / span * (CELLS - 1e-3)
    cells = np.floor(places).astype(int)
    off = np.abs(places - cells - 0.5).max(axis=1)
    best: dict[tuple[int, int], int] = {}
    for row in np.argsort(off, kind="stable"):
        best.setdefault((int(cells[row, 0]), int(cells[row, 1])), int(row))
    return {row: cell for cell, row in best.items()}
