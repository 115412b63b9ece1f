"""What an evaluation of retrieval found, and how it is written as JSON.

Works with rankings. Knows nothing of stores, spaces' vectors or items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.rankings import Rankings
from search.filters import filter_to_wire
from search.metrics import (
    Scores,
    average_precision_at_k,
    bootstrap_interval,
    ideal_gains,
    match_within_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    reciprocal_rank,
)

MEASURES: Mapping[str, str] = {
    "p": "P",
    "r": "R",
    "map": "mAP",
    "ndcg": "nDCG",
    "graded_ndcg": "graded nDCG",
    "mrr": "MRR",
    "cmc": "CMC",
}
"""Measures by the name they have on the wire before `_at_k`, and how they are written in tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A mean over queries, with the bounds of its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceFigures:
    """The figures of one way to weigh the spaces.

    Attributes:
        weights: how much each space counted.
        measures: by the names in `MEASURES`.
        by_attribute: precision at k where a hit is relevant as soon as this one attribute agrees.
        cmc: share of queries with a relevant hit among the first 1, 2, ... k.
    """

    weights: Mapping[str, float]
    measures: Mapping[str, Figure]
    by_attribute: Mapping[str, Figure]
    cmc: Sequence[float]

    @property
    def precision(self) -> Figure:
        """P@k."""
        return self.measures["p"]

    @property
    def average_precision(self) -> Figure:
        """mAP@k."""
        return self.measures["map"]

    @property
    def ndcg(self) -> Figure:
        """nDCG@k, relevant or not."""
        return self.measures["ndcg"]

    def to_wire(self, k: int) -> dict[str, object]:
        """As JSON, the keys carrying the cut: `p_at_10`, `map_at_10`, `ndcg_at_10`, `interval` ..."""
        figures = {f"{name}_at_{k}": figure for name, figure in self.measures.items()}
        return {
            **{name: figure.mean for name, figure in figures.items()},
            "interval": {name: [figure.low, figure.high] for name, figure in figures.items()},
            "by_attribute": {
                name: {f"p_at_{k}": figure.mean, "interval": {f"p_at_{k}": [figure.low, figure.high]}}
                for name, figure in self.by_attribute.items()
            },
            "cmc": list(self.cmc),
            "weights": dict(self.weights),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalReport:
    """What `evaluate_retrieval` found.

    Attributes:
        spaces: figures by name: each space alone, `fusion` for the catalogue's own weights, then those asked for.
        queries: number of items asked about.
        gallery: number of items the answers were looked for among.
        relevant: attributes that all have to agree.
        grades: how much each attribute counts in graded relevance.
        skipped: items that could not be asked about, by reason.
        without_relevant: queries whose gallery holds nothing relevant; they count, with zeros.
        split: the filters of queries and gallery, as on the wire.
    """

    spaces: Mapping[str, SpaceFigures]
    queries: int
    gallery: int
    k: int
    relevant: Sequence[str]
    grades: Mapping[str, float]
    skipped: Mapping[str, int]
    without_relevant: int
    split: Mapping[str, object]

    def to_wire(self) -> dict[str, object]:
        """As JSON."""
        return {
            "spaces": {name: figures.to_wire(self.k) for name, figures in self.spaces.items()},
            "queries": self.queries,
            "gallery": self.gallery,
            "k": self.k,
            "relevant": list(self.relevant),
            "grades": dict(self.grades),
            "skipped": dict(self.skipped),
            "without_relevant": self.without_relevant,
            "split": dict(self.split),
        }


def report_on(rankings: Rankings) -> RetrievalReport:
    """The figures of every weighing."""
    question = rankings.question
    return RetrievalReport(
        spaces={name: _summarise(rankings, name) for name in rankings.weighings},
        queries=len(rankings.items),
        gallery=rankings.gallery,
        k=question.k,
        relevant=question.relevant,
        grades=question.grades,
        skipped={"missing_attribute": rankings.lacking, "missing_embedding": rankings.unembedded},
        without_relevant=int((rankings.totals == 0).sum()),
        split={"queries": filter_to_wire(question.queries), "gallery": filter_to_wire(question.gallery)},
    )


def score_queries(rankings: Rankings, weighing: str) -> Mapping[str, Scores]:
    """Each query's measures with one way to weigh the spaces, by the names in `MEASURES`; each of shape (queries,)."""
    gains, totals, k = rankings.gains[weighing][None], rankings.totals, rankings.question.k
    return {
        "p": precision_at_k(gains, k),
        "r": recall_at_k(gains, totals, k),
        "map": average_precision_at_k(gains, totals, k),
        "ndcg": ndcg_at_k(gains, ideal_gains(totals, k), k),
        "graded_ndcg": ndcg_at_k(rankings.graded[weighing], rankings.ideal, k),
        "mrr": reciprocal_rank(gains),
        "cmc": match_within_k(gains, k),
    }


def _summarise(rankings: Rankings, weighing: str) -> SpaceFigures:
    gains, k = rankings.gains[weighing], rankings.question.k
    return SpaceFigures(
        weights=rankings.weighings[weighing],
        measures={name: _to_figure(values) for name, values in score_queries(rankings, weighing).items()},
        by_attribute={name: _to_figure(precision_at_k(gains[name], k)) for name in gains if name is not None},
        cmc=[float(share) for share in np.maximum.accumulate(gains[None], axis=1).mean(axis=0)],
    )


def _to_figure(values: Scores) -> Figure:
    low, high = bootstrap_interval(values)
    return Figure(mean=float(values.mean()), low=low, high=high)
