"""Plots of labels: how many there are of each, which come together, which are taken for which.

Works with arrays and label names. Knows nothing of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.predictions import Marks
from classifier.report.canvas import BLUE, ORANGE, clear_frame, open_figure, to_plot_text, to_png
from classifier.report.content import Plot

MAX_LABELS = 30
"""Labels in one plot, the commonest ones."""

_CELL = 0.3
"""Inches of a row or column."""

_WRITTEN = 12
"""Up to how many labels the numbers are written into a matrix."""


def plot_distribution(
    attribute: str, labels: Sequence[str], evaluated: NDArray[np.int64], training: Mapping[str, int]
) -> Plot:
    """How many items have each label, in the training data where that is known, and among those evaluated.

    Args:
        evaluated: shape (labels,).
        training: by label; empty where not known.
    """
    trained = np.array([training.get(label, 0) for label in labels], dtype=np.int64)
    shown = _choose_commonest(trained if training else evaluated)
    figure = open_figure(7, 1 + _CELL * len(shown))
    axes = figure.subplots()
    places = np.arange(len(shown))
    series = {"evaluated": (evaluated, ORANGE)}
    if training:
        series = {"training": (trained, BLUE), **series}
    height = 0.8 / len(series)
    for number, (name, (counts, color)) in enumerate(series.items()):
        axes.barh(places + number * height, counts[shown], height=height, color=color, label=name)
    axes.set_yticks(places + 0.4 - height / 2, [to_plot_text(labels[n]) for n in shown])
    axes.invert_yaxis()
    axes.set_xlabel("items")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(series))
    clear_frame(axes)
    counts, kind = (trained, "training") if training else (evaluated, "evaluated")
    most, least = labels[shown[0]], labels[shown[-1]]
    return Plot(
        name="distribution",
        alt=f"Bars: {kind} items by {attribute}, from {most} with {counts[shown[0]]} to {least} with "
        f"{counts[shown[-1]]}.",
        caption=f"Items by label{_say_cut(shown, labels)}.",
        png=to_png(figure),
    )


def plot_co_occurrence(first: tuple[str, Sequence[str], Marks], second: tuple[str, Sequence[str], Marks]) -> Plot:
    """How many items have a label of one attribute and a label of another, or two labels of one attribute.

    Args:
        first, second: name, labels, and which items have them, shape (items, labels); the same one twice for within.
    """
    (row_name, row_labels, row_marks), (column_name, column_labels, column_marks) = first, second
    together = row_marks.astype(np.int64).T @ column_marks.astype(np.int64)
    rows, columns = _choose_commonest(row_marks.sum(axis=0)), _choose_commonest(column_marks.sum(axis=0))
    shares = together / np.maximum(row_marks.sum(axis=0), 1)[:, None]
    names = [row_labels[n] for n in rows], [column_labels[n] for n in columns]
    png = _draw_matrix(shares[np.ix_(rows, columns)], together[np.ix_(rows, columns)], names, (row_name, column_name))
    if row_name == column_name:
        together = together - np.diag(np.diag(together))
    top = np.unravel_index(together.argmax(), together.shape)
    pair = f"{row_labels[int(top[0])]} with {column_labels[int(top[1])]}"
    return Plot(
        name="co-occurrence",
        alt=f"Matrix: {row_name} against {column_name}; most often {pair}, on {together[top]} items.",
        caption=f"Share of the items of a row that also have the label of the column: {row_name} by {column_name}"
        f"{_say_cut(rows, row_labels)}.",
        png=png,
    )


def plot_confusion(attribute: str, labels: Sequence[str], confusion: NDArray[np.int64]) -> Plot:
    """Which labels are taken for which, as shares of the true label's items; the commonest labels where many.

    Args:
        confusion: items by true label (rows) and predicted label (columns), shape (labels, labels).
    """
    shown = np.sort(_choose_commonest(confusion.sum(axis=1)))
    shares = confusion / np.maximum(confusion.sum(axis=1), 1)[:, None]
    names = [labels[n] for n in shown]
    part = np.ix_(shown, shown)
    png = _draw_matrix(shares[part], confusion[part], (names, names), ("true", "predicted"))
    wrong = confusion - np.diag(np.diag(confusion))
    worst = np.unravel_index(wrong.argmax(), wrong.shape)
    said = (
        f"the commonest mistake is {labels[int(worst[0])]} taken for {labels[int(worst[1])]}, {wrong[worst]} times"
        if wrong[worst]
        else "there is no mistake"
    )
    return Plot(
        name="confusion",
        alt=f"Confusion matrix of {attribute}: {np.diag(confusion).sum()} of {confusion.sum()} right; {said}.",
        caption=f"Share of a true label's items by predicted label{_say_cut(shown, labels)}.",
        png=png,
    )


def _draw_matrix(
    shares: NDArray[np.float64],
    counts: NDArray[np.int64],
    labels: tuple[Sequence[str], Sequence[str]],
    names: tuple[str, str],
) -> bytes:
    rows, columns = shares.shape
    cell = 0.5 if max(rows, columns) <= _WRITTEN else _CELL
    figure = open_figure(2.5 + cell * columns, 1.5 + cell * rows)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_yticks(range(rows), [to_plot_text(label) for label in labels[0]])
    axes.set_xticks(range(columns), [to_plot_text(label) for label in labels[1]], rotation=90)
    axes.set_ylabel(to_plot_text(names[0]))
    axes.set_xlabel(to_plot_text(names[1]))
    if max(rows, columns) <= _WRITTEN:
        for row, column in np.argwhere(counts > 0):
            color = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the row")
    return to_png(figure)


def _choose_commonest(counts: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Numbers of the labels with the most items, by falling count."""
    return np.argsort(-counts, kind="stable")[:MAX_LABELS].astype(np.int64)


def _say_cut(shown: NDArray[np.int64], labels: Sequence[str]) -> str:
    return f"; the {len(shown)} commonest of {len(labels)} labels" if len(shown) < len(labels) else ""
