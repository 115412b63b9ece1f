"""Evaluations of search as Markdown tables and as plots. Knows nothing of how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from classifier.report.canvas import BLUE, GREY, LINES, ORANGE, clear_frame, open_figure, to_plot_text, to_png
from indexer.cutoff import CutoffReport, Scenario
from indexer.filter_recall import FilterFigures
from indexer.paired_retrieval import PairedReport
from indexer.retrieval_report import MEASURES, Figure, RetrievalReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Headings, and the rows below them, as texts."""


def list_retrieval(report: RetrievalReport) -> Rows:
    """A row a measure, a column a weighing."""
    rows = [
        [f"{title}@{report.k}", *(_say_figure(space.measures[name]) for space in report.spaces.values())]
        for name, title in MEASURES.items()
    ]
    attributes = next(iter(report.spaces.values())).by_attribute
    rows += [
        [f"P@{report.k}, {name}", *(_say_figure(space.by_attribute[name]) for space in report.spaces.values())]
        for name in attributes
    ]
    return ("measure", *report.spaces), rows


def list_filters(figures: Sequence[FilterFigures], k: int) -> Rows:
    """A row a share."""
    headings = ("share wanted", "share", f"recall@{k}", "least", "ms p50", "p95", "p99", "exact p50", "p95", "p99")
    return headings, [
        [
            _say_share(each.wanted),
            _say_range(each.shares),
            f"{each.recall:.4f} [{each.interval[0]:.4f}, {each.interval[1]:.4f}]",
            f"{each.least:.2f}",
            *(f"{ms:.2f}" for one in (each.engine, each.exact) for ms in (one.p50, one.p95, one.p99)),
        ]
        for each in figures
    ]


def list_comparison(report: PairedReport) -> Rows:
    """A row a measure."""
    headings = ("measure", "a", "b", "b less a", "95 %", "better", "worse", "equal")
    return headings, [
        [
            f"{MEASURES[name]}@{report.k}",
            f"{each.a:.4f}",
            f"{each.b:.4f}",
            f"{each.difference:+.4f}",
            f"[{each.low:+.4f}, {each.high:+.4f}]",
            str(each.better),
            str(each.worse),
            str(each.equal),
        ]
        for name, each in report.measures.items()
    ]


def list_cutoff(report: CutoffReport) -> Rows:
    """A row a level: precision and recall of what is kept, and the share of questions with something close."""
    headings = ("min_relevance", *(f"{name}: {part}" for name in report.scenarios for part in _list_parts(name)))
    rows = []
    for place, level in enumerate(next(iter(report.scenarios.values())).levels):
        cells = [f"{level.min_relevance:.1f}"]
        for name, scenario in report.scenarios.items():
            cut = scenario.levels[place]
            shown = (cut.precision, cut.recall, cut.close) if len(_list_parts(name)) == 3 else (cut.close,)
            cells += ["" if value is None else f"{value:.3f}" for value in shown]
        rows.append(cells)
    return headings, rows


def list_honesty(report: CutoffReport) -> Rows:
    """A row a way to ask: how honest the probabilities of its hits are."""
    headings = ("asked", "questions", "answerable", "hits", "relevant", "ECE", "Brier", "of a constant")
    return headings, [
        [
            name,
            str(each.questions),
            str(each.answerable),
            str(each.hits),
            *(
                f"{value:.4f}"
                for value in (each.honesty.share, each.honesty.error, each.honesty.brier, each.honesty.sharpness)
            ),
        ]
        for name, each in report.scenarios.items()
        if each.honesty is not None
    ]


def to_table(rows: Rows) -> str:
    """As Markdown."""
    headings, cells = rows
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *escaped)) + "\n"


def plot_matches(report: RetrievalReport) -> bytes:
    """Share of queries with a relevant hit by rank, a line a weighing (cumulative match characteristic)."""
    figure = open_figure(6, 4)
    axes = figure.subplots()
    for (name, space), color in zip(report.spaces.items(), _list_colors(len(report.spaces)), strict=True):
        axes.plot(range(1, report.k + 1), space.cmc, color=color, marker="o", markersize=3, label=to_plot_text(name))
    axes.set(xlabel="rank", ylabel="queries with a relevant hit by then", ylim=(0, 1.02))
    _finish(axes)
    return to_png(figure)


