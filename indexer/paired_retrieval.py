"""Two ways to weigh the spaces, held against each other query by query.

Works with rankings. Knows nothing of stores or of how figures are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from indexer.rankings import Rankings
from indexer.retrieval_report import score_queries
from search.metrics import bootstrap_interval

TELLING = 5
"""Queries named that differ most, each way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMeasure:
    """One measure of both.

    Attributes:
        a, b: means over queries.
        difference: b less a.
        low, high: 95 % bounds of the difference, by the percentile bootstrap over queries, which are drawn for both at
            once (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3).
        better, worse, equal: queries that b answers better than a, worse, and alike.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    better: int
    worse: int
    equal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedReport:
    """What `compare_weighings` found.

    Attributes:
        weights: of both, by space.
        measures: by the names in `indexer.retrieval_report.MEASURES`.
        gained, lost: (item asked about, difference of nDCG) where b is most above a, and most below.
    """

    weights: Mapping[str, Mapping[str, float]]
    measures: Mapping[str, PairedMeasure]
    gained: Sequence[tuple[str, float]]
    lost: Sequence[tuple[str, float]]
    queries: int
    gallery: int
    k: int
    relevant: Sequence[str]

    def to_wire(self) -> dict[str, object]:
        """As JSON, the measures' keys carrying the cut."""
        wire = asdict(self)
        measures = {f"{name}_at_{self.k}": asdict(measure) for name, measure in self.measures.items()}
        return {**wire, "measures": measures}


def compare_weighings(rankings: Rankings, a: str, b: str, *, seed: int = 0) -> PairedReport:
    """How one weighing differs from another on the same queries.

    Args:
        a, b: names among the rankings' weighings.
    """
    first, second = score_queries(rankings, a), score_queries(rankings, b)
    measures = {}
    for name, before in first.items():
        differences = second[name] - before
        low, high = bootstrap_interval(differences, seed=seed)
        measures[name] = PairedMeasure(
            a=float(before.mean()),
            b=float(second[name].mean()),
            difference=float(differences.mean()),
            low=low,
            high=high,
            better=int((differences > 0).sum()),
            worse=int((differences < 0).sum()),
            equal=int((differences == 0).sum()),
        )
    differences = second["ndcg"] - first["ndcg"]
    order = np.argsort(-differences, kind="stable")
    told = [(rankings.items[row], float(differences[row])) for row in order]
    return PairedReport(
        weights={"a": rankings.weighings[a], "b": rankings.weighings[b]},
        measures=measures,
        gained=[each for each in told[:TELLING] if each[1] > 0],
        lost=[each for each in told[::-1][:TELLING] if each[1] < 0],
        queries=len(rankings.items),
        gallery=rankings.gallery,
        k=rankings.question.k,
        relevant=rankings.question.relevant,
    )
