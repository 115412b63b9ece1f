"""One shard of Qdrant Edge: its files, its filters and its errors.

Beside `edge.py` the only file that knows `qdrant_edge`. What the engine does that a reader would not expect is in
docs/decisions/0002.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import qdrant_edge as qe

from search.attributes import AttributeKind
from search.bm25 import WORDS
from search.errors import IntegrityError, StoreUnavailableError, VitrineError
from search.filters import Between, Filter
from search.stores.conditions import as_list, translate
from search.stores.layout import Layout

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

    def is_empty(self, path: str) -> qe.ConditionType:
        return qe.IsEmptyCondition(path)

    def combine(
        self,
        *,
        must: Sequence[qe.ConditionType] = (),
        should: Sequence[qe.ConditionType] = (),
        must_not: Sequence[qe.ConditionType] = (),
    ) -> qe.Filter:
        return qe.Filter(must=list(must) or None, should=list(should) or None, must_not=list(must_not) or None)


def make_filter(
    conditions: Filter, *, primary_only: bool = False, without: Sequence[str] = (), empty: str | None = None
) -> qe.Filter | None:
    """See `search.stores.conditions.translate`."""
    where = translate(conditions, EdgeDialect(), primary_only=primary_only, without=without, empty=empty)
    assert where is None or isinstance(where, qe.Filter)
    return where


def create_shard(path: Path, layout: Layout) -> None:
    """Make the shard aside, then rename: a crash in between leaves nothing that looks like a shard."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    sizes = layout.list_dimensions()
    config = qe.EdgeConfig(
        vectors={n: qe.EdgeVectorParams(size=size, distance=qe.Distance.Dot) for n, size in sizes.items()},
        sparse_vectors={WORDS: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        hnsw_config=qe.HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=10_000),
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=HNSW_FROM_POINTS * sizes[layout.joint] * 4 // 1024),
    )
    qe.EdgeShard.create(str(aside), config).close()
    aside.rename(path)


def list_vectors(path: Path) -> set[str]:
    """Names of the vectors a shard has room for. The engine keeps them in a file and has no call that tells them."""
    config = json.loads((path / "edge_config.json").read_text("utf-8"))
    return {*config["vectors"], *(config.get("sparse_vectors") or {})}


def create_indexes(shard: qe.EdgeShard, wanted: Mapping[str, AttributeKind]) -> None:
    """Make the payload indexes that are missing, by path."""
    there = shard.info().payload_schema
    for path in sorted(wanted.keys() - there.keys()):
        shard.update(qe.UpdateOperation.create_field_index(path, _INDEXES[wanted[path]]))


def check_disk(path: Path) -> None:
    """Refuse to write where the disk is all but full.

    Raises:
        StoreUnavailableError: with the code `disk_full`.
    """
    free = shutil.disk_usage(path).free
    if free < MIN_FREE_BYTES:
        raise StoreUnavailableError(
            f"only {free // 2**20} MiB are free on the disk of {path}; "
            f"free at least {MIN_FREE_BYTES // 2**20} MiB and run the same command again, nothing is lost",
            code="disk_full",
        )


@contextmanager
def guard_engine(path: Path) -> Iterator[None]:
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
