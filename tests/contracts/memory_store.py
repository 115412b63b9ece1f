"""A store that lives in memory: the plain reading of `search.store.Store`, for tests that need no engine.

Everything is compared with everything in numpy, filters are evaluated attribute by attribute, nothing is indexed.
It passes the same contract suite as the adapters. Knows nothing of Qdrant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from search.attributes import AttributeKind, AttributeSchema
from search.embedding import Embeddings, Space, Vector
from search.errors import MismatchError
from search.filters import AnyOf, Between, Condition, Filter, NoneOf, Scalar, Source
from search.item import Item
from search.store import FacetCount, Leg, Page, PhotoKey, PhotoPage, Point, ScoredPoint, StoredPoint
from search.tagging import Tagging

Key = tuple[str, int]
"""Item id and photo index: one point."""


class MemoryStore:
    """`search.store.Store` on a dictionary.

    Args:
        dimensions: of each encoder's space; a point of another one is refused.
        spaces: trained ones in use from the start.
    """

    def __init__(self, dimensions: Mapping[str, int], spaces: Sequence[Space] = ()) -> None:
        self._dimensions = dict(dimensions)
        self._points: dict[Key, StoredPoint] = {}
        self._vectors: dict[Space, dict[Key, Vector]] = {space: {} for space in spaces if space.trained}
        self._used = {space.name: space for space in spaces if space.trained}
        self._kinds: dict[str, AttributeKind] = {}

    def upsert(self, points: Sequence[Point]) -> None:
        for point in points:
            vectors = {space: point.vectors[space].copy() for space in self._dimensions if space in point.vectors}
            for space, vector in vectors.items():
                assert vector.shape == (self._dimensions[space],), f"{space} has {self._dimensions[space]} numbers"
            key = point.item.id, point.photo.index
            self._points[key] = StoredPoint(
                item=point.item,
                photo=point.photo,
                photos_sha256=point.photos_sha256,
                row_sha256=point.row_sha256,
                vectors=vectors,
                predictions=dict(point.tagging.predictions) if point.tagging else {},
                model=point.tagging.model if point.tagging else "",
            )
            for trained, there in self._vectors.items():
                there.pop(key, None)
                if point.tagging is not None and is_of(point.tagging, trained):
                    there[key] = point.tagging.vector.copy()

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        for key, point in self._points.items():
            if (item := items.get(key[0])) is not None:
                self._points[key] = replace(point, item=item, row_sha256=row_sha256[item.id])

    def delete_items(self, item_ids: Collection[str]) -> int:
        doomed = [key for key in self._points if key[0] in set(item_ids)]
        for key in doomed:
            self._forget(key)
        return len({item_id for item_id, _ in doomed})

    def delete_photos_from(self, item_id: str, index: int) -> None:
        for key in [key for key in self._points if key[0] == item_id and key[1] >= index]:
            self._forget(key)

    def read_items(
        self, item_ids: Sequence[str], *, index: int = 0, spaces: Sequence[str] = ()
    ) -> Mapping[str, StoredPoint]:
        keys = [(item_id, index) for item_id in item_ids]
        return {key[0]: self._with_spaces(key, spaces) for key in keys if key in self._points}

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
        spaces = [leg.space for leg in legs]
        matching = [k for k, p in self._points.items() if k[0] not in without and matches(p, conditions)]
        vectors = {key: self._with_spaces(key, spaces).vectors for key in matching}
        if len(legs) == 1:
            vectors = {key: there for key, there in vectors.items() if there}
        parts = {key: measure_parts(there, legs) for key, there in vectors.items()}
        scores = {key: sum(leg.weight * part[leg.space] for leg in legs) for key, part in parts.items()}
        ranked = sorted(scores, key=lambda key: (-scores[key], key))[offset : offset + limit]
        return [ScoredPoint(point=self._with_spaces(k, ()), score=scores[k], parts=parts[k]) for k in ranked]

    def scan(self, conditions: Filter, *, limit: int, after: str | None = None, spaces: Sequence[str] = ()) -> Page:
        matching = [i for i in sorted(self._mains(conditions)) if after is None or i >= after]
        points = [self._with_spaces((item_id, 0), spaces) for item_id in matching[:limit]]
        return Page(points=points, next_after=matching[limit] if len(matching) > limit else None)

    def list_photos(self, *, limit: int, after: str | None = None) -> PhotoPage:
        places = {f"{item_id}\n{index}": (item_id, index) for item_id, index in sorted(self._points)}
        left = [place for place in places if after is None or places[place] >= places[after]]
        photos = [
            PhotoKey(item_id=item_id, index=index, sha256=self._points[item_id, index].photo.sha256)
            for item_id, index in map(places.__getitem__, left[:limit])
        ]
        return PhotoPage(photos=photos, next_after=left[limit] if len(left) > limit else None)

    def count_items(self, conditions: Filter = ()) -> int:
        return len(self._mains(conditions))

    def count_facet(
        self, attribute: str, conditions: Filter, *, limit: int, source: Source = Source.MERCHANT
    ) -> Sequence[FacetCount]:
        counts: Counter[str | int] = Counter()
        for point in self._mains(conditions).values():
            values = {value for value in list_values(point, attribute, source) if not isinstance(value, float)}
            if self._kinds.get(attribute) is AttributeKind.INTEGER:
                values = {int(value) for value in values}
            counts.update(values)
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], isinstance(pair[0], str), pair[0]))
        return [FacetCount(value=value, count=count) for value, count in ranked[:limit]]

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Nothing is indexed: every attribute can be filtered and counted."""
        self._kinds |= schema

    def prepare_space(self, space: Space) -> None:
        self._vectors.setdefault(space, {})

    def write_taggings(self, taggings: Mapping[Key, Tagging], space: Space) -> None:
        for tagging in taggings.values():
            if not is_of(tagging, space):
                raise MismatchError(f"a tagging of {tagging.model!r} is not of {space.weights_sha256!r}")
        for key, tagging in taggings.items():
            if key in self._points:
                self._points[key] = replace(
                    self._points[key], predictions=dict(tagging.predictions), model=tagging.model
                )
                self._vectors[space][key] = tagging.vector.copy()

    def use_spaces(self, spaces: Sequence[Space]) -> None:
        trained = [space for space in spaces if space.trained]
        self._vectors = {space: self._vectors.get(space, {}) for space in trained}
        self._used = {space.name: space for space in trained}

    def optimize(self) -> None:
        """There is nothing to build."""

    def close(self) -> None:
        """There is nothing to release."""

    def _forget(self, key: Key) -> None:
        del self._points[key]
        for there in self._vectors.values():
            there.pop(key, None)

    def _mains(self, conditions: Filter) -> dict[str, StoredPoint]:
        return {i: p for (i, index), p in self._points.items() if index == 0 and matches(p, conditions)}

    def _with_spaces(self, key: Key, spaces: Sequence[str]) -> StoredPoint:
        """The point with the vectors of these spaces only, as far as it has them."""
        point = self._points[key]
        trained = {name: self._vectors[space][key] for name, space in self._used.items() if key in self._vectors[space]}
        there = {**point.vectors, **trained}
        return replace(point, vectors={space: there[space] for space in spaces if space in there})


