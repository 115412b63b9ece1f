"""What a filter costs: how many of the exact nearest items a search under a filter finds, and how long it takes.

Filters are made of values the shop itself has, alone or two together, as near to the wanted share of the catalogue as
there are. Stored items are asked about, with the catalogue's own weights; each is searched for as users search, and
once more compared with every photo. Works with a store through its port. Knows nothing of how figures are shown.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from indexer.rankings import StoredCatalogue, read_vectors
from search.attributes import AttributeKind
from search.errors import QueryError
from search.filters import AnyOf, Condition, Filter, filter_to_wire
from search.metrics import bootstrap_interval
from search.paging import read_points
from search.store import Leg, ScoredPoint, Store

SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
"""Of the catalogue that a filter is to let through; 1 is no filter."""

FILTERS = 5
"""Filters tried of each share, in turn."""

_VALUES = 100
_COMBINED = 12
_TIE = 1e-6
_NOT_A_FILTER = frozenset({"item_group_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds of a question to the store, the way to its process and back among them."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterFigures:
    """Searches under filters of one share.

    Attributes:
        wanted: share of the catalogue that filters were looked for.
        shares: what the filters let through in truth.
        filters: as on the wire.
        recall: mean over queries, with the bounds of its 95 % bootstrap interval.
        least: the worst query's.
        engine, exact: of the search as users ask, and of the one that compares with every photo.
    """

    wanted: float
    shares: Sequence[float]
    filters: Sequence[Mapping[str, object]]
    queries: int
    recall: float
    interval: tuple[float, float]
    least: float
    engine: Latency
    exact: Latency

    def to_wire(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)


def measure_filters(
    catalogue: StoredCatalogue,
    *,
    k: int = 10,
    count: int = 200,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Sequence[FilterFigures]:
    """Recall at k and latency at every share in `SHARES` that some filter comes within a factor of 3 of.

    A hit counts as found where it scores as the last exact one does: equal photos have no order.

    Args:
        count: stored items that are asked about, drawn by `seed`.
        progress: told (questions done, questions in all).

    Raises:
        QueryError: the catalogue has no item with an embedding in every space.
    """
    manifest, store = catalogue.manifest, catalogue.store
    ids = sorted(point.item.id for point in read_points(store))
    drawn = np.random.default_rng(seed).permutation(len(ids))[:count]
    weights = {name: weight for name, weight in manifest.weights.items() if weight > 0}
    questions = [
        (item.id, [Leg(space=space, vector=vectors[space], weight=weight) for space, weight in weights.items()])
        for item, vectors in read_vectors(store, [ids[row] for row in drawn], list(weights))
    ]
    if not questions:
        raise QueryError("no item has an embedding in every space that counts; run 'vitrine tag'")
    chosen = {share: filters for share in SHARES if (filters := choose_filters(catalogue, share, total=len(ids)))}
    figures = []
    for number, (share, filters) in enumerate(chosen.items()):
        runs = []
        for place, (own, legs) in enumerate(questions):
            runs.append(_ask_twice(store, legs, filters[place % len(filters)][0], own=own, k=k))
            if progress is not None:
                progress(number * len(questions) + place + 1, len(chosen) * len(questions))
        recalls = [recall for recall, _, _ in runs if recall is not None]
        figures.append(
            FilterFigures(
                wanted=share,
                shares=[passing / len(ids) for _, passing in filters],
                filters=[filter_to_wire(conditions) for conditions, _ in filters],
                queries=len(recalls),
                recall=float(np.mean(recalls)),
                interval=bootstrap_interval(recalls),
                least=min(recalls),
                engine=_to_latency([engine for _, engine, _ in runs]),
                exact=_to_latency([exact for _, _, exact in runs]),
            )
        )
    return figures


def choose_filters(catalogue: StoredCatalogue, share: float, *, total: int) -> list[tuple[Filter, int]]:
    """Filters with the number of items they let through, nearest to the wanted share first, at most `FILTERS`.

    Single values, then values of two attributes together; none that is off by a factor of 3 or more.

    Args:
        total: items of the catalogue.
    """
    if share == 1:
        return [((), total)]
    store = catalogue.store
    singles = [
        (AnyOf(attribute=name, values=(counted.value,)), counted.count)
        for name, kind in catalogue.manifest.attributes.items()
        if kind in (AttributeKind.KEYWORD, AttributeKind.INTEGER) and name not in _NOT_A_FILTER
        for counted in store.count_facet(name, (), limit=_VALUES)
    ]
    found: list[tuple[Filter, int]] = [((one,), passing) for one, passing in singles]
    near = _keep_near(found, share * total)
    if len(near) >= FILTERS:
        return near
    found += [(both, store.count_items(both)) for both in _combine(singles, share * total, total)]
    return _keep_near(found, share * total)


def _combine(singles: Sequence[tuple[AnyOf, int]], wanted: float, total: int) -> Sequence[tuple[Condition, Condition]]:
    """Pairs of values of two attributes that, were they independent, would let through what is wanted."""
    pairs = [
        (abs(math.log(one * other / total / wanted)), (first, second))
        for (first, one), (second, other) in itertools.combinations(singles, 2)
        if first.attribute != second.attribute
    ]
    return [pair for _, pair in sorted(pairs, key=lambda each: each[0])[:_COMBINED]]


def _keep_near(filters: Sequence[tuple[Filter, int]], wanted: float) -> list[tuple[Filter, int]]:
    near = [each for each in filters if each[1] and wanted / 3 < each[1] < wanted * 3]
    return sorted(near, key=lambda each: abs(math.log(each[1] / wanted)))[:FILTERS]


def _ask_twice(
    store: Store, legs: Sequence[Leg], conditions: Filter, *, own: str, k: int
) -> tuple[float | None, float, float]:
    """Recall of the search as users ask (None where the filter lets through nothing else), its ms, and the exact's."""
    started = time.perf_counter()
    found = store.find_nearest(legs, conditions, limit=k, without=[own])
    between = time.perf_counter()
    exact = store.find_nearest(legs, conditions, limit=k, exact=True, without=[own])
    ended = time.perf_counter()
    return _measure_recall(found, exact), 1e3 * (between - started), 1e3 * (ended - between)


def _measure_recall(found: Sequence[ScoredPoint], exact: Sequence[ScoredPoint]) -> float | None:
    if not exact:
        return None
    last = exact[-1].score - _TIE
    return min(1.0, sum(point.score >= last for point in found) / len(exact))


def _to_latency(milliseconds: Sequence[float]) -> Latency:
    p50, p95, p99 = (float(value) for value in np.percentile(milliseconds, (50, 95, 99)))
    return Latency(p50=p50, p95=p95, p99=p99)