def plot_measures(report: RetrievalReport) -> bytes:
    """Every measure of every weighing, with its interval."""
    figure = open_figure(9, 4)
    axes = figure.subplots()
    width = 0.8 / len(report.spaces)
    for number, ((name, space), color) in enumerate(
        zip(report.spaces.items(), _list_colors(len(report.spaces)), strict=True)
    ):
        figures = list(space.measures.values())
        means = np.array([each.mean for each in figures])
        errors = np.array([[each.mean - each.low for each in figures], [each.high - each.mean for each in figures]])
        places = np.arange(len(figures)) + width * number
        axes.bar(places, means, width, yerr=np.maximum(errors, 0), color=color, label=to_plot_text(name))
    names = [f"{title}@{report.k}".replace(" ", "\n") for title in MEASURES.values()]
    axes.set_xticks(np.arange(len(names)) + 0.4 - width / 2, names)
    axes.set_ylim(0, 1)
    _finish(axes)
    return to_png(figure)


def plot_filters(figures: Sequence[FilterFigures], k: int) -> bytes:
    """Recall and latency by share."""
    figure = open_figure(9, 3.5)
    left, right = figure.subplots(1, 2)
    shares = [float(np.mean(each.shares)) for each in figures]
    left.plot(shares, [each.recall for each in figures], color=BLUE, marker="o")
    left.set(xscale="log", xlabel="share the filter lets through", ylabel=f"recall@{k} against exact", ylim=(0, 1.02))
    for name, color in (("engine", BLUE), ("exact", ORANGE)):
        for mark, style in (("p50", "-"), ("p95", "--")):
            values = [getattr(getattr(each, name), mark) for each in figures]
            right.plot(shares, values, style, color=color, marker="o", markersize=3, label=f"{name} {mark}")
    right.set(xscale="log", xlabel="share the filter lets through", ylabel="ms", ylim=(0, None))
    clear_frame(left)
    _finish(right)
    figure.subplots_adjust(wspace=0.3)
    return to_png(figure)


def plot_cutoff(scenarios: Mapping[str, Scenario]) -> bytes:
    """Share of questions with something close, by `min_relevance`, a line a way to ask."""
    figure = open_figure(6, 4)
    axes = figure.subplots()
    for (name, scenario), color in zip(scenarios.items(), _list_colors(len(scenarios)), strict=True):
        levels = [level.min_relevance for level in scenario.levels]
        axes.plot(levels, [level.close for level in scenario.levels], color=color, marker="o", label=name)
    axes.axvline(0.5, color=GREY, linestyle=":")
    axes.set(xlabel="min_relevance", ylabel="questions with a close hit", ylim=(0, 1.02))
    _finish(axes)
    return to_png(figure)


def plot_differences(report: PairedReport) -> bytes:
    """The difference of every measure, with its interval."""
    figure = open_figure(6, 3.5)
    axes = figure.subplots()
    measures = list(report.measures.values())
    places = np.arange(len(measures))
    differences = np.array([each.difference for each in measures])
    bounds = np.array([[each.difference - each.low, each.high - each.difference] for each in measures]).T
    axes.errorbar(differences, places, xerr=np.maximum(bounds, 0), fmt="o", color=BLUE, capsize=3)
    axes.axvline(0, color=GREY, linestyle="--")
    axes.set_yticks(places, [f"{MEASURES[name]}@{report.k}" for name in report.measures])
    axes.invert_yaxis()
    axes.set_xlabel("b less a, with 95 % paired interval")
    clear_frame(axes)
    return to_png(figure)


def _list_parts(scenario: str) -> Sequence[str]:
    return ("close",) if "held out" in scenario else ("precision", "recall", "close")


def _list_colors(count: int) -> Sequence[str]:
    return [LINES[number % len(LINES)] for number in range(count)]


def _finish(axes: Axes) -> None:
    clear_frame(axes)
    axes.legend(frameon=False, fontsize="small")


def _say_figure(figure: Figure) -> str:
    return f"{figure.mean:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _say_share(share: float) -> str:
    return f"{100 * share:g} %"


def _say_range(shares: Sequence[float]) -> str:
    low, high = min(shares), max(shares)
    return f"{100 * low:.3g} %" if low == high else f"{100 * low:.3g} to {100 * high:.3g} %"
