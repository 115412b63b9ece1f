"""How much each space should count once the classifier's own space joins, chosen on validation items.

Validation items are searched for among training items, as users will search, with every weighting of a grid; the one
with the best mean precision at `K` wins. Works with arrays. Knows nothing of stores or photos.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

K = 10
STEPS = 10
"""Weights are multiples of 1 / STEPS that sum to 1."""

MAX_QUERIES = 1_000
MAX_GALLERY = 10_000
"""At most this many items are compared, the first ones given: enough to tell weightings apart, bounded in memory."""

Vectors = Mapping[str, NDArray[np.float32]]
"""By space: unit-length rows, shape (items, dimension)."""


def choose_weights(
    queries: Vectors, gallery: Vectors, relevant: NDArray[np.bool_]
) -> tuple[Mapping[str, float], float]:
    """The best weights by space, those of zero among them, and the precision at `K` they reach.

    Of weightings within a quarter of a standard error of the best, the one nearest to even weights is taken: it leans
    least on one space being right.

    Args:
        relevant: shape (queries, gallery): which items answer which. Queries without any do not count.
    """
    answered = relevant[:MAX_QUERIES, :MAX_GALLERY]
    kept = np.flatnonzero(answered.any(axis=1))
    if not len(kept):
        return dict.fromkeys(queries, 1 / len(queries)), 0.0
    answered = answered[kept]
    similarities = [queries[name][kept] @ gallery[name][:MAX_GALLERY].T for name in queries]
    grid = _list_weightings(len(similarities))
    means, errors = [], []
    for weights in grid:
        precision = _measure_precision(similarities, weights, answered)
        means.append(precision.mean())
        errors.append(precision.std() / np.sqrt(len(precision)))
    best = int(np.argmax(means))
    near = [n for n, mean in enumerate(means) if mean >= means[best] - errors[best] / 4]
    chosen = min(near, key=lambda n: (sum(weight**2 for weight in grid[n]), n))
    return dict(zip(queries, grid[chosen], strict=True)), float(means[chosen])


def mark_relevant(queries: Sequence[NDArray[np.int64]], gallery: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Which pairs agree in every attribute; shape (queries, gallery). A label of -1 is unknown and agrees with none.

    Args:
        queries: an array of label numbers for each attribute, shape (queries,); likewise the gallery.
    """
    marks = [(q[:, None] == g[None, :]) & (q[:, None] >= 0) for q, g in zip(queries, gallery, strict=True)]
    return np.asarray(np.logical_and.reduce(marks))


def _list_weightings(spaces: int) -> list[tuple[float, ...]]:
    counts = itertools.product(range(STEPS + 1), repeat=spaces)
    return [tuple(count / STEPS for count in each) for each in counts if sum(each) == STEPS]


def _measure_precision(
    similarities: Sequence[NDArray[np.float32]], weights: Sequence[float], relevant: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Precision at K of every query; shape (queries,)."""
    scores = np.zeros(relevant.shape, np.float32)
    for similarity, weight in zip(similarities, weights, strict=True):
        if weight:
            scores += np.float32(weight) * similarity
    k = min(K, scores.shape[1])
    nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return np.asarray(np.take_along_axis(relevant, nearest, axis=1).sum(axis=1) / K, np.float64)
