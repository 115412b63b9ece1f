"""What one collection of a Qdrant server is asked: nearest points, words, parts of scores, bounds of numbers.

Only `query_points` and its batch are used for search; the older calls are gone from the client. Beside `server.py` and
`server_collection.py` the only file that knows `qdrant_client`. The caller guards against its errors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from qdrant_client import QdrantClient, models

from search.bm25 import WORDS, Words
from search.store import DIVERSE_DEPTH, Leg, ScoredPoint
from search.stores.layout import Layout, collect_parts
from search.stores.payload import compute_point_id, from_payload

HNSW_EF = 128
"""Candidates the index keeps while it searches; more finds more of the true neighbours and takes longer."""


def find_nearest(
    client: QdrantClient,
    collection: str,
    layout: Layout,
    legs: Sequence[Leg],
    where: models.Filter | None,
    *,
    limit: int,
    offset: int,
    exact: bool,
    diversity: float,
) -> list[ScoredPoint]:
    """See `search.store.Store.find_nearest`."""
    scale = layout.choose_scale(legs) if diversity else 1.0
    asked = layout.choose_vector(legs, scale=scale)
    if asked is None:
        return []
    name, vector = asked
    query: Any = vector
    if diversity:
        query = models.NearestQuery(nearest=vector, mmr=models.Mmr(diversity=diversity, candidates_limit=DIVERSE_DEPTH))
    records = client.query_points(
        collection,
        query=query,
        using=name,
        query_filter=where,
        search_params=models.SearchParams(exact=exact, hnsw_ef=None if exact else HNSW_EF),
        limit=limit,
        offset=offset,
        with_payload=True,
    ).points
    if len(legs) == 1:
        parts = [{legs[0].space: record.score / scale} for record in records]
    else:
        answers = _score(client, collection, layout, legs, None, [str(record.id) for record in records])
        parts = collect_parts(legs, [str(record.id) for record in records], answers)
    return [
        ScoredPoint(
            point=from_payload(record.payload or {}),
            score=(legs[0].weight if len(legs) == 1 else 1.0) * record.score / scale,
            parts=part,
        )
        for record, part in zip(records, parts, strict=True)
    ]


def find_words(
    client: QdrantClient, collection: str, words: Words, where: models.Filter | None, *, limit: int
) -> list[ScoredPoint]:
    """See `search.store.Store.find_words`."""
    records = client.query_points(
        collection, query=to_sparse(words), using=WORDS, query_filter=where, limit=limit, with_payload=True
    ).points
    return [
        ScoredPoint(point=from_payload(record.payload or {}), score=record.score, parts={WORDS: record.score})
        for record in records
    ]


def score_photos(
    client: QdrantClient,
    collection: str,
    layout: Layout,
    legs: Sequence[Leg],
    words: Words | None,
    photos: Collection[tuple[str, int]],
) -> Mapping[tuple[str, int], Mapping[str, float]]:
    """See `search.store.Store.score_photos`."""
    ids = {compute_point_id(*photo): photo for photo in photos}
    answers = _score(client, collection, layout, legs, words, list(ids))
    names = [leg.space for leg in legs] + ([WORDS] if words else [])
    return {photo: {name: answers.get(name, {}).get(point, 0.0) for name in names} for point, photo in ids.items()}


def read_bounds(
    client: QdrantClient, collection: str, path: str, attribute: str, where: models.Filter | None
) -> tuple[float, float] | None:
    """See `search.store.Store.read_bounds`."""
    found: list[float] = []
    for direction in (models.Direction.ASC, models.Direction.DESC):
        records, _ = client.scroll(
            collection,
            scroll_filter=where,
            limit=1,
            order_by=models.OrderBy(key=path, direction=direction),
            with_payload=["item"],
        )
        found.extend(float((record.payload or {})["item"][attribute]) for record in records)
    return (found[0], found[1]) if found else None


def to_sparse(words: Words) -> models.SparseVector:
    """Words in the client's own class."""
    return models.SparseVector(indices=list(words.indices), values=list(words.values))


def _score(
    client: QdrantClient,
    collection: str,
    layout: Layout,
    legs: Sequence[Leg],
    words: Words | None,
    points: Sequence[str],
) -> Mapping[str, Mapping[str, float]]:
    """Score of each of these points in each leg's space, by space and point, as in the embedded store."""
    if not points:
        return {}
    found = models.Filter(must=[models.HasIdCondition(has_id=list(points))])
    asked: dict[str, tuple[str, Any]] = {
        leg.space: (layout.names[leg.space], leg.vector.tolist()) for leg in legs if leg.space in layout.names
    }
    if words:
        asked[WORDS] = (WORDS, to_sparse(words))
    requests = [
        models.QueryRequest(query=query, using=name, filter=found, limit=len(points)) for name, query in asked.values()
    ]
    answers = client.query_batch_points(collection, requests)
    return {
        space: {str(record.id): record.score for record in answer.points}
        for space, answer in zip(asked, answers, strict=True)
    }
