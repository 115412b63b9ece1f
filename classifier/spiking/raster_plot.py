"""Drawing one photo's way through a spiking network: who spikes when, and how the evidence grows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from classifier.report.canvas import BLUE, GREY, LINES, clear_frame, open_figure, to_plot_text, to_png
from classifier.spiking.layers import Array, LayeredNetwork, to_probabilities

SHOWN_NEURONS = 150
"""Of a layer: those that spike most, thinned evenly."""

SHOWN_LABELS = 5


def plot_raster(
    network: LayeredNetwork,
    raster: Mapping[str, NDArray[np.bool_]],
    means: Array,
    temperatures: Mapping[str, float],
    *,
    decided: int,
) -> bytes:
    """A PNG: a row of dots a neuron for each layer, and below them the probabilities of the likeliest labels.

    Args:
        raster: by layer, shape (steps, neurons).
        means: mean evidence after each step, shape (steps, outputs).
        temperatures: by attribute.
        decided: the step after which an answer would have been given.
    """
    steps = len(means)
    attributes = network.split(means)
    rows = len(raster) + len(attributes)
    figure = open_figure(9, 1.1 * len(raster) + 2.6 * len(attributes))
    ratios = [1.1] * len(raster) + [2.6] * len(attributes)
    panels = figure.subplots(rows, 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    for axes, (name, spikes) in zip(panels, raster.items(), strict=False):
        shown = _pick_neurons(spikes)
        times, neurons = np.nonzero(spikes[:, shown])
        axes.scatter(times + 1, neurons, s=4, color=BLUE, marker="|")
        axes.set_ylabel(to_plot_text(name), rotation=0, ha="right", va="center")
        axes.set_yticks([])
        axes.set_title(
            f"{int(spikes.sum()):,} spikes of {spikes.shape[1]:,} neurons, {spikes.mean():.3f} a neuron and step",
            fontsize=8,
            loc="right",
            pad=2,
        )
        axes.axvline(decided + 0.5, color=GREY, linewidth=1)
        clear_frame(axes)
    for axes, (name, given) in zip(panels[len(raster) :], attributes.items(), strict=True):
        described = network.attributes[name]
        probabilities = to_probabilities(given / temperatures[name], described.output)
        best = np.argsort(-probabilities[-1], kind="stable")[:SHOWN_LABELS]
        for label, color in zip(best.tolist(), LINES, strict=False):
            axes.plot(
                np.arange(1, steps + 1),
                probabilities[:, label],
                color=color,
                marker="o",
                markersize=3,
                label=to_plot_text(described.labels[label]),
            )
        axes.axvline(decided + 0.5, color=GREY, linewidth=1)
        axes.set(ylabel=f"{to_plot_text(name)}\nprobability", ylim=(0, 1.02))
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        clear_frame(axes)
    panels[-1].set(xlabel="time step", xlim=(0.5, steps + 0.5))
    panels[-1].set_xticks(_choose_ticks(steps))
    return to_png(figure)


def _pick_neurons(spikes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Numbers of the neurons to draw, in their order: evenly from the more active half."""
    counts = spikes.sum(axis=0)
    active = np.sort(np.argsort(-counts, kind="stable")[: max(SHOWN_NEURONS, len(counts) // 2)])
    return active[np.unique(np.linspace(0, len(active) - 1, min(SHOWN_NEURONS, len(active))).astype(np.int64))]


def _choose_ticks(steps: int) -> list[int]:
    stride = max(1, steps // 8)
    return sorted({1, *range(stride, steps + 1, stride)})
