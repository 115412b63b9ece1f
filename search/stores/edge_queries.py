"""What one shard of Qdrant Edge is asked: nearest points, words, parts of scores, bounds of numbers.

Beside `edge.py`, `edge_counts.py`, `edge_shard.py` and `search/bm25.py` the only file that knows `qdrant_edge`. The
caller holds the lock and guards against the engine's errors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import qdrant_edge as qe

from search.bm25 import WORDS, Words
from search.store import DIVERSE_DEPTH, Leg, ScoredPoint
from search.stores.layout import Layout, collect_parts
from search.stores.payload import compute_point_id, from_payload

HNSW_EF = 128
"""Candidates the index keeps while it searches; more finds more of the true neighbours and takes longer."""


def find_nearest(
    shard: qe.EdgeShard,
    layout: Layout,
    legs: Sequence[Leg],
    where: qe.Filter | None,
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
    query: qe.Mmr | qe.Query = qe.Query.Nearest(vector, using=name)
    if diversity:
        query = qe.Mmr(vector, 1 - diversity, DIVERSE_DEPTH, using=name)
    params = qe.SearchParams(exact=exact, hnsw_ef=None if exact else HNSW_EF)
    request = qe.QueryRequest(limit=limit, offset=offset, query=query, filter=where, params=params, with_payload=True)
    records = shard.query(request)
    if len(legs) == 1:
        parts = [{legs[0].space: record.score / scale} for record in records]
    else:
        answers = _score(shard, layout, legs, None, {str(record.id) for record in records})
        parts = collect_parts(legs, [str(record.id) for record in records], answers)
    return [
        ScoredPoint(
            point=from_payload(record.payload or {}),
            score=(legs[0].weight if len(legs) == 1 else 1.0) * record.score / scale,
            parts=part,
        )
        for record, part in zip(records, parts, strict=True)
    ]


def find_words(shard: qe.EdgeShard, words: Words, where: qe.Filter | None, *, limit: int) -> list[ScoredPoint]:
    """See `search.store.Store.find_words`."""
    request = qe.QueryRequest(limit=limit, query=_ask_words(words), filter=where, with_payload=True)
    return [
        ScoredPoint(point=from_payload(record.payload or {}), score=record.score, parts={WORDS: record.score})
        for record in shard.query(request)
    ]


def score_photos(
    shard: qe.EdgeShard,
    layout: Layout,
    legs: Sequence[Leg],
    words: Words | None,
    photos: Collection[tuple[str, int]],
) -> Mapping[tuple[str, int], Mapping[str, float]]:
    """See `search.store.Store.score_photos`."""
    ids = {compute_point_id(*photo): photo for photo in photos}
    answers = _score(shard, layout, legs, words, set(ids))
    names = [leg.space for leg in legs] + ([WORDS] if words else [])
    return {photo: {name: answers.get(name, {}).get(point, 0.0) for name in names} for point, photo in ids.items()}


def read_bounds(shard: qe.EdgeShard, path: str, attribute: str, where: qe.Filter | None) -> tuple[float, float] | None:
    """See `search.store.Store.read_bounds`."""
    found: list[float] = []
    for direction in (qe.Direction.Asc, qe.Direction.Desc):
        request = qe.ScrollRequest(limit=1, filter=where, with_payload=["item"], order_by=qe.OrderBy(path, direction))
        found.extend(float((record.payload or {})["item"][attribute]) for record in shard.scroll(request)[0])
    return (found[0], found[1]) if found else None


def to_sparse(words: Words) -> qe.SparseVector:
    """Words in the engine's own class."""
    return qe.SparseVector(list(words.indices), list(words.values))


def _ask_words(words: Words) -> qe.Query:
    return qe.Query.Nearest(to_sparse(words), using=WORDS)


def _score(
    shard: qe.EdgeShard, layout: Layout, legs: Sequence[Leg], words: Words | None, points: Collection[str]
) -> Mapping[str, Mapping[str, float]]:
    """Score of each of these points in each leg's space, by space and point. The engine scores the few points once
    more, which is far less than moving their vectors out of it."""
    if not points:
        return {}
    found = qe.Filter(must=[qe.HasIdCondition(set(points))])
    queries = {
        leg.space: qe.Query.Nearest(leg.vector.tolist(), using=layout.names[leg.space])
        for leg in legs
        if leg.space in layout.names
    }
    if words:
        queries[WORDS] = _ask_words(words)
    requests = [qe.QueryRequest(limit=len(points), query=query, filter=found) for query in queries.values()]
    answers = shard.query_batch(qe.QueryBatchRequest(requests))
    return {
        space: {str(record.id): record.score for record in answer}
        for space, answer in zip(queries, answers, strict=True)
    }
