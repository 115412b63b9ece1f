"""Measures of a ranking, over many queries at once.

Works with arrays of gains in ranked order: one row a query, one column a rank, zero where a hit is not relevant or
there is no hit. Agrees with trec_eval, through ir-measures, on every measure. Knows nothing of items, attributes or
how the ranking was made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scores = NDArray[np.float64]
"""One number a query, shape (queries,)."""

_SAMPLES_AT_ONCE = 1_000_000
"""How many resampled values are held at a time: 8 MB."""


def precision_at_k(gains: ArrayLike, k: int) -> Scores:
    """Share of the first k ranks that hold a relevant hit.

    Divided by k even where fewer than k hits came back or fewer than k relevant items exist, as trec_eval's `P_k`.

    Args:
        gains: shape (queries, ranks), above zero where the hit is relevant.
    """
    return np.asarray(_cut(gains, k).astype(bool).sum(axis=1) / k, dtype=np.float64)


def recall_at_k(gains: ArrayLike, relevant: ArrayLike, k: int) -> Scores:
    """Share of the relevant items that are among the first k hits; 0 where there are none. trec_eval's `recall_k`.

    Args:
        relevant: how many relevant items there are to be found, shape (queries,).
    """
    found = _cut(gains, k).astype(bool).sum(axis=1)
    return np.asarray(found / np.maximum(np.asarray(relevant), 1), dtype=np.float64)


def average_precision_at_k(gains: ArrayLike, relevant: ArrayLike, k: int) -> Scores:
    """Sum of the precisions at the ranks up to k that hold a relevant hit, divided by the number of relevant items.

        AP@k = 1/R * sum over i = 1..k of rel(i) * P@i

    R is all there is to be found, not min(R, k): trec_eval's `map_cut_k`, and so `AP@k` of ir-measures. With R above
    k, which a wide class in a large gallery has, a perfect ranking reaches k / R and not 1; compare values of one
    gallery and one relevance only. 0 where nothing relevant exists. Its mean over queries is mAP@k.

    Source: D. Harman, "Evaluation issues in information retrieval", Information Processing & Management 28(4), 1992;
    trec_eval's m_map_cut.c.

    Args:
        relevant: R of each query, shape (queries,).
    """
    hits = _cut(gains, k).astype(bool)
    precisions = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    return np.asarray((precisions * hits).sum(axis=1) / np.maximum(np.asarray(relevant), 1), dtype=np.float64)


def ndcg_at_k(gains: ArrayLike, ideal: ArrayLike, k: int) -> Scores:
    """Discounted cumulative gain of the first k hits, as a share of the best one possible.

        DCG@k = sum over i = 1..k of gain(i) / log2(i + 1)        nDCG@k = DCG@k / DCG@k of the ideal ranking

    The gain is linear (not 2^gain - 1), the ideal ranking is of everything relevant there is, cut at k: trec_eval's
    `ndcg_cut_k`, and so `nDCG@k` of ir-measures. 0 where nothing relevant exists.

    Source: K. Jarvelin and J. Kekalainen, "Cumulated gain-based evaluation of IR techniques", ACM Transactions on
    Information Systems 20(4), 2002, with the discount of trec_eval's m_ndcg_cut.c.

    Args:
        ideal: gains of all that is relevant, in any order, shape (queries, any), zeros where a query has fewer;
            `ideal_gains` makes it where relevance is yes or no.
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    best = -np.sort(-np.asarray(ideal, dtype=np.float64), axis=1)
    reachable = _cut(best, k) @ discount
    return np.asarray(
        np.divide(_cut(gains, k) @ discount, reachable, out=np.zeros_like(reachable), where=reachable > 0),
        dtype=np.float64,
    )


def ideal_gains(relevant: ArrayLike, k: int) -> NDArray[np.float64]:
    """The gains `ndcg_at_k` needs where relevance is yes or no: ones for the relevant items, as far as k counts them.

    Args:
        relevant: how many relevant items there are to be found, shape (queries,).

    Returns:
        Shape (queries, k).
    """
    return np.asarray(np.arange(k) < np.asarray(relevant)[:, None], dtype=np.float64)


def reciprocal_rank(gains: ArrayLike) -> Scores:
    """One over the rank of the first relevant hit; 0 where there is none. trec_eval's `recip_rank`."""
    hits = np.asarray(gains, dtype=np.float64) > 0
    if hits.shape[1] == 0:
        return np.zeros(len(hits))
    return np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1), 0.0)


def match_within_k(gains: ArrayLike, k: int) -> Scores:
    """1 where any of the first k hits is relevant, else 0; its mean over queries is CMC@k. ir-measures' `Success@k`.

    Source: the cumulative match characteristic of P. J. Phillips et al., "The FERET evaluation methodology for
    face-recognition algorithms", IEEE PAMI 22(10), 2000.
    """
    return np.asarray(_cut(gains, k).astype(bool).any(axis=1), dtype=np.float64)


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, samples: int = 2_000, seed: int = 0
) -> tuple[float, float]:
    """The interval the mean of these values lies in, by the percentile bootstrap over queries.

    Says how far the mean would move with other queries of the same kind; nothing of another gallery.

    Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.

    Args:
        values: one number a query, at least one of them.
        level: share of the resampled means that lie inside.
        samples: how many times the queries are drawn anew, with replacement.
        seed: same seed and values, same interval.

    Raises:
        ValueError: there are no values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0:
        raise ValueError("the mean of no values has no interval: give one value a query, at least one")
    generator = np.random.default_rng(seed)
    rows = max(1, _SAMPLES_AT_ONCE // sample.size)
    means = np.concatenate(
        [
            sample[generator.integers(0, sample.size, (min(rows, samples - start), sample.size))].mean(axis=1)
            for start in range(0, samples, rows)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _cut(gains: ArrayLike, k: int) -> NDArray[np.float64]:
    """The first k columns of non-negative gains, filled up with zeros where there are fewer; shape (queries, k)."""
    if k < 1:
        raise ValueError(f"k is {k}; a ranking is cut at 1 or later")
    cut = np.maximum(np.asarray(gains, dtype=np.float64)[:, :k], 0.0)
    return np.pad(cut, ((0, 0), (0, k - cut.shape[1])))
