"""Predictions of one attribute beside the truth, in the shape the measures need.

Works with arrays. Knows nothing of what made the probabilities, or of where the labels come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classifier.data.images import UNKNOWN, Labels
from search.errors import InputError

HALF = 0.5
"""From which probability a label of a multi-valued attribute is predicted, where no thresholds are given."""

Marks = NDArray[np.bool_]
"""Yes or no for every item and label, shape (items, labels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributePredictions:
    """What a classifier says of one attribute of some items, and what is true.

    Attributes:
        labels: names, in the order of their numbers.
        probabilities: float64, shape (items, labels).
        relevant: which labels are true.
        chosen: which labels are predicted: of a single-valued attribute the most probable one, of a multi-valued one
            those that are accepted.
        accepted: which predictions the classifier stands by; a row without any is an abstention.
        known: which items count, shape (items,).
        left_out: how many items do not count because all their labels are ones the classifier has not learnt.
        multi_valued: whether an item may have several labels.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    relevant: Marks
    chosen: Marks
    accepted: Marks
    known: NDArray[np.bool_]
    left_out: int
    multi_valued: bool

    def keep_known(self) -> AttributePredictions:
        """The same, of the items that count."""
        if self.known.all():
            return self
        return AttributePredictions(
            labels=self.labels,
            probabilities=self.probabilities[self.known],
            relevant=self.relevant[self.known],
            chosen=self.chosen[self.known],
            accepted=self.accepted[self.known],
            known=self.known[self.known],
            left_out=self.left_out,
            multi_valued=self.multi_valued,
        )

    def mark_right(self) -> NDArray[np.bool_]:
        """Which items have exactly the true labels predicted, shape (items,); of unknown ones it means nothing."""
        return np.asarray((self.chosen == self.relevant).all(axis=1), dtype=np.bool_)


def compare_predictions(
    probabilities: ArrayLike,
    truth: NDArray[Any],
    *,
    labels: Sequence[str],
    accepted: ArrayLike | None = None,
    known: ArrayLike | None = None,
    left_out: int = 0,
) -> AttributePredictions:
    """Predictions beside the truth, checked.

    Args:
        probabilities: shape (items, labels).
        truth: int64 label numbers of shape (items,), -1 where not known; or, of a multi-valued attribute, many-hot of
            shape (items, labels).
        accepted: which predictions are above their thresholds, shape (items, labels). Where not given, of a
            single-valued attribute the most probable label always, of a multi-valued one every label from 0.5 on.
        known: which items count; where not given, those whose truth is not -1, and all items of a multi-valued one.

    Raises:
        InputError: shapes that do not fit, label numbers that are none, probabilities that are not finite.
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    shape = (len(truth), len(labels))
    multi_valued = truth.ndim == 2
    if scores.shape != shape or (multi_valued and truth.shape != shape) or not labels:
        raise InputError(f"probabilities {scores.shape} and truth {truth.shape} do not fit {len(labels)} labels")
    if not np.isfinite(scores).all():
        raise InputError("some probabilities are not finite numbers; the classifier that gave them is broken")
    if multi_valued:
        relevant = truth.astype(bool)
        counted = np.ones(shape[0], dtype=bool)
    else:
        if truth.size and not UNKNOWN <= int(truth.min()) <= int(truth.max()) < len(labels):
            raise InputError(f"label numbers run from {truth.min()} to {truth.max()}, of {len(labels)} labels")
        relevant = truth[:, None] == np.arange(len(labels))
        counted = truth != UNKNOWN
    if known is not None:
        counted = counted & np.asarray(known, dtype=bool)
    best = scores.argmax(axis=1)[:, None] == np.arange(len(labels))
    if accepted is None:
        stood_by = scores >= HALF if multi_valued else best
    else:
        stood_by = np.asarray(accepted, dtype=bool)
        if stood_by.shape != shape:
            raise InputError(f"accepted predictions have shape {stood_by.shape}, {shape} is needed")
    return AttributePredictions(
        labels=tuple(labels),
        probabilities=scores,
        relevant=relevant,
        chosen=stood_by if multi_valued else best,
        accepted=stood_by if multi_valued else stood_by & best,
        known=counted,
        left_out=left_out,
        multi_valued=multi_valued,
    )


def compare_images(
    probabilities: Mapping[str, ArrayLike], labels: Labels, attributes: Mapping[str, Sequence[str]]
) -> dict[str, AttributePredictions]:
    """What a network says of labelled images beside their labels, by attribute, nothing abstained from.

    Args:
        probabilities: of each attribute, shape (images, labels).
        labels: as `LabelledImages.read_labels` gives them.
        attributes: the labels of each, in the order of their numbers.

    Raises:
        InputError: as `compare_predictions`.
    """
    return {
        name: compare_predictions(given, labels[name], labels=attributes[name]) for name, given in probabilities.items()
    }


def accept_labels(probabilities: ArrayLike, thresholds: ArrayLike, *, multi_valued: bool) -> Marks:
    """Which predictions reach their label's threshold; of a single-valued attribute only the most probable label can.

    Args:
        probabilities: shape (items, labels).
        thresholds: shape (labels,).
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    reached = scores >= np.asarray(thresholds, dtype=np.float64)
    if not multi_valued:
        reached &= scores.argmax(axis=1)[:, None] == np.arange(scores.shape[1])
    return np.asarray(reached, dtype=np.bool_)
