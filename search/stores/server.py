"""A Qdrant server or cluster, or the client's local mode, through `qdrant-client`: the only file that knows it.

Only `query_points` is used for search; the older calls are gone from the client.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from search.attributes import AttributeKind, AttributeSchema
from search.embedding import Space
from search.errors import MismatchError, StoreUnavailableError
from search.filters import Between, Filter
from search.item import Item
from search.store import FacetCount, Leg, Page, Point, ScoredPoint, StoredPoint
from search.stores.conditions import as_list, translate
from search.stores.payload import (
    FINGERPRINT_KEYS,
    INDEX,
    ITEM_ID,
    PRIMARY,
    attribute_path,
    check_place,
    choose_vector,
    collect_parts,
    compute_point_id,
    from_payload,
    list_dimensions,
    to_item_payload,
    to_named_vectors,
    to_payload,
)

_INDEXES = {
    AttributeKind.KEYWORD: models.PayloadSchemaType.KEYWORD,
    AttributeKind.INTEGER: models.PayloadSchemaType.INTEGER,
    AttributeKind.NUMBER: models.PayloadSchemaType.FLOAT,
}


class ClientDialect:
    """Conditions in `qdrant_client.models` classes."""

    def match_any(self, path: str, values: Sequence[str] | Sequence[int]) -> models.Condition:
        return models.FieldCondition(key=path, match=models.MatchAny(any=as_list(values)))

    def within(self, path: str, bounds: Between) -> models.Condition:
        limits = models.Range(gt=bounds.gt, gte=bounds.gte, lt=bounds.lt, lte=bounds.lte)
        return models.FieldCondition(key=path, range=limits)

    def combine(
        self,
        *,
        must: Sequence[models.Condition] = (),
        should: Sequence[models.Condition] = (),
        must_not: Sequence[models.Condition] = (),
    ) -> models.Filter:
        return models.Filter(must=list(must) or None, should=list(should) or None, must_not=list(must_not) or None)


def open_server_store(
    client: QdrantClient, collection: str, *, spaces: Sequence[Space], schema: AttributeSchema
) -> ServerStore:
    """The collection of this name, made where it is not there yet, with an index for every attribute.

    Raises:
        StoreUnavailableError: the server does not answer.
        MismatchError: the collection has other vectors than these spaces.
    """
    store = ServerStore(client, collection, spaces)
    wanted = list_dimensions(spaces)
    with _server(collection):
        if not client.collection_exists(collection):
            vectors = {n: models.VectorParams(size=size, distance=models.Distance.DOT) for n, size in wanted.items()}
            client.create_collection(collection, vectors_config=vectors)
        there = client.get_collection(collection).config.params.vectors
    found = {name: params.size for name, params in there.items()} if isinstance(there, dict) else {}
    if not wanted.items() <= found.items():
        raise MismatchError(
            f"collection {collection!r} has the vectors {found}, this catalogue needs {wanted}; "
            "use another data directory, or delete the collection"
        )
    store.index_attributes(schema)
    return store


class ServerStore:
    """`search.store.Store` on one collection."""

    def __init__(self, client: QdrantClient, collection: str, spaces: Sequence[Space]) -> None:
        self._client = client
        self._spaces = tuple(spaces)
        self._name = collection
        self._dialect = ClientDialect()

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Make the payload indexes that are missing; facets on an attribute need its index."""
        wanted = {attribute_path(name): _INDEXES[kind] for name, kind in schema.items() if kind in _INDEXES}
        wanted |= {ITEM_ID: models.PayloadSchemaType.KEYWORD, PRIMARY: models.PayloadSchemaType.KEYWORD}
        wanted[INDEX] = models.PayloadSchemaType.INTEGER
        with self._server():
            there = self._client.get_collection(self._name).payload_schema
            for path in sorted(wanted.keys() - there.keys()):
                self._client.create_payload_index(self._name, path, wanted[path], wait=True)

    def upsert(self, points: Sequence[Point]) -> None:
        if not points:
            return
        made = [
            models.PointStruct(
                id=compute_point_id(p.item.id, p.photo.index),
                vector={**to_named_vectors(p.vectors, self._spaces)},
                payload=to_payload(p),
            )
            for p in points
        ]
        with self._server():
            self._client.upsert(self._name, made, wait=True)

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        with self._server():
            for item_id, item in items.items():
                payload = to_item_payload(item, row_sha256[item_id])
                self._client.set_payload(self._name, payload, points=self._of_items([item_id]), wait=True)

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
        with self._server():
            records = self._client.retrieve(self._name, ids, with_payload=True, with_vectors=list(spaces) or False)
        points = [_to_stored(record) for record in records]
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
    ) -> Sequence[ScoredPoint]:
        where = self._filter(conditions, without=without)
        params = models.SearchParams(exact=exact, hnsw_ef=None if exact else 128)
        name, vector = choose_vector(legs, self._spaces)
        with self._server():
            records = self._client.query_points(
                self._name,
                query=vector,
                using=name,
                query_filter=where,
                search_params=params,
                limit=limit,
                offset=offset,
                with_payload=True,
            ).points
            parts = self._score_parts(legs, records)
        return [_to_scored(record, legs, part) for record, part in zip(records, parts, strict=True)]

    def _score_parts(self, legs: Sequence[Leg], records: Sequence[models.ScoredPoint]) -> list[dict[str, float]]:
        """Cosine in each leg's space, as in the embedded store: the points found are scored once more by the engine."""
        if len(legs) == 1 or not records:
            return [{leg.space: record.score for leg in legs} for record in records]
        found = models.Filter(must=[models.HasIdCondition(has_id=[record.id for record in records])])
        requests = [
            models.QueryRequest(query=leg.vector.tolist(), using=leg.space, filter=found, limit=len(records))
            for leg in legs
        ]
        answers = self._client.query_batch_points(self._name, requests)
        return collect_parts(legs, records, [answer.points for answer in answers])

    def scan(self, conditions: Filter, *, limit: int, after: str | None = None, spaces: Sequence[str] = ()) -> Page:
        with self._server():
            records, following = self._client.scroll(
                self._name,
                scroll_filter=self._filter(conditions, primary_only=True),
                limit=limit,
                offset=check_place(after),
                with_payload=True,
                with_vectors=list(spaces) or False,
            )
        return Page(points=[_to_stored(r) for r in records], next_after=None if following is None else str(following))

    def count_items(self, conditions: Filter = ()) -> int:
        with self._server():
            where = self._filter(conditions, primary_only=True)
            return self._client.count(self._name, count_filter=where, exact=True).count

    def count_facet(self, attribute: str, conditions: Filter, *, limit: int) -> Sequence[FacetCount]:
        where = self._filter(conditions, primary_only=True)
        with self._server():
            hits = self._client.facet(
                self._name, attribute_path(attribute), facet_filter=where, limit=limit, exact=True
            ).hits
        return [FacetCount(value=hit.value, count=hit.count) for hit in hits]

    def optimize(self) -> None:
        """Nothing to do: a server optimises by itself."""

    def close(self) -> None:
        self._client.close()

    def _filter(
        self, conditions: Filter, *, primary_only: bool = False, without: Sequence[str] = ()
    ) -> models.Filter | None:
        where = translate(conditions, self._dialect, primary_only=primary_only, without=without)
        assert where is None or isinstance(where, models.Filter)
        return where

    def _of_items(self, item_ids: Collection[str]) -> models.Filter:
        return self._dialect.combine(must=[self._dialect.match_any(ITEM_ID, sorted(item_ids))])

    def _server(self) -> AbstractContextManager[None]:
        return _server(self._name)


@contextmanager
def _server(collection: str) -> Iterator[None]:
    """Turn what the client raises when the server is away, slow or refuses into our own error."""
    try:
        yield
    except (ApiException, httpx.HTTPError, OSError) as error:
        raise StoreUnavailableError(
            f"the Qdrant server did not do what collection {collection!r} needs: {error}; "
            "check VITRINE_QDRANT_URL and that the server is up"
        ) from error


def _to_stored(record: models.Record) -> StoredPoint:
    vectors = record.vector
    return from_payload(record.payload or {}, vectors if isinstance(vectors, dict) else None)


def _to_scored(record: models.ScoredPoint, legs: Sequence[Leg], parts: dict[str, float]) -> ScoredPoint:
    score = legs[0].weight * record.score if len(legs) == 1 else record.score
    return ScoredPoint(point=from_payload(record.payload or {}), score=score, parts=parts)
