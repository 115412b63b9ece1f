"""One collection of a Qdrant server: its vectors, its filters and its errors.

Beside `server.py` the only file that knows `qdrant_client`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from search.attributes import AttributeKind
from search.bm25 import WORDS
from search.errors import StoreUnavailableError
from search.filters import Between
from search.stores.conditions import as_list

BATCH = 256
"""Points written in one request."""

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

    def is_empty(self, path: str) -> models.Condition:
        return models.IsEmptyCondition(is_empty=models.PayloadField(key=path))

    def combine(
        self,
        *,
        must: Sequence[models.Condition] = (),
        should: Sequence[models.Condition] = (),
        must_not: Sequence[models.Condition] = (),
    ) -> models.Filter:
        return models.Filter(must=list(must) or None, should=list(should) or None, must_not=list(must_not) or None)


def list_vectors(client: QdrantClient, collection: str) -> dict[str, int]:
    """Numbers in each named vector of a collection."""
    there = client.get_collection(collection).config.params.vectors
    return {name: params.size for name, params in there.items()} if isinstance(there, dict) else {}


def create_vectors(client: QdrantClient, collection: str, sizes: Mapping[str, int]) -> None:
    """Make named vectors in a collection that is there, which servers can from version 1.18 on; twice is once."""
    for name, size in sorted(sizes.items()):
        dense = models.DenseVectorConfig(size=size, distance=models.Distance.DOT)
        client.create_vector_name(collection, name, models.DenseVectorNameConfig(dense=dense), wait=True)


def create_words(client: QdrantClient, collection: str) -> None:
    """Make the sparse vector of words where a collection lacks it; one from before there were any does."""
    if WORDS not in (client.get_collection(collection).config.params.sparse_vectors or {}):
        words = models.SparseVectorConfig(modifier=models.Modifier.IDF)
        client.create_vector_name(collection, WORDS, models.SparseVectorNameConfig(sparse=words), wait=True)


def create_indexes(client: QdrantClient, collection: str, wanted: Mapping[str, AttributeKind]) -> None:
    """Make the payload indexes that are missing, by path."""
    there = client.get_collection(collection).payload_schema
    for path in sorted(wanted.keys() - there.keys()):
        client.create_payload_index(collection, path, _INDEXES[wanted[path]], wait=True)


def write_points(
    client: QdrantClient,
    collection: str,
    vectors: Mapping[str, Mapping[str, Any]],
    payloads: Mapping[str, Mapping[str, Any]],
) -> None:
    """Some vectors and some keys of the payloads of points that are there, by point id, in one request."""
    made = [models.PointVectors(id=i, vector={**named}) for i, named in vectors.items()]
    operations: list[Any] = [models.UpdateVectorsOperation(update_vectors=models.UpdateVectors(points=made))]
    for i, payload in payloads.items():
        update = models.SetPayload(payload={**payload}, points=[i])
        operations.append(models.SetPayloadOperation(set_payload=update))
    client.batch_update_points(collection, operations, wait=True)


def complete_points(
    client: QdrantClient,
    collection: str,
    name: str,
    make: Callable[[models.Record], Mapping[str, Any]],
    vectors: list[str],
    *,
    lock: AbstractContextManager[bool],
) -> None:
    """Give every point that lacks the vector of this name the vectors that are made of its record.

    Args:
        make: from a point's record to vectors by name.
        vectors: names of the vectors the record has; without any it has the payload.
        lock: held while some points are read and written again, so that nobody writes them meanwhile.
    """
    missing = models.Filter(must_not=[models.HasVectorCondition(has_vector=name)])
    place: Any = None
    while True:
        with lock:
            records, place = client.scroll(
                collection,
                scroll_filter=missing,
                limit=BATCH,
                offset=place,
                with_payload=not vectors,
                with_vectors=vectors or False,
            )
            if records:
                write_points(client, collection, {str(record.id): make(record) for record in records}, {})
        if place is None:
            return


@contextmanager
def guard_server(collection: str) -> Iterator[None]:
    """Turn what the client raises when the server is away, slow or refuses into our own error."""
    try:
        yield
    except (ApiException, httpx.HTTPError, OSError) as error:
        raise StoreUnavailableError(
            f"the Qdrant server did not do what collection {collection!r} needs: {error}; "
            "check VITRINE_QDRANT_URL and that the server is up"
        ) from error
