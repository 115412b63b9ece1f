"""A comparison as JSON, as a Markdown table, and as plots. Knows nothing of how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from classifier.report.canvas import BLUE, GREEN, GREY, LINES, ORANGE, clear_frame, open_figure, to_png
from classifier.spiking.compared import Comparison, Row, System
from classifier.spiking.energy import ASSUMPTIONS
from classifier.spiking.paired import PairedFigure

TITLES: Mapping[System, str] = {
    System.CNN: "CNN",
    System.QUANTISED: "quantised CNN",
    System.NENGO_DEFAULT: "NengoDL, default",
    System.NENGO_SCALED: "NengoDL, rates x 1,000",
    System.SNN: "spiking, ours",
    System.SNN_EARLY: "ours, stopping early",
}

_COLORS = {System.SNN: BLUE, System.NENGO_DEFAULT: ORANGE, System.NENGO_SCALED: GREEN}

HEADINGS = (
    "system",
    "T",
    "accuracy",
    "to CNN, points",
    "macro-F1",
    "mAP",
    "agrees",
    "spikes",
    "synaptic operations",
    "spikes a synapse",
    "fp32 µJ",
    "int8 µJ",
    "s / 1,000",
)


def to_wire(comparison: Comparison) -> dict[str, object]:
    """As JSON."""
    return {**asdict(comparison), "energy_assumptions": list(ASSUMPTIONS)}


def list_rows(comparison: Comparison, attribute: str) -> list[list[str]]:
    """One attribute's rows, as text under `HEADINGS`."""
    return [_to_texts(row, attribute) for row in comparison.rows]


def to_markdown(comparison: Comparison) -> str:
    """Every attribute's table, the layers', and the labels' that differ most."""
    parts = [
        f"{comparison.images:,} images; {comparison.macs / 1e6:.1f} M multiplications with addition in the CNN, "
        f"{comparison.cnn_used_macs / 1e6:.1f} M of them with an activation that is not zero; {comparison.neurons:,} "
        f"spiking neurons, {comparison.synapses / 1e6:.1f} M synapses behind them. Differences are to the CNN, with "
        "95 % paired intervals."
    ]
    parts += [
        f"**{attribute}**\n\n" + _to_table(HEADINGS, list_rows(comparison, attribute))
        for attribute in comparison.rows[0].attributes
    ]
    skipping = comparison.cnn_energy["zero_skipping"]
    parts.append(
        "The CNN, zero-skipping: "
        + ", ".join(f"{name} {each.low:.2f} to {each.high:.1f} µJ" for name, each in skipping.items())
        + "."
    )
    if comparison.layers:
        rows = [
            [
                each.name,
                f"{each.neurons:,}",
                f"{each.threshold:.3f}",
                f"{each.spikes / each.neurons:.3f}",
                f"{each.rate:.3f}",
                f"{each.operations / 1e6:.2f}",
            ]
            for each in comparison.layers
        ]
        headings = ("layer", "neurons", "threshold", "spikes a neuron", "a step", "M operations")
        parts.append(f"Ours, {comparison.chosen_steps} steps:\n\n" + _to_table(headings, rows))
    differences = sorted(
        (each for each in comparison.labels if each.cnn is not None and each.snn is not None),
        key=lambda each: (each.snn or 0) - (each.cnn or 0),
    )
    if differences:
        rows = [
            [
                e.attribute,
                e.label,
                str(e.images),
                f"{e.cnn:.3f}",
                f"{e.snn:.3f}",
                f"{100 * ((e.snn or 0) - (e.cnn or 0)):+.1f}",
            ]
            for e in differences
        ]
        headings = ("attribute", "label", "images", "AP, CNN", "AP, ours", "points")
        parts.append(f"Average precision by label, {comparison.chosen_steps} steps:\n\n" + _to_table(headings, rows))
    parts.append(
        "Energy is estimated, not measured. " + " ".join(f"{text[0].upper()}{text[1:]}." for text in ASSUMPTIONS)
    )
    return "\n\n".join(parts) + "\n"


def plot_scores(comparison: Comparison) -> bytes:
    """Score against steps, a line a system; those without steps lie across."""
    figure = open_figure(7, 4.5)
    axes = figure.subplots()
    for system, rows in _group(comparison.rows).items():
        if system in _COLORS:
            steps, scores = [row.steps or 0 for row in rows], [100 * row.score for row in rows]
            axes.plot(steps, scores, color=_COLORS[system], marker="o", label=TITLES[system])
        elif system is System.SNN_EARLY:
            axes.plot(
                [rows[0].steps or 0], [100 * rows[0].score], "*", color=LINES[3], markersize=13, label=TITLES[system]
            )
        elif system is System.QUANTISED:
            levels, scores = [row.levels or 0 for row in rows], [100 * row.score for row in rows]
            axes.plot(levels, scores, color=GREY, linestyle="--", label=f"{TITLES[system]}, as many levels")
        else:
            axes.axhline(100 * rows[0].score, color=GREY, label=TITLES[system])
    _label_steps(axes, [row.steps for row in comparison.rows if row.system is System.SNN])
    axes.set(xlabel="time steps", ylabel="score, %")
    clear_frame(axes)
    axes.legend(frameon=False, loc="lower right")
    return to_png(figure)


