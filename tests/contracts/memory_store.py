"""A store that lives in memory: the plain reading of `search.store.Store`, for tests that need no engine.

Everything is compared with everything in numpy, filters are evaluated attribute by attribute, nothing is indexed.
It passes the same contract suite as the adapters. Knows nothing of Qdrant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from search.attributes import AttributeKind, AttributeSchema
from search.bm25 import WORDS, Words, encode_document
from search.embedding import Embeddings, Space, Vector
from search.errors import MismatchError
from search.filters import AnyOf, Between, Condition, Filter, NoneOf, Scalar, Source
from search.item import Item
from search.item_text import compose_text
from search.store import DIVERSE_DEPTH, FacetCount, Leg, Page, PhotoKey, PhotoPage, Point, ScoredPoint, StoredPoint
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

    def take_over(self, other: MemoryStore) -> None:
        """Hold the points of another store too, as they are now."""
        self._points |= other._points
        self._kinds |= other._kinds

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
        diversity: float = 0.0,
    ) -> Sequence[ScoredPoint]:
        spaces = [leg.space for leg in legs]
        matching = [k for k, p in self._points.items() if k[0] not in without and matches(p, conditions)]
        vectors = {key: self._with_spaces(key, spaces).vectors for key in matching}
        if len(legs) == 1:
            vectors = {key: there for key, there in vectors.items() if there}
        parts = {key: measure_parts(there, legs) for key, there in vectors.items()}
        scores = {key: sum(leg.weight * part[leg.space] for leg in legs) for key, part in parts.items()}
        ranked = sorted(scores, key=lambda key: (-scores[key], key))
        if diversity:
            plain = scores if len(legs) > 1 else {key: part[legs[0].space] for key, part in parts.items()}
            ranked = self._spread(
                ranked[:DIVERSE_DEPTH], plain, diversity, one=legs[0].space if len(legs) == 1 else None
            )
        chosen = ranked[offset : offset + limit]
        return [ScoredPoint(point=self._with_spaces(k, ()), score=scores[k], parts=parts[k]) for k in chosen]

    def find_words(
        self, words: Words, conditions: Filter, *, limit: int, without: Sequence[str] = ()
    ) -> Sequence[ScoredPoint]:
        matching = {k for k, p in self._points.items() if k[0] not in without and matches(p, conditions)}
        scores = {key: score for key, score in self._score_words(words).items() if key in matching and score > 0}
        ranked = sorted(scores, key=lambda key: (-scores[key], key))[:limit]
        return [ScoredPoint(point=self._with_spaces(k, ()), score=scores[k], parts={WORDS: scores[k]}) for k in ranked]

    def score_photos(
        self, legs: Sequence[Leg], words: Words | None, photos: Collection[Key]
    ) -> Mapping[Key, Mapping[str, float]]:
        spaces = [leg.space for leg in legs]
        parts = {key: measure_parts(self._with_spaces(key, spaces).vectors, legs) for key in photos}
        said = self._score_words(words) if words else {}
        return {key: {**part, **({WORDS: said[key]} if words else {})} for key, part in parts.items()}

    def scan(
        self,
        conditions: Filter,
        *,
        limit: int,
        after: str | None = None,
        spaces: Sequence[str] = (),
        lacking: str | None = None,
    ) -> Page:
        matching = [i for i in sorted(self._mains(conditions, lacking)) if after is None or i >= after]
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

    def count_items(self, conditions: Filter = (), *, lacking: str | None = None) -> int:
        return len(self._mains(conditions, lacking))

    def read_bounds(self, attribute: str, conditions: Filter) -> tuple[float, float] | None:
        found = [list_values(point, attribute, Source.MERCHANT) for point in self._mains(conditions).values()]
        numbers = [float(value) for values in found for value in values]
        return (min(numbers), max(numbers)) if numbers else None

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

    def _mains(self, conditions: Filter, lacking: str | None = None) -> dict[str, StoredPoint]:
        mains = {i: p for (i, index), p in self._points.items() if index == 0 and matches(p, conditions)}
        return {i: p for i, p in mains.items() if lacking is None or not list_values(p, lacking, Source.MERCHANT)}

    def _score_words(self, words: Words) -> dict[Key, float]:
        """BM25 of every point, Robertson and Zaragoza (2009), with the inverse document frequency that is never
        negative: ln(1 + (N - n + 0.5) / (n + 0.5))."""
        documents = {key: read_words(compose_text(point.item)) for key, point in self._points.items()}
        score = dict.fromkeys(documents, 0.0)
        for word in words.indices:
            having = [key for key, document in documents.items() if word in document]
            rarity = math.log(1 + (len(documents) - len(having) + 0.5) / (len(having) + 0.5))
            for key in having:
                score[key] += rarity * documents[key][word]
        return score

    def _spread(
        self, ranked: Sequence[Key], scores: Mapping[Key, float], diversity: float, *, one: str | None
    ) -> list[Key]:
        """The order of maximal marginal relevance, one after the other."""
        if not ranked:
            return []
        names = [one] if one else [*self._dimensions, *self._used]
        vectors = {name: [self._with_spaces(key, [name]).vectors.get(name) for key in ranked] for name in names}
        alike = np.zeros((len(ranked), len(ranked)))
        for each in vectors.values():
            size = next(len(vector) for vector in each if vector is not None)
            rows = np.stack([np.zeros(size) if vector is None else vector for vector in each])
            alike += rows @ rows.T
        own = np.array([scores[key] * (1 if one else len(names)) for key in ranked])
        left, chosen = list(range(len(ranked))), list[int]()
        while left:
            near = alike[np.ix_(left, chosen)].max(axis=1) if chosen else np.zeros(len(left))
            chosen.append(left.pop(int(np.argmax((1 - diversity) * own[left] - diversity * near))))
        return [ranked[place] for place in chosen]

    def _with_spaces(self, key: Key, spaces: Sequence[str]) -> StoredPoint:
        """The point with the vectors of these spaces only, as far as it has them."""
        point = self._points[key]
        trained = {name: self._vectors[space][key] for name, space in self._used.items() if key in self._vectors[space]}
        there = {**point.vectors, **trained}
        return replace(point, vectors={space: there[space] for space in spaces if space in there})


@cache
def read_words(text: str) -> dict[int, float]:
    """A document's words and their weights."""
    words = encode_document(text)
    return dict(zip(words.indices, words.values, strict=True))


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
