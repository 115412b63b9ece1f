"""A store that lives in memory: the plain reading of `search.store.Store`, for tests that need no engine.

Everything is compared with everything in numpy, filters are evaluated attribute by attribute, nothing is indexed.
It passes the same contract suite as the adapters. Knows nothing of Qdrant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from search.attributes import AttributeSchema
from search.embedding import Embeddings
from search.filters import AnyOf, Between, Condition, Filter, NoneOf, Scalar
from search.item import Item
from search.store import FacetCount, Leg, Page, Point, ScoredPoint, StoredPoint

Key = tuple[str, int]
"""Item id and photo index: one point."""


class MemoryStore:
    """`search.store.Store` on a dictionary.

    Args:
        dimensions: of each named vector; a point of another one is refused.
    """

    def __init__(self, dimensions: Mapping[str, int]) -> None:
        self._dimensions = dict(dimensions)
        self._points: dict[Key, StoredPoint] = {}

    def upsert(self, points: Sequence[Point]) -> None:
        for point in points:
            for space, vector in point.vectors.items():
                assert vector.shape == (self._dimensions[space],), f"{space} has {self._dimensions[space]} numbers"
            self._points[point.item.id, point.photo.index] = StoredPoint(
                item=point.item,
                photo=point.photo,
                photos_sha256=point.photos_sha256,
                row_sha256=point.row_sha256,
                vectors={space: vector.copy() for space, vector in point.vectors.items()},
            )

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        for key, point in self._points.items():
            if (item := items.get(key[0])) is not None:
                self._points[key] = replace(point, item=item, row_sha256=row_sha256[item.id])

    def delete_items(self, item_ids: Collection[str]) -> int:
        doomed = [key for key in self._points if key[0] in set(item_ids)]
        for key in doomed:
            del self._points[key]
        return len({item_id for item_id, _ in doomed})

    def delete_photos_from(self, item_id: str, index: int) -> None:
        for key in [key for key in self._points if key[0] == item_id and key[1] >= index]:
            del self._points[key]

    def read_items(
        self, item_ids: Sequence[str], *, index: int = 0, spaces: Sequence[str] = ()
    ) -> Mapping[str, StoredPoint]:
        there = (self._points.get((item_id, index)) for item_id in item_ids)
        return {point.item.id: with_spaces(point, spaces) for point in there if point is not None}

    def read_fingerprints(self, item_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        return {i: (point.photos_sha256, point.row_sha256) for i, point in self.read_items(item_ids).items()}

    def find_nearest(
        self,
        legs: Sequence[Leg],
        conditions: Filter,
        *,
        limit: int,
        offset: int = 0,
        exact: bool = False,
        without: Sequence[str] = (),
    ) -> Sequence[ScoredPoint]:
        matching = {k: p for k, p in self._points.items() if k[0] not in without and matches(p.item, conditions)}
        parts = {key: measure_parts(point.vectors, legs) for key, point in matching.items()}
        spaces = {leg.space for leg in legs}
        scores = {
            key: sum(leg.weight * part[leg.space] for leg in legs)
            for key, part in parts.items()
            if part.keys() >= spaces
        }
        ranked = sorted(scores, key=lambda key: (-scores[key], key))[offset : offset + limit]
        return [ScoredPoint(point=with_spaces(matching[k], ()), score=scores[k], parts=parts[k]) for k in ranked]

    def scan(self, conditions: Filter, *, limit: int, after: str | None = None, spaces: Sequence[str] = ()) -> Page:
        matching = [p for _, p in sorted(self._mains(conditions).items()) if after is None or p.item.id >= after]
        following = matching[limit].item.id if len(matching) > limit else None
        return Page(points=[with_spaces(point, spaces) for point in matching[:limit]], next_after=following)

    def count_items(self, conditions: Filter = ()) -> int:
        return len(self._mains(conditions))

    def count_facet(self, attribute: str, conditions: Filter, *, limit: int) -> Sequence[FacetCount]:
        counts: Counter[str | int] = Counter()
        for point in self._mains(conditions).values():
            counts.update({v for v in list_values(point.item, attribute) if not isinstance(v, float)})
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
        return [FacetCount(value=value, count=count) for value, count in ranked[:limit]]

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Nothing is indexed: every attribute can be filtered and counted."""

    def optimize(self) -> None:
        """There is nothing to build."""

    def close(self) -> None:
        """There is nothing to release."""

    def _mains(self, conditions: Filter) -> dict[str, StoredPoint]:
        return {i: p for (i, index), p in self._points.items() if index == 0 and matches(p.item, conditions)}


def with_spaces(point: StoredPoint, spaces: Sequence[str]) -> StoredPoint:
    """The point with the vectors of these spaces only, as far as it has them."""
    return replace(point, vectors={space: point.vectors[space] for space in spaces if space in point.vectors})


def measure_parts(vectors: Embeddings, legs: Sequence[Leg]) -> dict[str, float]:
    """Cosine similarity to each leg whose space the point has."""
    return {leg.space: float(vectors[leg.space] @ leg.vector) for leg in legs if leg.space in vectors}


def matches(item: Item, conditions: Filter) -> bool:
    """Whether every condition holds for the item."""
    return all(holds(condition, list_values(item, condition.attribute)) for condition in conditions)


def holds(condition: Condition, values: Sequence[Scalar]) -> bool:
    """Whether a condition holds for an attribute with these values; an absent attribute has none."""
    match condition:
        case AnyOf():
            return any(value in condition.values for value in values)
        case NoneOf():
            return not any(value in condition.values for value in values)
        case Between():
            return any(not isinstance(value, str) and within(value, condition) for value in values)


def within(value: float, bounds: Between) -> bool:
    """Whether a number is inside the bounds."""
    return (
        (bounds.gt is None or value > bounds.gt)
        and (bounds.gte is None or value >= bounds.gte)
        and (bounds.lt is None or value < bounds.lt)
        and (bounds.lte is None or value <= bounds.lte)
    )


def list_values(item: Item, attribute: str) -> tuple[Scalar, ...]:
    """The item's values of an attribute; none where it has no such attribute."""
    value = item.attributes.get(attribute, ())
    return value if isinstance(value, tuple) else (value,)
