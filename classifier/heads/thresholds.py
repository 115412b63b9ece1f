"""From which probability a prediction is stood by: a threshold for each label, chosen on validation photos.

A label's threshold is the lowest one at which as many accepted predictions are right as wanted, where what was counted
is eased by what the calibrated probabilities expect: of many thresholds one is always lucky. A label that is predicted
for too few validation photos gets the one found for all labels of the attribute together. Works with arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.heads.schema import Targets

Floats = NDArray[np.float64]

MIN_STATEMENTS = 20
"""Predictions of a label on validation photos before it has a threshold of its own."""

MIN_ACCEPTED = 5
"""A share of right predictions is not believed of fewer."""

EXPECTED = 20
"""How many predictions the probabilities' own expectation counts for, beside those counted."""

EVEN_ODDS = 0.5
"""Where all predictions may be accepted, those less sure than any validation photo's are too, down to this."""

HIGHEST = 0.995
"""No threshold is higher: the labels' noise does not let a probability mean more."""


def choose_thresholds(probabilities: NDArray[np.floating[Any]], targets: Targets, *, precision: float) -> Floats:
    """A threshold for each label, shape (labels,). Without known photos, `precision` itself: calibrated, they agree.

    Where no threshold reaches the precision, the label is accepted above the greatest probability that was wrong.

    Args:
        probabilities: of validation photos, calibrated, shape (photos, labels).
        precision: share of a label's accepted predictions that should be right.
    """
    labels = probabilities.shape[1]
    scores = np.asarray(probabilities, dtype=np.float64)[targets.known]
    values = targets.values[targets.known]
    if values.ndim == 1:
        said = scores.argmax(axis=1)[:, None] == np.arange(labels)
        right = said & (values[:, None] == np.arange(labels))
    else:
        said, right = np.ones_like(scores, dtype=np.bool_), values.astype(np.bool_)
    pooled = _find_threshold(scores[said], right[said], precision, otherwise=min(precision, HIGHEST))
    chosen = np.full(labels, pooled)
    for label in range(labels):
        own = said[:, label]
        # Of a multi-valued attribute every photo is a statement, so those that have the label are counted.
        enough = own.sum() if values.ndim == 1 else right[:, label].sum()
        if enough >= MIN_STATEMENTS:
            chosen[label] = _find_threshold(scores[own, label], right[own, label], precision, otherwise=pooled)
    return chosen


def _find_threshold(scores: Floats, right: NDArray[np.bool_], precision: float, *, otherwise: float) -> float:
    if len(scores) < MIN_ACCEPTED:
        return otherwise
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], right[order]
    number = np.arange(1, len(hits) + 1)
    share = (np.cumsum(hits) + EXPECTED * np.cumsum(ranked) / number) / (number + EXPECTED)
    last = np.r_[ranked[1:] != ranked[:-1], True]  # of predictions equally sure, all are accepted or none
    reached = np.flatnonzero((share >= precision) & last & (number >= MIN_ACCEPTED))
    if len(reached):
        lowest = float(min(ranked[reached[-1]], HIGHEST))
        return min(lowest, EVEN_ODDS) if reached[-1] == len(ranked) - 1 else lowest
    wrong = ranked[~hits]
    return float(min(max(otherwise, np.nextafter(wrong[0], 2)), HIGHEST)) if len(wrong) else otherwise
