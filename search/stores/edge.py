"""Qdrant Edge: the engine inside this process. The only file that knows `qdrant_edge`.

Every call holds the interpreter's lock and one process owns the files, so `vitrine serve` runs this in a child process
(`search.stores.host`). What the engine does that a reader would not expect is in docs/decisions/0002.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import qdrant_edge as qe

from search.attributes import AttributeKind, AttributeSchema
from search.embedding import Space
from search.errors import IntegrityError, StoreUnavailableError, VitrineError
from search.filters import Between, Filter
from search.item import Item
from search.store import FacetCount, Leg, Page, Point, ScoredPoint, StoredPoint
from search.stores.conditions import as_list, translate
from search.stores.payload import (
    FINGERPRINT_KEYS,
    FUSION,
    INDEX,
    ITEM_ID,
    NO,
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

HNSW_FROM_POINTS = 20_000
"""Below this, comparing with every point is quicker than the minutes an index takes to build."""

MIN_FREE_BYTES = 256 * 2**20
"""A full disk kills the process with SIGBUS; below this much free space a write is refused instead."""

_INDEXES = {
    AttributeKind.KEYWORD: qe.PayloadSchemaType.Keyword,
    AttributeKind.INTEGER: qe.PayloadSchemaType.Integer,
    AttributeKind.NUMBER: qe.PayloadSchemaType.Float,
}


class EdgeDialect:
    """Conditions in `qdrant_edge` classes."""

    def match_any(self, path: str, values: Sequence[str] | Sequence[int]) -> qe.ConditionType:
        return qe.FieldCondition(path, match=qe.MatchAny(as_list(values)))

    def within(self, path: str, bounds: Between) -> qe.ConditionType:
        limits = qe.RangeFloat(gt=bounds.gt, gte=bounds.gte, lt=bounds.lt, lte=bounds.lte)
        return qe.FieldCondition(path, range=limits)

    def combine(
        self,
        *,
        must: Sequence[qe.ConditionType] = (),
        should: Sequence[qe.ConditionType] = (),
        must_not: Sequence[qe.ConditionType] = (),
    ) -> qe.Filter:
        return qe.Filter(must=list(must) or None, should=list(should) or None, must_not=list(must_not) or None)


def open_edge_store(path: Path, *, spaces: Sequence[Space], schema: AttributeSchema) -> EdgeStore:
    """The shard in this folder, made where it is not there yet, with an index for every attribute of the schema.

    Raises:
        StoreUnavailableError: another process has it open.
        IntegrityError: its files cannot be read.
    """
    with _engine(path):
        if not path.exists():
            _create_shard(path, spaces)
        store = EdgeStore(qe.EdgeShard.load(str(path)), path, spaces)
    store.index_attributes(schema)
    return store


def _create_shard(path: Path, spaces: Sequence[Space]) -> None:
    """Make the shard aside, then rename: a crash in between leaves nothing that looks like a shard."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    sizes = list_dimensions(spaces)
    config = qe.EdgeConfig(
        vectors={n: qe.EdgeVectorParams(size=size, distance=qe.Distance.Dot) for n, size in sizes.items()},
        hnsw_config=qe.HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=10_000),
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=HNSW_FROM_POINTS * sizes[FUSION] * 4 // 1024),
    )
    qe.EdgeShard.create(str(aside), config).close()
    aside.rename(path)


