"""Measures of predicted labels, for many weighings of the same items at once.

A weighing says how often each item counts: ones for the plain figure, a resample's counts for the bootstrap. Agrees
with scikit-learn, weights included. Works with arrays; knows nothing of attributes, labels' names or reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]
"""How often each item counts, whole numbers, shape (weighings, items). Sums are exact below 2^24."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Items by label, each of shape (weighings, labels): right predictions, predictions, and true labels."""

    right: Floats
    chosen: Floats
    relevant: Floats


def weigh_equally(items: int) -> Weights:
    """The weighing of the plain figures: every item once, shape (1, items)."""
    return np.ones((1, items), dtype=np.float32)


def count_labels(relevant: NDArray[np.bool_], chosen: NDArray[np.bool_], weights: Weights) -> Counts:
    """How often each label is right, predicted and true.

    Args:
        relevant, chosen: shape (items, labels).
    """
    return Counts(
        right=_sum(relevant & chosen, weights), chosen=_sum(chosen, weights), relevant=_sum(relevant, weights)
    )


def weighted_mean(values: NDArray[np.bool_], weights: Weights) -> Floats:
    """Share of the items that hold, shape (weighings,): with `values` the right items, accuracy."""
    return divide(_sum(values[:, None], weights)[:, 0], weights.sum(axis=1, dtype=np.float64))


def precision(counts: Counts) -> Floats:
    """Right predictions of a label among its predictions; 0 where it is never predicted."""
    return divide(counts.right, counts.chosen)


def recall(counts: Counts) -> Floats:
    """Right predictions of a label among the items that have it; 0 where none has it."""
    return divide(counts.right, counts.relevant)


def f1_score(counts: Counts) -> Floats:
    """Harmonic mean of precision and recall: 2 right / (predictions + true labels); 0 where there is neither."""
    return divide(2 * counts.right, counts.chosen + counts.relevant)


def sum_labels(counts: Counts) -> Counts:
    """All labels as one, shape (weighings, 1): what micro averages are computed from."""
    return Counts(
        right=counts.right.sum(axis=1, keepdims=True),
        chosen=counts.chosen.sum(axis=1, keepdims=True),
        relevant=counts.relevant.sum(axis=1, keepdims=True),
    )


def average_labels(values: Floats, counts: Counts) -> Floats:
    """Macro average, shape (weighings,): the mean over the labels that occur or are predicted.

    A label that is predicted and never occurs counts, with zeros: `average="macro"` of scikit-learn.
    """
    present = counts.chosen + counts.relevant > 0
    return divide((values * present).sum(axis=1), present.sum(axis=1).astype(np.float64))


def average_precision(relevant: NDArray[np.bool_], scores: Floats, weights: Weights) -> Floats:
    """Area under the steps of the precision-recall curve of one label, shape (weighings,); NaN where none is relevant.

        AP = sum over n of (R_n - R_(n-1)) P_n

    P_n and R_n are precision and recall at the n-th distinct score: `average_precision_score` of scikit-learn. It is
    the mean, over the relevant items, of the precision among everything that scores at least as high as the item.

    Args:
        relevant: shape (items,).
        scores: shape (items,); equal scores are passed at once.
    """
    order = np.argsort(-scores, kind="stable")
    falling = -scores[order]
    places = np.flatnonzero(relevant[order])
    ends = np.searchsorted(falling, falling[places], side="right") - 1  # where the items of equal score end
    ranked = weights[:, order]
    own = ranked[:, places]
    seen = np.cumsum(ranked, axis=1)[:, ends]
    found = np.cumsum(own, axis=1)[:, np.searchsorted(places, ends, side="right") - 1]
    total = own.sum(axis=1, dtype=np.float64)
    area = (own * divide(found.astype(np.float64), seen.astype(np.float64))).sum(axis=1)
    return np.where(total > 0, divide(area, total), np.nan)


def average_precisions(relevant: NDArray[np.bool_], scores: Floats, weights: Weights) -> Floats:
    """`average_precision` of every label, shape (weighings, labels)."""
    columns = [average_precision(relevant[:, n], scores[:, n], weights) for n in range(relevant.shape[1])]
    return np.stack(columns, axis=1)


def mean_of_known(values: Floats) -> Floats:
    """Mean over the labels that have a figure, shape (weighings,); NaN where none has. Of average precisions: mAP."""
    there = ~np.isnan(values)
    count = there.sum(axis=1)
    return np.where(count > 0, divide(np.where(there, values, 0).sum(axis=1), count.astype(np.float64)), np.nan)


def count_confusions(relevant: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many items of the label of a row are predicted to have the label of a column; one label an item.

    Returns:
        int64, shape (labels, labels).
    """
    labels = relevant.shape[1]
    pairs = relevant.argmax(axis=1) * labels + chosen.argmax(axis=1)
    return np.bincount(pairs, minlength=labels * labels).reshape(labels, labels).astype(np.int64)


def divide(part: Floats, whole: Floats) -> Floats:
    """A quotient that is 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole), dtype=np.float64), where=whole > 0)


def _sum(values: NDArray[np.bool_], weights: Weights) -> Floats:
    return np.asarray(weights @ values.astype(np.float32), dtype=np.float64)
