"""Whether probabilities mean what they say.

Of a single-valued attribute the probability of the predicted label is held against whether that label is true; of a
multi-valued one the probability of every label of every item against whether the item has it. Works with arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.measures import Floats, Weights, divide
from classifier.evaluation.predictions import AttributePredictions

BINS = 15

Bins = NDArray[np.int64]
"""Number of the bin of every statement, shape (items, statements of an item)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Probabilities beside whether what they are given to is true; each of shape (items, statements of an item)."""

    confidence: Floats
    true: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """What a reliability diagram shows, by bin, each of shape (bins,).

    Attributes:
        low, high: bounds of the bin.
        count: statements in it.
        confidence: their mean probability; 0 in an empty bin.
        accuracy: share of them that is true; 0 in an empty bin.
    """

    low: Floats
    high: Floats
    count: NDArray[np.int64]
    confidence: Floats
    accuracy: Floats


def list_statements(predictions: AttributePredictions) -> Statements:
    """One statement an item, its most probable label; of a multi-valued attribute one for each label."""
    if predictions.multi_valued:
        return Statements(confidence=predictions.probabilities, true=predictions.relevant)
    best = predictions.probabilities.argmax(axis=1)[:, None]
    return Statements(
        confidence=np.take_along_axis(predictions.probabilities, best, axis=1),
        true=np.take_along_axis(predictions.relevant, best, axis=1),
    )


def bin_by_width(statements: Statements, bins: int = BINS) -> Bins:
    """Bins of equal width: the m-th holds probabilities in ((m - 1) / bins, m / bins]."""
    numbers = np.ceil(statements.confidence * bins).astype(np.int64) - 1
    return np.asarray(np.clip(numbers, 0, bins - 1), dtype=np.int64)


def bin_by_count(statements: Statements, bins: int = BINS) -> Bins:
    """Bins of equal count, as nearly as statements of equal probability, which stay together, allow."""
    edges = np.quantile(statements.confidence, np.arange(1, bins) / bins)
    return np.searchsorted(edges, statements.confidence, side="left").astype(np.int64)


def calibration_error(statements: Statements, bins: Bins, weights: Weights) -> Floats:
    """Expected calibration error, shape (weighings,).

        ECE = sum over bins b of n_b / n * | share of b that is true - mean probability of b |

    Source, with `bin_by_width`: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    With `bin_by_count` it is the adaptive error of J. Nixon et al., "Measuring Calibration in Deep Learning", CVPR
    workshops 2019, of the predicted label alone.
    """
    items, each = statements.confidence.shape
    gaps = np.zeros((items, int(bins.max(initial=0)) + 1))
    np.add.at(gaps, (np.arange(items)[:, None], bins), statements.true - statements.confidence)
    weighed = weights.astype(np.float64)
    return divide(np.abs(weighed @ gaps).sum(axis=1), weighed.sum(axis=1) * each)


def draw_reliability(statements: Statements, bins: int = BINS) -> Reliability:
    """The bins of equal width, as a diagram shows them."""
    numbers = bin_by_width(statements, bins).ravel()
    count = np.bincount(numbers, minlength=bins)
    whole = count.astype(np.float64)
    said = np.bincount(numbers, weights=statements.confidence.ravel(), minlength=bins)
    held = np.bincount(numbers, weights=statements.true.ravel(), minlength=bins)
    edges = np.arange(bins + 1) / bins
    return Reliability(
        low=edges[:-1],
        high=edges[1:],
        count=count.astype(np.int64),
        confidence=divide(said.astype(np.float64), whole),
        accuracy=divide(held.astype(np.float64), whole),
    )
