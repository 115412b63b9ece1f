"""A Qdrant server or cluster, or the client's local mode, through `qdrant-client`, as a store.

What it is asked is in `server_queries.py`; how a trained space comes to points that are there, in docs/decisions/0009.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from qdrant_client import QdrantClient, models

from search.attributes import AttributeKind, AttributeSchema
from search.bm25 import WORDS, Words, encode_document
from search.embedding import Space
from search.errors import MismatchError, StoreUnavailableError
from search.filters import Between, Filter, Source
from search.item import Item
from search.item_text import compose_text
from search.store import FacetCount, Leg, Page, PhotoPage, Point, ScoredPoint, StoredPoint
from search.stores import server_queries
from search.stores.conditions import translate
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
from search.stores.server_collection import (
    BATCH,
    ClientDialect,
    complete_points,
    create_indexes,
    create_vectors,
    create_words,
    guard_server,
    list_vectors,
    write_points,
)
from search.stores.server_queries import to_sparse
from search.tagging import Tagging


def open_server_store(
    client: QdrantClient, collection: str, *, spaces: Sequence[Space], schema: AttributeSchema
) -> ServerStore:
    """The collection of this name, made where it is not there yet, with an index for every attribute.

    Raises:
        StoreUnavailableError: the server does not answer.
        MismatchError: the collection has other vectors than these spaces.
    """
    layout = make_layout(spaces)
    wanted = layout.list_dimensions()
    with guard_server(collection):
        if not client.collection_exists(collection):
            vectors = {n: models.VectorParams(size=size, distance=models.Distance.DOT) for n, size in wanted.items()}
            words = {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)}
            client.create_collection(collection, vectors_config=vectors, sparse_vectors_config=words)
        found = list_vectors(client, collection)
    later = layout.list_additions()
    if any(found.get(name, later.get(name)) != size for name, size in wanted.items()):
        raise MismatchError(
            f"collection {collection!r} has the vectors {found}, this catalogue needs {wanted}; "
            "use another data directory, or delete the collection"
        )
    store = ServerStore(client, collection, layout)
    store.index_attributes(schema)
    store.complete_points(layout)
    return store


class ServerStore:
    """`search.store.Store` on one collection. Safe to use from several threads."""

    def __init__(self, client: QdrantClient, collection: str, layout: Layout) -> None:
        self._client = client
        self._name = collection
        self._layout = layout
        self._coming = layout
        self._kinds: dict[str, AttributeKind] = {}
        self._tagged: frozenset[str] = frozenset()
        self._dialect = ClientDialect()
        self._writing = threading.Lock()

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Make the payload indexes that are missing; facets on an attribute need its index."""
        self._kinds |= schema
        with self._server():
            create_indexes(self._client, self._name, list_indexes(schema))

    def upsert(self, points: Sequence[Point]) -> None:
        if not points:
            return
        self._index_tags(list_predicted(p.tagging for p in points))
        with self._writing, self._server():
            made = [
                models.PointStruct(
                    id=compute_point_id(p.item.id, p.photo.index),
                    vector={
                        **self._coming.to_named_vectors(p),
                        **self._layout.to_named_vectors(p),
                        **_to_words(p.item),
                    },
                    payload=to_payload(p),
                )
                for p in points
            ]
            self._client.upsert(self._name, made, wait=True)

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        with self._server():
            for item_id, item in items.items():
                own, payload = self._of_items([item_id]), to_item_payload(item, row_sha256[item_id])
                photos, _ = self._client.scroll(self._name, scroll_filter=own, limit=BATCH, with_payload=False)
                words = {str(photo.id): _to_words(item) for photo in photos}
                if words:
                    write_points(self._client, self._name, words, {})
                self._client.set_payload(self._name, payload, points=own, wait=True)

    def delete_items(self, item_ids: Collection[str]) -> int:
        ids: list[Any] = [compute_point_id(item_id, 0) for item_id in set(item_ids)]
        with self._server():
            there = len(self._client.retrieve(self._name, ids, with_payload=False))
            if there:
                self._client.delete(self._name, self._of_items(item_ids), wait=True)
            return there

    def delete_photos_from(self, item_id: str, index: int) -> None:
        above = self._dialect.within(INDEX, Between(attribute=INDEX, gte=index))
        doomed = self._dialect.combine(must=[self._dialect.match_any(ITEM_ID, [item_id]), above])
        with self._server():
            self._client.delete(self._name, doomed, wait=True)

    def read_items(
        self, item_ids: Sequence[str], *, index: int = 0, spaces: Sequence[str] = ()
    ) -> Mapping[str, StoredPoint]:
        ids: list[Any] = [compute_point_id(item_id, index) for item_id in item_ids]
        layout = self._layout
        with self._server():
            records = self._client.retrieve(
                self._name, ids, with_payload=True, with_vectors=layout.list_names(spaces) or False
            )
        points = [_to_stored(record, layout) for record in records]
        return {point.item.id: point for point in points}

    def read_fingerprints(self, item_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        ids: list[Any] = [compute_point_id(item_id, 0) for item_id in item_ids]
        with self._server():
            records = self._client.retrieve(self._name, ids, with_payload=FINGERPRINT_KEYS, with_vectors=False)
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
        where = self._filter(conditions, without=without)

        def find(layout: Layout) -> Sequence[ScoredPoint]:
            ask = partial(server_queries.find_nearest, self._client, self._name, layout, legs, where)
            with self._server():
                return ask(limit=limit, offset=offset, exact=exact, diversity=diversity)

        layout = self._layout
        try:
            return find(layout)
        except StoreUnavailableError:
            if layout is self._layout:
                raise
            return find(self._layout)  # the vector that was asked about has just been taken away

    def find_words(
        self, words: Words, conditions: Filter, *, limit: int, without: Sequence[str] = ()
    ) -> Sequence[ScoredPoint]:
        where = self._filter(conditions, without=without)
        with self._server():
            return server_queries.find_words(self._client, self._name, words, where, limit=limit)

    def score_photos(
        self, legs: Sequence[Leg], words: Words | None, photos: Collection[tuple[str, int]]
    ) -> Mapping[tuple[str, int], Mapping[str, float]]:
        with self._server():
            return server_queries.score_photos(self._client, self._name, self._layout, legs, words, photos)

    def scan(
        self,
        conditions: Filter,
        *,
        limit: int,
        after: str | None = None,
        spaces: Sequence[str] = (),
        lacking: str | None = None,
    ) -> Page:
        layout = self._layout
        with self._server():
            records, following = self._client.scroll(
                self._name,
                scroll_filter=self._filter(conditions, primary_only=True, empty=lacking),
                limit=limit,
                offset=check_place(after),
                with_payload=True,
                with_vectors=layout.list_names(spaces) or False,
            )
        points = [_to_stored(record, layout) for record in records]
        return Page(points=points, next_after=None if following is None else str(following))

    def list_photos(self, *, limit: int, after: str | None = None) -> PhotoPage:
        with self._server():
            records, following = self._client.scroll(
                self._name, limit=limit, offset=check_place(after), with_payload=PHOTO_KEYS, with_vectors=False
            )
        photos = [to_photo_key(record.payload or {}) for record in records]
        return PhotoPage(photos=photos, next_after=None if following is None else str(following))

    def count_items(self, conditions: Filter = (), *, lacking: str | None = None) -> int:
        with self._server():
            where = self._filter(conditions, primary_only=True, empty=lacking)
            return self._client.count(self._name, count_filter=where, exact=True).count

    def read_bounds(self, attribute: str, conditions: Filter) -> tuple[float, float] | None:
        where, path = self._filter(conditions, primary_only=True), attribute_path(attribute)
        with self._server():
            return server_queries.read_bounds(self._client, self._name, path, attribute, where)

    def count_facet(
        self, attribute: str, conditions: Filter, *, limit: int, source: Source = Source.MERCHANT
    ) -> Sequence[FacetCount]:
        def count(path: str, *, limit: int, empty: str | None = None) -> Iterable[tuple[str | int, int]]:
            where = self._filter(conditions, primary_only=True, empty=empty)
            if source is not Source.MERCHANT:
                self._index_tags({attribute})
            with self._server():
                hits = self._client.facet(self._name, path, facet_filter=where, limit=limit, exact=True).hits
            return [(hit.value, hit.count) for hit in hits]

        return count_sources(attribute, source, count, kind=self._kinds.get(attribute), limit=limit)

    def prepare_space(self, space: Space) -> None:
        self._coming = self._layout.with_trained(space)
        self._make_vectors(self._coming)

    def write_taggings(self, taggings: Mapping[tuple[str, int], Tagging], space: Space) -> None:
        check_model(taggings, space)
        self._index_tags(list_predicted(taggings.values()))
        self._coming = layout = self._layout.with_trained(space)
        by_id = {compute_point_id(*key): tagging for key, tagging in taggings.items()}
        ids, name, names = list(by_id), layout.names[space.name], list(layout.names.values())
        for start in range(0, len(ids), BATCH):
            some: list[Any] = ids[start : start + BATCH]
            with self._writing, self._server():
                records = self._client.retrieve(self._name, some, with_payload=False, with_vectors=names)
                there = {str(record.id): record.vector for record in records}
                if there:
                    vectors = {i: layout.join(vector, {name: by_id[i].vector.tolist()}) for i, vector in there.items()}
                    payloads = {i: to_tag_payload(by_id[i]) for i in there}
                    write_points(self._client, self._name, vectors, payloads)

    def use_spaces(self, spaces: Sequence[Space]) -> None:
        layout = make_layout(spaces)
        with self._writing:
            self._coming = layout
        self.complete_points(layout)
        with self._writing, self._server():
            self._layout = layout
            for name in sorted(list_vectors(self._client, self._name).keys() - layout.list_dimensions().keys()):
                self._client.delete_vector_name(self._name, name, wait=True)

    def complete_points(self, layout: Layout) -> None:
        """Make the vectors that a layout adds, and the joint vector and the words of every point that lacks them."""
        self._make_vectors(layout)
        names = list(layout.names.values())
        complete = partial(complete_points, self._client, self._name, lock=self._writing)
        with self._server():
            complete(layout.joint, lambda record: layout.join(record.vector, {}), names)
            complete(WORDS, lambda record: _to_words(_to_stored(record, layout).item), [])

    def _index_tags(self, attributes: set[str]) -> None:
        if not attributes <= self._tagged:
            with self._server():
                wanted = {tag_path(name): AttributeKind.KEYWORD for name in attributes}
                create_indexes(self._client, self._name, wanted)
            self._tagged |= attributes

    def _make_vectors(self, layout: Layout) -> None:
        wanted = layout.list_additions()
        with self._server():
            there = list_vectors(self._client, self._name)
            create_vectors(self._client, self._name, {n: size for n, size in wanted.items() if n not in there})
            create_words(self._client, self._name)

    def optimize(self) -> None:
        """Nothing to do: a server optimises by itself."""

    def close(self) -> None:
        self._client.close()

    def _filter(
        self,
        conditions: Filter,
        *,
        primary_only: bool = False,
        without: Sequence[str] = (),
        empty: str | None = None,
    ) -> models.Filter | None:
        where = translate(conditions, self._dialect, primary_only=primary_only, without=without, empty=empty)
        assert where is None or isinstance(where, models.Filter)
        return where

    def _of_items(self, item_ids: Collection[str]) -> models.Filter:
        return self._dialect.combine(must=[self._dialect.match_any(ITEM_ID, sorted(item_ids))])

    def _server(self) -> AbstractContextManager[None]:
        return guard_server(self._name)


def _to_stored(record: models.Record, layout: Layout) -> StoredPoint:
    return from_payload(record.payload or {}, layout.to_vectors(record.vector))


def _to_words(item: Item) -> dict[str, Any]:
    """The vector of an item's words, by its name."""
    return {WORDS: to_sparse(encode_document(compose_text(item)))}
