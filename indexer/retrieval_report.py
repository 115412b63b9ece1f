"""What an evaluation of retrieval found, and how it is written as JSON.

Works with plain numbers. Knows nothing of stores, spaces' vectors or items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.metrics import average_precision_at_k, bootstrap_interval, ideal_gains, ndcg_at_k, precision_at_k

Row = NDArray[np.bool_]
"""One query's ranking: whether each rank holds a relevant hit, shape (k,)."""


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
        by_attribute: precision at k where a hit is relevant as soon as this one attribute agrees.
    """

    weights: Mapping[str, float]
    precision: Figure
    average_precision: Figure
    ndcg: Figure
    by_attribute: Mapping[str, Figure]

    def to_wire(self, k: int) -> dict[str, object]:
        """As JSON, the keys carrying the cut: `p_at_10`, `map_at_10`, `ndcg_at_10`, `interval` ..."""
        figures = {f"p_at_{k}": self.precision, f"map_at_{k}": self.average_precision, f"ndcg_at_{k}": self.ndcg}
        return {
            **{name: figure.mean for name, figure in figures.items()},
            "interval": {name: [figure.low, figure.high] for name, figure in figures.items()},
            "by_attribute": {
                name: {f"p_at_{k}": figure.mean, "interval": {f"p_at_{k}": [figure.low, figure.high]}}
                for name, figure in self.by_attribute.items()
            },
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
        skipped: items that could not be asked about, by reason.
        without_relevant: queries whose gallery holds nothing relevant; they count, with zeros.
        split: the filters of queries and gallery, as on the wire.
    """

    spaces: Mapping[str, SpaceFigures]
    queries: int
    gallery: int
    k: int
    relevant: Sequence[str]
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
            "skipped": dict(self.skipped),
            "without_relevant": self.without_relevant,
            "split": dict(self.split),
        }


def summarise(
    weights: Mapping[str, float], gains: Sequence[Mapping[str | None, Row]], totals: Sequence[int], k: int
) -> SpaceFigures:
    """The figures of one way to weigh the spaces.

    Args:
        gains: for each query the ranks that hold a relevant hit, by attribute, and under None where all of them agree.
        totals: for each query how many items of the gallery are relevant in all attributes.
    """
    joint = np.array([row[None] for row in gains])
    return SpaceFigures(
        weights=weights,
        precision=_to_figure(precision_at_k(joint, k)),
        average_precision=_to_figure(average_precision_at_k(joint, totals, k)),
        ndcg=_to_figure(ndcg_at_k(joint, ideal_gains(totals, k), k)),
        by_attribute={
            name: _to_figure(precision_at_k(np.array([row[name] for row in gains]), k))
            for name in gains[0]
            if name is not None
        },
    )


def _to_figure(values: NDArray[np.float64]) -> Figure:
    low, high = bootstrap_interval(values)
    return Figure(mean=float(values.mean()), low=low, high=high)