def plot_activity(comparison: Comparison) -> bytes:
    """Spikes for each synapse against steps, over what spiking hardware needs to pay."""
    figure = open_figure(7, 4)
    axes = figure.subplots()
    for system, rows in _group(comparison.rows).items():
        if system in _COLORS:
            steps = [row.steps or 0 for row in rows]
            axes.plot(
                steps, [row.per_synapse or 0 for row in rows], color=_COLORS[system], marker="o", label=TITLES[system]
            )
    axes.axhspan(0.15, 1.38, color=GREY, alpha=0.2, label="where spiking hardware can pay (Dampfhoffer et al. 2023)")
    _label_steps(axes, [row.steps for row in comparison.rows if row.system is System.SNN])
    axes.set(xlabel="time steps", ylabel="spikes for each synapse", yscale="symlog")
    clear_frame(axes)
    axes.legend(frameon=False)
    return to_png(figure)


def plot_energy(comparison: Comparison) -> bytes:
    """Estimated energy of one image, from arithmetic alone to every access from memory, on a logarithmic scale."""
    bars = [(f"CNN, {name.replace('_', '-')}", energy) for name, energy in comparison.cnn_energy.items()]
    bars += [
        (f"ours, {row.steps:.3g} steps" + (" (early)" if row.system is System.SNN_EARLY else ""), row.energy)
        for row in comparison.rows
        if row.system in (System.SNN, System.SNN_EARLY)
    ]
    figure = open_figure(8, 0.45 * len(bars) + 1.5)
    axes = figure.subplots()
    for offset, (precision, color) in enumerate((("fp32", ORANGE), ("int8", BLUE))):
        places = np.arange(len(bars)) + 0.36 * offset
        low = np.array([energy[precision].low for _, energy in bars])
        high = np.array([energy[precision].high for _, energy in bars])
        axes.barh(places, high - low, left=low, height=0.32, color=color, label=precision)
    axes.set_yticks(np.arange(len(bars)) + 0.18, [name for name, _ in bars])
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="µJ an image, estimated: arithmetic alone to no reuse of memory at all")
    clear_frame(axes)
    axes.legend(frameon=False)
    return to_png(figure)


def _to_texts(row: Row, attribute: str) -> list[str]:
    figures = row.attributes[attribute]
    accuracy = figures["accuracy"]
    return [
        TITLES[row.system],
        _say_steps(row),
        _say_share(accuracy),
        "" if row.system is System.CNN else _say_difference(accuracy),
        _say_share(figures["macro_f1"]),
        _say_share(figures["map"]),
        f"{100 * row.agreement:.1f} %",
        "" if row.spikes is None else f"{row.spikes:,.0f}",
        "" if row.operations is None else f"{row.operations / 1e6:.2f} M",
        "" if row.per_synapse is None else f"{row.per_synapse:.3f}",
        *(f"{each.low:.2f} to {each.high:.0f}" for each in row.energy.values()),
        "" if row.seconds_per_1000 is None else f"{row.seconds_per_1000:.3g}",
    ]


def _say_share(figure: PairedFigure) -> str:
    return "" if figure.value is None else f"{100 * figure.value:.2f}"


def _say_difference(figure: PairedFigure) -> str:
    if figure.difference is None or figure.low is None or figure.high is None:
        return ""
    return f"{100 * figure.difference:+.2f} [{100 * figure.low:+.2f}, {100 * figure.high:+.2f}]"


def _say_steps(row: Row) -> str:
    if row.levels is not None:
        return f"{row.levels} levels"
    return "" if row.steps is None else f"{row.steps:.4g}"


def _to_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    escaped = [[cell.replace("|", r"\|") for cell in cells] for cells in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *escaped))


def _group(rows: Sequence[Row]) -> dict[System, list[Row]]:
    grouped: dict[System, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.system, []).append(row)
    return grouped


def _label_steps(axes: object, steps: Sequence[float | None]) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    axes.set_xscale("log", base=2)
    numbers = sorted({step for step in steps if step is not None})
    axes.set_xticks(numbers, [f"{step:g}" for step in numbers])