def is_of(tagging: Tagging, space: Space) -> bool:
    """Whether it was this space's classifier that made the tagging."""
    return tagging.model == space.weights_sha256[:8]


def measure_parts(vectors: Embeddings, legs: Sequence[Leg]) -> dict[str, float]:
    """Cosine similarity to each leg; 0 in a space that the point has no vector in."""
    return {leg.space: float(vectors[leg.space] @ leg.vector) if leg.space in vectors else 0.0 for leg in legs}


def matches(point: Point | StoredPoint, conditions: Filter) -> bool:
    """Whether every condition holds for the photo's item."""
    return all(holds(condition, list_values(point, condition.attribute, condition.source)) for condition in conditions)


def holds(condition: Condition, values: Sequence[Scalar]) -> bool:
    """Whether a condition holds for an attribute with these values; an absent attribute has none."""
    match condition:
        case AnyOf():
            return any(value in spell(condition.values) for value in values)
        case NoneOf():
            return not any(value in spell(condition.values) for value in values)
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


def spell(values: Sequence[Scalar]) -> set[Scalar]:
    """The values, whole numbers also as the words that labels of them are."""
    return {*values, *(str(value) for value in values if isinstance(value, int))}


def list_values(point: Point | StoredPoint, attribute: str, source: Source) -> tuple[Scalar, ...]:
    """The values that a source has of an attribute; none where it has none."""
    value = point.item.attributes.get(attribute, ())
    merchant = value if isinstance(value, tuple) else (value,)
    if source is Source.MERCHANT or (source is Source.EITHER and merchant):
        return merchant
    if isinstance(point, Point):
        predictions = point.tagging.predictions if point.tagging else {}
    else:
        predictions = point.predictions
    return predictions[attribute].accepted if attribute in predictions else ()
