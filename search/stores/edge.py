"""Qdrant Edge: the engine inside this process, as a store.

Every call holds the interpreter's lock and one process owns the files, so `vitrine serve` runs this in a child process
(`search.stores.host`). What the engine does that a reader would not expect is in docs/decisions/0002, how a trained
space comes to points that are there is in 0009.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from search.attributes import AttributeKind, AttributeSchema
from search.bm25 import WORDS, Words, encode_document
from search.embedding import Space
from search.filters import Between, Filter, Source
from search.item import Item
from search.item_text import compose_text
from search.store import FacetCount, Leg, Page, PhotoPage, Point, ScoredPoint, StoredPoint
from search.stores import edge_queries
from search.stores.edge_counts import EdgeCounts
from search.stores.edge_queries import to_sparse
from search.stores.edge_shard import (
    EdgeDialect,
    check_disk,
    create_indexes,
    create_shard,
    guard_engine,
    list_vectors,
    make_filter,
)
from search.stores.facets import count_sources
from search.stores.layout import Layout, check_model, make_layout
from search.stores.payload import (
    FINGERPRINT_KEYS,
    INDEX,
    ITEM_ID,
    PHOTO_KEYS,
    attribute_path,
    check_place,
    compute_point_id,
    from_payload,
    list_indexes,
    list_predicted,
    tag_path,
    to_item_payload,
    to_payload,
    to_photo_key,
    to_tag_payload,
)
from search.tagging import Tagging

BATCH = 256
"""Points whose vectors are written in one operation of the engine."""

PAUSE_S = 0.001
"""Between operations on very many points: whoever waits for the lock gets it."""


def open_edge_store(path: Path, *, spaces: Sequence[Space], schema: AttributeSchema) -> EdgeStore:
    """The shard in this folder, made where it is not there yet, with an index for every attribute of the schema.

    Raises:
        StoreUnavailableError: another process has it open.
        IntegrityError: its files cannot be read.
    """
    layout = make_layout(spaces)
    with guard_engine(path):
        if not path.exists():
            create_shard(path, layout)
        store = EdgeStore(qe.EdgeShard.load(str(path)), path, layout)
    store.index_attributes(schema)
    store.complete_points(layout)
    return store


class EdgeStore:
    """`search.store.Store` on one Edge shard. Safe to use from several threads."""

    def __init__(self, shard: qe.EdgeShard, path: Path, layout: Layout) -> None:
        self._shard = shard
        self._counts = EdgeCounts(shard)
        self._path = path
        self._layout = layout
        self._coming = layout
        self._kinds: dict[str, AttributeKind] = {}
        self._tagged: frozenset[str] = frozenset()
        self._dialect = EdgeDialect()
        self._lock = threading.RLock()

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Make the payload indexes that are missing; filters and facets on an attribute need its index."""
        self._kinds |= schema
        with self._engine():
            self._counts.forget()
            create_indexes(self._shard, list_indexes(schema))

    def upsert(self, points: Sequence[Point]) -> None:
        if not points:
            return
        check_disk(self._path)
        self._index_tags(list_predicted(p.tagging for p in points))
        with self._engine():
            made = [
                qe.Point(
                    compute_point_id(p.item.id, p.photo.index),
                    {**self._coming.to_named_vectors(p), **self._layout.to_named_vectors(p), **_to_words(p.item)},
                    to_payload(p),
                )
                for p in points
            ]
            self._write(qe.UpdateOperation.upsert_points(made))

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        check_disk(self._path)
        with self._engine():
            for item_id, item in items.items():
                own, payload = self._of_items([item_id]), to_item_payload(item, row_sha256[item_id])
                photos, _ = self._shard.scroll(qe.ScrollRequest(limit=BATCH, filter=own, with_payload=False))
                made = [qe.PointVectors(photo.id, _to_words(item)) for photo in photos]
                if made:
                    self._write(qe.UpdateOperation.update_vectors(made))
                self._write(qe.UpdateOperation.set_payload_by_filter(own, payload))

    def delete_items(self, item_ids: Collection[str]) -> int:
        with self._engine():
            there = len(self._shard.retrieve([compute_point_id(i, 0) for i in set(item_ids)], [ITEM_ID], False))
            if there:
                self._write(qe.UpdateOperation.delete_points_by_filter(self._of_items(item_ids)))
            return there

    def delete_photos_from(self, item_id: str, index: int) -> None:
        above = self._dialect.within(INDEX, Between(attribute=INDEX, gte=index))
        doomed = self._dialect.combine(must=[self._dialect.match_any(ITEM_ID, [item_id]), above])
        with self._engine():
            self._write(qe.UpdateOperation.delete_points_by_filter(doomed))

    def read_items(
        self, item_ids: Sequence[str], *, index: int = 0, spaces: Sequence[str] = ()
    ) -> Mapping[str, StoredPoint]:
        with self._engine():
            ids: list[qe.PointId] = [compute_point_id(item_id, index) for item_id in item_ids]
            records = self._shard.retrieve(ids, True, self._layout.list_names(spaces) or False)
            points = [self._to_stored(record) for record in records]
        return {point.item.id: point for point in points}

    def read_fingerprints(self, item_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        with self._engine():
            ids: list[qe.PointId] = [compute_point_id(item_id, 0) for item_id in item_ids]
            records = self._shard.retrieve(ids, FINGERPRINT_KEYS, False)
        payloads = [record.payload or {} for record in records]
        return {p[ITEM_ID]: (p["photos_sha256"], p["row_sha256"]) for p in payloads}

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
        where = make_filter(conditions, without=without)
        with self._engine():
            return edge_queries.find_nearest(
                self._shard, self._layout, legs, where, limit=limit, offset=offset, exact=exact, diversity=diversity
            )

    def find_words(
        self, words: Words, conditions: Filter, *, limit: int, without: Sequence[str] = ()
    ) -> Sequence[ScoredPoint]:
        where = make_filter(conditions, without=without)
        with self._engine():
            return edge_queries.find_words(self._shard, words, where, limit=limit)

    def score_photos(
        self, legs: Sequence[Leg], words: Words | None, photos: Collection[tuple[str, int]]
    ) -> Mapping[tuple[str, int], Mapping[str, float]]:
        with self._engine():
            return edge_queries.score_photos(self._shard, self._layout, legs, words, photos)

    def scan(
        self,
        conditions: Filter,
        *,
        limit: int,
        after: str | None = None,
        spaces: Sequence[str] = (),
        lacking: str | None = None,
    ) -> Page:
        where = make_filter(conditions, primary_only=True, empty=lacking)
        place = check_place(after)
        with self._engine():
            wanted = self._layout.list_names(spaces) or False
            request = qe.ScrollRequest(offset=place, limit=limit, filter=where, with_payload=True, with_vector=wanted)
            records, following = self._shard.scroll(request)
            points = [self._to_stored(record) for record in records]
        return Page(points=points, next_after=None if following is None else str(following))

    def list_photos(self, *, limit: int, after: str | None = None) -> PhotoPage:
        request = qe.ScrollRequest(
            offset=check_place(after), limit=limit, with_payload=list(PHOTO_KEYS), with_vector=False
        )
        with self._engine():
            records, following = self._shard.scroll(request)
        photos = [to_photo_key(record.payload or {}) for record in records]
        return PhotoPage(photos=photos, next_after=None if following is None else str(following))

    def count_items(self, conditions: Filter = (), *, lacking: str | None = None) -> int:
        with self._engine():
            return self._counts.count_items(conditions, lacking)

    def read_bounds(self, attribute: str, conditions: Filter) -> tuple[float, float] | None:
        where = make_filter(conditions, primary_only=True)
        with self._engine():
            return edge_queries.read_bounds(self._shard, attribute_path(attribute), attribute, where)

    def count_facet(
        self, attribute: str, conditions: Filter, *, limit: int, source: Source = Source.MERCHANT
    ) -> Sequence[FacetCount]:
        def count(path: str, *, limit: int, empty: str | None = None) -> Iterable[tuple[str | int, int]]:
            if source is not Source.MERCHANT:
                self._index_tags({attribute})
            with self._engine():
                return self._counts.count_values(path, conditions, empty, limit=limit)

        return count_sources(attribute, source, count, kind=self._kinds.get(attribute), limit=limit)

    def prepare_space(self, space: Space) -> None:
        check_disk(self._path)
        self._coming = self._layout.with_trained(space)
        self._make_vectors(self._coming)

    def write_taggings(self, taggings: Mapping[tuple[str, int], Tagging], space: Space) -> None:
        check_model(taggings, space)
        check_disk(self._path)
        self._index_tags(list_predicted(taggings.values()))
        self._coming = layout = self._layout.with_trained(space)
        by_id = {compute_point_id(*key): tagging for key, tagging in taggings.items()}
        ids, name = list(by_id), layout.names[space.name]
        for start in range(0, len(ids), BATCH):
            with self._engine():
                records = self._shard.retrieve([*ids[start : start + BATCH]], False, list(layout.names.values()))
                there = {str(record.id): record.vector for record in records}
                made = [
                    qe.PointVectors(i, {**layout.join(vectors, {name: by_id[i].vector.tolist()})})
                    for i, vectors in there.items()
                ]
                if made:
                    self._write(qe.UpdateOperation.update_vectors(made))
                for i in there:
                    self._write(qe.UpdateOperation.set_payload([i], to_tag_payload(by_id[i])))

    def use_spaces(self, spaces: Sequence[Space]) -> None:
        layout = make_layout(spaces)
        check_disk(self._path)
        with self._lock:
            self._coming = layout
        self.complete_points(layout)
        with self._engine():
            self._layout = layout
            for name in sorted(list_vectors(self._path) - layout.list_dimensions().keys() - {WORDS}):
                self._write(qe.UpdateOperation.delete_vector_name(name))

    def optimize(self) -> None:
        check_disk(self._path)
        with self._engine():
            self._shard.optimize()

    def close(self) -> None:
        with self._engine():
            self._shard.flush()
            self._shard.close()

    def complete_points(self, layout: Layout) -> None:
        """Make the vectors that a layout adds, and the joint vector and the words of every point that lacks them."""
        self._make_vectors(layout)
        names = list(layout.names.values())
        self._complete(layout.joint, lambda record: layout.join(record.vector, {}), vectors=names)
        self._complete(WORDS, lambda record: _to_words(from_payload(record.payload or {}).item), vectors=[])

    def _complete(self, name: str, make: Callable[[qe.Record], dict[str, Any]], *, vectors: list[str]) -> None:
        missing = qe.Filter(must_not=[qe.HasVectorCondition(name)])
        place: qe.PointId | None = None
        while True:
            request = qe.ScrollRequest(
                offset=place, limit=BATCH, filter=missing, with_payload=not vectors, with_vector=vectors or False
            )
            with self._engine():
                records, place = self._shard.scroll(request)
                if records:
                    made = [qe.PointVectors(record.id, make(record)) for record in records]
                    self._write(qe.UpdateOperation.update_vectors(made))
            if place is None:
                return
            time.sleep(PAUSE_S)

    def _index_tags(self, attributes: set[str]) -> None:
        if not attributes <= self._tagged:
            with self._engine():
                self._counts.forget()
                create_indexes(self._shard, {tag_path(name): AttributeKind.KEYWORD for name in attributes})
            self._tagged |= attributes

    def _make_vectors(self, layout: Layout) -> None:
        wanted = layout.list_additions()
        with self._engine():
            there = list_vectors(self._path)
            for name in sorted(wanted.keys() - there):
                self._write(qe.UpdateOperation.create_dense_vector(name, wanted[name], qe.Distance.Dot))
            if WORDS not in there:
                self._write(qe.UpdateOperation.create_sparse_vector(WORDS, qe.Modifier.Idf))

    def _of_items(self, item_ids: Collection[str]) -> qe.Filter:
        return self._dialect.combine(must=[self._dialect.match_any(ITEM_ID, sorted(item_ids))])

    @contextmanager
    def _engine(self) -> Iterator[None]:
        """One caller at a time, so that it sees one layout; every call holds the interpreter's lock anyway."""
        with self._lock, guard_engine(self._path):
            yield

    def _write(self, operation: qe.UpdateOperation) -> None:
        self._counts.forget()
        self._shard.update(operation)

    def _to_stored(self, record: qe.Record) -> StoredPoint:
        return from_payload(record.payload or {}, self._layout.to_vectors(record.vector))


def _to_words(item: Item) -> dict[str, Any]:
    """The vector of an item's words, by its name."""
    return {WORDS: to_sparse(encode_document(compose_text(item)))}
