"""What an evaluation of a classifier found, and how it is written as JSON.

Works with plain numbers. Knows nothing of how they are computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.calibration import Reliability

MEASURES = (
    "accuracy",
    "map",
    "macro_f1",
    "micro_f1",
    "precision",
    "recall",
    "micro_precision",
    "micro_recall",
    "ece",
    "coverage",
    "accepted_precision",
)
"""Names of the figures of an attribute that have an interval, as they are in JSON."""

SHOWN_CONFUSIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with the bounds of its 95 % bootstrap interval; `value` is None where it has no meaning."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFigures:
    """The figures of one label.

    Attributes:
        support: items that have it.
        predicted: items it is predicted for.
        average_precision: None where no item has it.
    """

    precision: float
    recall: float
    f1: float
    average_precision: float | None
    support: int
    predicted: int

    def to_wire(self) -> dict[str, object]:
        """As JSON."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "average_precision": self.average_precision,
            "support": self.support,
            "predicted": self.predicted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeFigures:
    """The figures of one attribute.

    Attributes:
        figures: by the names in `MEASURES`. `accuracy` is the share of items with exactly the true labels;
            `precision` and `recall` are macro averages over the labels that occur or are predicted, as `macro_f1`;
            `map` is the mean of the average precisions of the labels that occur; `ece` has 15 bins of equal width;
            `coverage` is the share of items with an accepted label; `accepted_precision` the share of the accepted
            labels that is right.
        adaptive_ece: with 15 bins of equal count.
        per_label: by label, in the order of their numbers.
        confusion: items by true label (rows) and predicted label (columns); None for a multi-valued attribute.
        reliability: bins of equal width.
        n: items that count.
        n_left_out: items that do not, because the classifier has not learnt any of their labels.
        without_positive: labels no item has; they are in no average over labels that occur.
    """

    figures: Mapping[str, Figure]
    adaptive_ece: float
    per_label: Mapping[str, LabelFigures]
    confusion: NDArray[np.int64] | None
    reliability: Reliability
    n: int
    n_left_out: int
    without_positive: tuple[str, ...]
    multi_valued: bool

    def to_wire(self) -> dict[str, object]:
        """As JSON; figures under their names, their intervals under `interval`, the commonest confusions."""
        return {
            **{name: figure.value for name, figure in self.figures.items()},
            "adaptive_ece": self.adaptive_ece,
            "labels": len(self.per_label),
            "n": self.n,
            "n_left_out": self.n_left_out,
            "multi_valued": self.multi_valued,
            "interval": to_intervals(self.figures),
            "labels_without_positive": list(self.without_positive),
            "per_label": {name: figures.to_wire() for name, figures in self.per_label.items()},
            "confusions": [
                {"true": true, "predicted": predicted, "count": count}
                for true, predicted, count in self.list_confusions(SHOWN_CONFUSIONS)
            ],
        }

    def list_confusions(self, limit: int) -> list[tuple[str, str, int]]:
        """The commonest mistakes: true label, predicted label, how often."""
        if self.confusion is None:
            return []
        labels = list(self.per_label)
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-wrong.ravel(), kind="stable")[:limit]
        pairs = [(int(at) // len(labels), int(at) % len(labels)) for at in order]
        return [(labels[row], labels[column], int(wrong[row, column])) for row, column in pairs if wrong[row, column]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What `evaluate_predictions` found.

    Attributes:
        attributes: figures of each attribute that could be measured.
        overall: by the names in `MEASURES`, the mean over those attributes.
        exact_match: share of the items whose every known attribute is exactly right.
        exact_match_n: items with at least one known attribute.
        complete_match: the same, of the items that have all of the attributes.
        complete_match_n: how many these are.
        not_measured: attributes no item has a learnt label of, with the number of items left out.
        n: items in all.
    """

    attributes: Mapping[str, AttributeFigures]
    overall: Mapping[str, Figure]
    exact_match: Figure
    exact_match_n: int
    complete_match: Figure
    complete_match_n: int
    not_measured: Mapping[str, int]
    n: int

    def to_wire(self) -> dict[str, object]:
        """As JSON."""
        matches = {"exact_match": self.exact_match, "complete_match": self.complete_match}
        return {
            "attributes": {name: figures.to_wire() for name, figures in self.attributes.items()},
            "overall": {
                **{name: figure.value for name, figure in self.overall.items()},
                "interval": to_intervals(self.overall),
            },
            **{name: figure.value for name, figure in matches.items()},
            "exact_match_n": self.exact_match_n,
            "complete_match_n": self.complete_match_n,
            "interval": to_intervals(matches),
            "not_measured": dict(self.not_measured),
            "n": self.n,
        }


def to_intervals(figures: Mapping[str, Figure]) -> dict[str, list[float | None]]:
    """Bounds by name, `[low, high]`, of the figures that have a value."""
    return {name: [figure.low, figure.high] for name, figure in figures.items() if figure.value is not None}
