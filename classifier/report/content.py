"""What a report is made from.

Plain values and arrays. Knows nothing of plots or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.figures import Evaluation
from classifier.evaluation.predictions import AttributePredictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One photo and what is predicted of it.

    Attributes:
        photo: uint8, shape (height, width), (height, width, 1) or (height, width, 3).
        predicted, true: labels; several of them in one text, empty for none.
        confidence: probability of the prediction, 0 to 1.
        right: whether it is what is true.
    """

    photo: NDArray[np.uint8]
    predicted: str
    true: str
    confidence: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All a report can show; what is empty is left out of it.

    Attributes:
        title: heading of the page.
        facts: what was measured with what, each in a few words, by name.
        notes: sentences a reader of the figures has to know.
        evaluation: the figures.
        predictions: what they were computed from, by attribute.
        training_counts: by attribute and label, how many training photos have the label.
        history: one entry an epoch: `epoch`, `train_loss` (or `loss`), `val_loss`, `val_accuracy` (or `score`), as far
            as it has them; anything else in it is passed over.
        examples: by attribute.
    """

    title: str
    evaluation: Evaluation
    predictions: Mapping[str, AttributePredictions]
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    training_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    examples: Mapping[str, Sequence[Example]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture on the page.

    Attributes:
        name: of its file, without the ending.
        alt: what it shows, for who cannot see it.
        caption: how it is to be read.
        png: the file.
        broad: whether it needs the page's whole width.
    """

    name: str
    alt: str
    caption: str
    png: bytes
    broad: bool = False


def choose_examples(predictions: AttributePredictions, count: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Rows of some items that count, drawn by a seed, not picked: the share that is right is that of all of them."""
    rows = np.flatnonzero(predictions.known)
    drawn = np.random.default_rng(seed).permutation(rows)[:count]
    return np.sort(drawn)


def describe_example(predictions: AttributePredictions, row: int, photo: NDArray[np.uint8]) -> Example:
    """The example of one item; the confidence is that of the most probable label."""
    best = int(predictions.probabilities[row].argmax())
    return Example(
        photo=photo,
        predicted=_join_labels(predictions.labels, predictions.chosen[row]),
        true=_join_labels(predictions.labels, predictions.relevant[row]),
        confidence=float(predictions.probabilities[row, best]),
        right=bool((predictions.chosen[row] == predictions.relevant[row]).all()),
    )


def _join_labels(labels: Sequence[str], marks: NDArray[np.bool_]) -> str:
    return ", ".join(label for label, mark in zip(labels, marks, strict=True) if mark)