class EdgeStore:
    """`search.store.Store` on one Edge shard."""

    def __init__(self, shard: qe.EdgeShard, path: Path, spaces: Sequence[Space]) -> None:
        self._shard = shard
        self._spaces = tuple(spaces)
        self._path = path
        self._dialect = EdgeDialect()

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Make the payload indexes that are missing; filters and facets on an attribute need its index."""
        wanted = {attribute_path(name): _INDEXES[kind] for name, kind in schema.items() if kind in _INDEXES}
        wanted |= {ITEM_ID: qe.PayloadSchemaType.Keyword, PRIMARY: qe.PayloadSchemaType.Keyword}
        wanted[INDEX] = qe.PayloadSchemaType.Integer
        with self._engine():
            there = self._shard.info().payload_schema
            for path in sorted(wanted.keys() - there.keys()):
                self._shard.update(qe.UpdateOperation.create_field_index(path, wanted[path]))

    def upsert(self, points: Sequence[Point]) -> None:
        if not points:
            return
        self._check_disk()
        made = [
            qe.Point(
                compute_point_id(p.item.id, p.photo.index),
                {**to_named_vectors(p.vectors, self._spaces)},
                to_payload(p),
            )
            for p in points
        ]
        with self._engine():
            self._shard.update(qe.UpdateOperation.upsert_points(made))

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        self._check_disk()
        with self._engine():
            for item_id, item in items.items():
                payload = to_item_payload(item, row_sha256[item_id])
                self._shard.update(qe.UpdateOperation.set_payload_by_filter(self._of_items([item_id]), payload))

    def delete_items(self, item_ids: Collection[str]) -> int:
        with self._engine():
            there = len(self._shard.retrieve([compute_point_id(i, 0) for i in set(item_ids)], [ITEM_ID], False))
            if there:
                self._shard.update(qe.UpdateOperation.delete_points_by_filter(self._of_items(item_ids)))
            return there

    def delete_photos_from(self, item_id: str, index: int) -> None:
        above = self._dialect.within(INDEX, Between(attribute=INDEX, gte=index))
        doomed = self._dialect.combine(must=[self._dialect.match_any(ITEM_ID, [item_id]), above])
        with self._engine():
            self._shard.update(qe.UpdateOperation.delete_points_by_filter(doomed))

    def read_items(
        self, item_ids: Sequence[str], *, index: int = 0, spaces: Sequence[str] = ()
    ) -> Mapping[str, StoredPoint]:
        with self._engine():
            ids: list[qe.PointId] = [compute_point_id(item_id, index) for item_id in item_ids]
            records = self._shard.retrieve(ids, True, list(spaces) or False)
        points = [_to_stored(record) for record in records]
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
    ) -> Sequence[ScoredPoint]:
        where = self._filter(conditions, without=without)
        params = qe.SearchParams(exact=exact, hnsw_ef=None if exact else 128)
        name, vector = choose_vector(legs, self._spaces)
        query = qe.Query.Nearest(vector, using=name)
        request = qe.QueryRequest(
            limit=limit, offset=offset, query=query, filter=where, params=params, with_payload=True
        )
        with self._engine():
            records = self._shard.query(request)
            parts = self._score_parts(legs, records)
        return [_to_scored(record, legs, part) for record, part in zip(records, parts, strict=True)]

    def _score_parts(self, legs: Sequence[Leg], records: Sequence[qe.ScoredPoint]) -> list[dict[str, float]]:
        """Cosine in each leg's space. The engine scores the few points found once more, which is far less than moving
        their vectors out of it."""
        if len(legs) == 1 or not records:
            return [{leg.space: record.score for leg in legs} for record in records]
        found = qe.Filter(must=[qe.HasIdCondition({record.id for record in records})])
        requests = [
            qe.QueryRequest(
                limit=len(records), query=qe.Query.Nearest(leg.vector.tolist(), using=leg.space), filter=found
            )
            for leg in legs
        ]
        return collect_parts(legs, records, self._shard.query_batch(qe.QueryBatchRequest(requests)))

    def scan(self, conditions: Filter, *, limit: int, after: str | None = None, spaces: Sequence[str] = ()) -> Page:
        where = self._filter(conditions, primary_only=True)
        request = qe.ScrollRequest(
            offset=check_place(after), limit=limit, filter=where, with_payload=True, with_vector=list(spaces) or False
        )
        with self._engine():
            records, following = self._shard.scroll(request)
        return Page(points=[_to_stored(r) for r in records], next_after=None if following is None else str(following))

    def count_items(self, conditions: Filter = ()) -> int:
        with self._engine():
            if not conditions:
                # The few further photos are counted in a fraction of the time that all the main ones take.
                further = self._dialect.combine(must=[self._dialect.match_any(PRIMARY, [NO])])
                every = self._shard.count(qe.CountRequest(exact=True))
                return every - self._shard.count(qe.CountRequest(exact=True, filter=further))
            where = self._filter(conditions, primary_only=True)
            return self._shard.count(qe.CountRequest(exact=True, filter=where))

    def count_facet(self, attribute: str, conditions: Filter, *, limit: int) -> Sequence[FacetCount]:
        where = self._filter(conditions, primary_only=True)
        request = qe.FacetRequest(attribute_path(attribute), limit=limit, exact=True, filter=where)
        with self._engine():
            hits = self._shard.facet(request).hits
        return [FacetCount(value=hit.value, count=hit.count) for hit in hits]

    def optimize(self) -> None:
        self._check_disk()
        with self._engine():
            self._shard.optimize()

    def close(self) -> None:
        with self._engine():
            self._shard.flush()
            self._shard.close()

    def _filter(
        self, conditions: Filter, *, primary_only: bool = False, without: Sequence[str] = ()
    ) -> qe.Filter | None:
        where = translate(conditions, self._dialect, primary_only=primary_only, without=without)
        assert where is None or isinstance(where, qe.Filter)
        return where

    def _of_items(self, item_ids: Collection[str]) -> qe.Filter:
        return self._dialect.combine(must=[self._dialect.match_any(ITEM_ID, sorted(item_ids))])

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self._path).free
        if free < MIN_FREE_BYTES:
            raise StoreUnavailableError(
                f"only {free // 2**20} MiB are free on the disk of {self._path}; "
                f"free at least {MIN_FREE_BYTES // 2**20} MiB and run the same command again, nothing is lost",
                code="disk_full",
            )

    def _engine(self) -> AbstractContextManager[None]:
        return _engine(self._path)


@contextmanager
def _engine(path: Path) -> Iterator[None]:
    """The engine raises bare `Exception`s: tell them apart by their text, and let none through."""
    try:
        yield
    except VitrineError:
        raise
    except Exception as error:
        text = str(error)
        if "WouldBlock" in text:
            raise StoreUnavailableError(
                f"another process has the catalogue at {path} open; wait until it ends, or search through its server",
                code="store_in_use",
            ) from error
        if "load" in text.lower() or "corrupt" in text.lower() or "segment" in text.lower():
            raise IntegrityError(f"the store at {path} cannot be read: {text}; 'vitrine doctor' says more") from error
        raise StoreUnavailableError(f"the store at {path} failed: {text}") from error


def _to_stored(record: qe.Record | qe.ScoredPoint) -> StoredPoint:
    vectors = record.vector
    return from_payload(record.payload or {}, vectors if isinstance(vectors, dict) else None)


def _to_scored(record: qe.ScoredPoint, legs: Sequence[Leg], parts: dict[str, float]) -> ScoredPoint:
    score = legs[0].weight * record.score if len(legs) == 1 else record.score
    return ScoredPoint(point=from_payload(record.payload or {}), score=score, parts=parts)
