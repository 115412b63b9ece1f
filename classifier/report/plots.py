"""Which plots a report has.

Works with the content of a report. Knows nothing of how a plot is drawn, or of where it is put.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from classifier.evaluation.predictions import AttributePredictions
from classifier.report.content import Plot, Report
from classifier.report.curve_plots import plot_history, plot_precision_recall, plot_reliability
from classifier.report.example_grid import plot_examples
from classifier.report.label_plots import plot_co_occurrence, plot_confusion, plot_distribution


def draw_plots(report: Report) -> Mapping[str, Sequence[Plot]]:
    """The plots by attribute, those of no attribute under ""; every one with a file name of its own."""
    known = {name: report.predictions[name].keep_known() for name in report.evaluation.attributes}
    drawn = {name: tuple(_draw_attribute(report, name, own)) for name, own in known.items()}
    named = {
        name: tuple(replace(plot, name=f"{number:02d}-{_to_slug(name)}-{plot.name}") for plot in plots)
        for number, (name, plots) in enumerate(drawn.items(), 1)
    }
    return {"": tuple(_draw_common(report)), **named}


def _draw_common(report: Report) -> Iterator[Plot]:
    if report.history:
        yield plot_history(report.history)
    for number, (first, second) in enumerate(_choose_pairs(report), 1):
        one, two = report.predictions[first], report.predictions[second]
        both = one.known & two.known
        if both.any():
            plot = plot_co_occurrence((first, one.labels, one.relevant[both]), (second, two.labels, two.relevant[both]))
            yield replace(plot, name=f"{plot.name}-{number:02d}")


def _choose_pairs(report: Report) -> list[tuple[str, str]]:
    """Each multi-valued attribute with itself, and the attribute with the most labels with every other one."""
    names = list(report.evaluation.attributes)
    widest = max(names, key=lambda name: len(report.predictions[name].labels))
    own = [(name, name) for name in names if report.predictions[name].multi_valued]
    return own + [(widest, name) for name in names if name != widest]


def _draw_attribute(report: Report, name: str, known: AttributePredictions) -> Iterator[Plot]:
    figures = report.evaluation.attributes[name]
    examples = report.examples.get(name, ())
    if examples:
        yield plot_examples(name, examples)
    yield plot_distribution(name, known.labels, known.relevant.sum(axis=0), report.training_counts.get(name, {}))
    if figures.confusion is not None:
        yield plot_confusion(name, known.labels, figures.confusion)
    yield plot_precision_recall(name, known)
    yield plot_reliability(name, figures.reliability, figures.figures["ece"].value)


def _to_slug(name: str) -> str:
    """What of a name can be in a file's name anywhere."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-") or "attribute"
