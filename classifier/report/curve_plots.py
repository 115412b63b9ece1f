"""Plots of curves: how training went, what precision costs in recall, whether probabilities hold.

Works with arrays. Knows nothing of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifier.evaluation.calibration import Reliability
from classifier.evaluation.curves import trace_precision_recall
from classifier.evaluation.predictions import AttributePredictions
from classifier.report.canvas import (
    BLUE,
    GREEN,
    GREY,
    LINES,
    ORANGE,
    clear_frame,
    open_figure,
    to_plot_text,
    to_png,
)
from classifier.report.content import Plot

SHOWN_CURVES = len(LINES)
"""Labels with a precision-recall curve of their own, the commonest ones."""

_TRAINING, _VALIDATION = ("training", BLUE), ("validation", ORANGE)

_LOSSES = {"train_loss": _TRAINING, "loss": _TRAINING, "val_loss": _VALIDATION}
_ACCURACIES = {"train_accuracy": _TRAINING, "val_accuracy": _VALIDATION, "score": _VALIDATION}
"""What the entries of a history may be called, and what each of them is."""


def plot_history(history: Sequence[Mapping[str, Any]]) -> Plot:
    """Loss and accuracy by epoch; of values an epoch lacks there is no point."""
    figure = open_figure(9, 3.5)
    epochs = [entry.get("epoch", number) for number, entry in enumerate(history, 1)]
    for axes, series, name in zip(figure.subplots(1, 2), (_LOSSES, _ACCURACIES), ("loss", "accuracy"), strict=True):
        for key, (label, color) in series.items():
            values = [entry.get(key, np.nan) for entry in history]
            if np.isfinite(values).any():
                axes.plot(epochs, values, color=color, label=label, marker="o", markersize=3)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        clear_frame(axes)
        if axes.lines:
            axes.legend(frameon=False)
    figure.subplots_adjust(wspace=0.3)
    last = history[-1]
    figures = ", ".join(f"{key.replace('_', ' ')} {last[key]:.3f}" for key in (*_LOSSES, *_ACCURACIES) if key in last)
    return Plot(
        name="history",
        alt=f"Curves of loss and accuracy over {len(history)} epochs; after the last one: {figures}.",
        caption="Loss and accuracy by epoch.",
        png=to_png(figure),
    )


def plot_precision_recall(attribute: str, predictions: AttributePredictions) -> Plot:
    """A curve for each of the commonest labels, and one for all labels taken as one.

    Args:
        predictions: of items that count.
    """
    support = predictions.relevant.sum(axis=0)
    shown = [int(n) for n in np.argsort(-support, kind="stable")[:SHOWN_CURVES] if support[n]]
    figure = open_figure(6, 4.5)
    axes = figure.subplots()
    for number, color in zip(shown, LINES, strict=False):
        curve = trace_precision_recall(predictions.relevant[:, number], predictions.probabilities[:, number])
        label = f"{to_plot_text(predictions.labels[number])} ({support[number]})"
        axes.step(curve.recall, curve.precision, where="pre", color=color, linewidth=1, label=label)
    if shown:
        pooled = trace_precision_recall(predictions.relevant.ravel(), predictions.probabilities.ravel())
        axes.step(pooled.recall, pooled.precision, where="pre", color="black", linewidth=2, label="all labels as one")
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    clear_frame(axes)
    return Plot(
        name="precision-recall",
        alt=f"Precision-recall curves of {attribute}: {len(shown)} labels, and all of them as one.",
        caption="What precision costs in recall, label by label, with the number of items that have it"
        + (f"; the {len(shown)} commonest labels." if len(shown) < len(predictions.labels) else "."),
        png=to_png(figure),
    )


def plot_reliability(attribute: str, reliability: Reliability, error: float | None) -> Plot:
    """How often what was said with a probability is true, bin by bin, over how many statements there are of it.

    Args:
        error: the expected calibration error.
    """
    figure = open_figure(5, 5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = reliability.count > 0
    width = reliability.high - reliability.low
    upper.bar(reliability.low, reliability.accuracy, width=width, align="edge", color=BLUE, edgecolor="white")
    upper.plot(reliability.confidence[filled], reliability.accuracy[filled], "o", color=ORANGE, label="mean of a bin")
    upper.plot((0, 1), (0, 1), "--", color=GREY, label="said and true alike")
    upper.set(ylabel="share that is true", xlim=(0, 1), ylim=(0, 1))
    upper.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    lower.bar(reliability.low, reliability.count, width=width, align="edge", color=GREEN, edgecolor="white")
    lower.set(xlabel="probability", ylabel="statements")
    for axes in (upper, lower):
        clear_frame(axes)
    said = "unknown" if error is None else f"{error:.3f}"
    return Plot(
        name="reliability",
        alt=f"Reliability diagram of {attribute}: expected calibration error {said}.",
        caption="Probabilities against what came true; where they hold, the bars follow the dashed line.",
        png=to_png(figure),
    )
