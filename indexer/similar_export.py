"""The neighbours of every item, for shops that precompute: many questions, one file.

    list items -> ask about each, a few at once -> a part of 256 items on disk -> ... -> one file

Works with a catalogue through its questions. Knows nothing of how a question is answered, or of the files' formats.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl

from indexer.ahead import map_ahead
from indexer.explore.labels import check_attribute
from indexer.relevance import list_values
from indexer.similar_parts import SimilarParts, check_target
from search.attributes import AttributeKind
from search.errors import NotFoundError, QueryError
from search.filters import Filter, NoneOf, Scalar, filter_to_wire
from search.manifest import Manifest
from search.paging import read_points
from search.query import MAX_LIMIT, Query, Result, like_item
from search.store import Store

FORMAT = 1
PART_ITEMS = 256
"""Items of a part, and so what a `kill -9` can cost."""

Row = tuple[object, ...]


class AskedCatalogue(Protocol):
    """What is asked of a catalogue."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def store(self) -> Store: ...

    def search(self, query: Query) -> Result: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarQuestion:
    """What is asked about every item.

    Attributes:
        k: neighbours of each, 1 to `MAX_LIMIT`; fewer where the gallery or the groups give no more.
        conditions: which items are asked about.
        gallery: what a neighbour fulfils.
        group_by: attribute whose values have one neighbour each; items that share the item's own value are none.
        weights: how much each space counts; empty for the catalogue's own.
        exact: compare with every photo rather than ask the HNSW index.
    """

    k: int = 20
    conditions: Filter = ()
    gallery: Filter = ()
    group_by: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    exact: bool = False

    def compute_digest(self) -> str:
        """Hex digits that differ wherever the question does."""
        facts = [
            FORMAT,
            PART_ITEMS,
            self.k,
            filter_to_wire(self.conditions),
            filter_to_wire(self.gallery),
            self.group_by,
            sorted(self.weights.items()),
            self.exact,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarReport:
    """What became of it.

    Attributes:
        items: items that were to be asked about.
        resumed: of those, the ones a former run had done.
        lacking: of those asked now, the ones without an embedding in any of the spaces; they have no neighbours.
        rows: of the file; 0 where the run was stopped.
        seconds: of this run.
        finished: whether the file is there.
    """

    items: int
    resumed: int
    lacking: int
    rows: int
    seconds: float
    finished: bool

    @property
    def items_per_second(self) -> float:
        """Of the items asked about in this run; 0 for one that asked nothing."""
        return (self.items - self.resumed) / self.seconds if self.finished and self.seconds else 0.0


def export_similar(
    catalogue: AskedCatalogue,
    question: SimilarQuestion,
    to: Path,
    *,
    workers: int = 1,
    restart: bool = False,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> SimilarReport:
    """Write the neighbours of every item into a file, in the store's order of items and by rank.

    The columns are `id`, `rank` (from 1), `neighbour_id`, `score`, `relevance` (null where the catalogue is not
    calibrated) and `part_SPACE` for every space that counts. Stopped or killed anywhere, the same call goes on; its
    result is that of a run in one go.

    Args:
        to: `.parquet`, `.csv` or `.jsonl`; replaced at the very end.
        workers: questions in flight at once; more than one helps where the store is another process.
        restart: forget what a former run has done.
        progress: told (items done, items in all) after every part.
        stop: asked after every part; when it says so the run ends there.

    Raises:
        QueryError: k, a weight or an attribute that makes no sense; nothing to ask about; parts of another question.
        SetupError: the file cannot be written.
        IntegrityError: the parts are damaged.
    """
    started = time.perf_counter()
    check_target(to)
    spaces = check_question(catalogue, question)
    items, state = _list_items(catalogue, question)
    # Whatever is wrong with the question is said by its first answer, before anything is written.
    _ask(catalogue, question, items[0], spaces)
    parts = SimilarParts(to, list_columns(spaces))
    if restart:
        parts.restart()
    parts.open(question.compute_digest(), state)
    batches = [items[start : start + PART_ITEMS] for start in range(0, len(items), PART_ITEMS)]
    resumed = sum(len(batch) for number, batch in enumerate(batches) if parts.has(number))
    done, lacking = resumed, 0
    finished = True
    with ThreadPoolExecutor(max(1, workers)) as threads:
        for number, batch in enumerate(batches):
            if parts.has(number):
                continue
            if stop():
                finished = False
                break
            answers = list(
                map_ahead(lambda item: _ask(catalogue, question, item, spaces), batch, threads, depth=2 * workers)
            )
            parts.write(number, [row for answer in answers for row in answer or ()])
            done, lacking = done + len(batch), lacking + answers.count(None)
            if progress is not None:
                progress(done, len(items))
    rows = parts.join(len(batches)) if finished else 0
    return SimilarReport(
        items=len(items),
        resumed=resumed,
        lacking=lacking,
        rows=rows,
        seconds=time.perf_counter() - started,
        finished=finished,
    )


def check_question(catalogue: AskedCatalogue, question: SimilarQuestion) -> tuple[str, ...]:
    """See that the question can be asked; gives the spaces whose parts are written.

    Raises:
        QueryError: k out of bounds or beyond the gallery, or an attribute that nothing can be grouped by.
    """
    manifest = catalogue.manifest
    if not 1 <= question.k <= MAX_LIMIT:
        raise QueryError(f"k is {question.k}; an item has 1 to {MAX_LIMIT} neighbours", pointer="/k")
    if question.group_by is not None:
        check_attribute(question.group_by, manifest, "/group_by", kinds=(AttributeKind.KEYWORD, AttributeKind.INTEGER))
    gallery = catalogue.store.count_items(question.gallery)
    if question.k > gallery:
        raise QueryError(
            f"k is {question.k}, and the gallery has {gallery} items; ask for fewer, or leave some of its filter out",
            code="too_few_items",
            pointer="/k",
        )
    weights = question.weights or manifest.weights
    return tuple(space.name for space in manifest.spaces if weights.get(space.name, 0) > 0)


def list_columns(spaces: Sequence[str]) -> dict[str, pl.DataType]:
    """Names and types of the file's columns."""
    plain = {"id": pl.String(), "rank": pl.Int32(), "neighbour_id": pl.String()}
    return {**plain, **{name: pl.Float32() for name in ("score", "relevance", *(f"part_{s}" for s in spaces))}}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """An item to ask about, and its own values of the attribute that neighbours are grouped by."""

    id: str
    groups: tuple[Scalar, ...]


def _list_items(catalogue: AskedCatalogue, question: SimilarQuestion) -> tuple[list[_Asked], str]:
    """The items to ask about, in the store's order, and a digest of everything an answer depends on."""
    items = [
        _Asked(id=point.item.id, groups=list_values(point.item, question.group_by) if question.group_by else ())
        for point in read_points(catalogue.store, question.conditions)
    ]
    if not items:
        raise QueryError("no item matches the filter; leave some of it out", code="no_items", pointer="/filter")
    manifest = catalogue.manifest
    spaces = [space.weights_sha256 for space in manifest.spaces]
    facts = [manifest.name_state(), spaces, sorted(manifest.weights.items())]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for point in read_points(catalogue.store):
        digest.update(json.dumps([point.item.id, point.photos_sha256, point.row_sha256, point.model]).encode())
    return items, digest.hexdigest()


def _ask(catalogue: AskedCatalogue, question: SimilarQuestion, item: _Asked, spaces: Sequence[str]) -> list[Row] | None:
    """The rows of one item; None where it has nothing to be compared by, or is not there any more."""
    try:
        hits = catalogue.search(_to_query(question, item)).hits
    except NotFoundError:
        return None
    except QueryError as error:
        if error.code != "no_embedding":
            raise
        return None
    return [
        (item.id, rank, hit.item.id, hit.score, hit.relevance, *(hit.parts.get(space) for space in spaces))
        for rank, hit in enumerate(hits, 1)
    ]


def _to_query(question: SimilarQuestion, item: _Asked) -> Query:
    conditions = question.gallery
    if question.group_by is not None and item.groups:
        conditions = (*conditions, NoneOf(attribute=question.group_by, values=item.groups))
    return Query(
        examples=like_item(item.id),
        weights=question.weights,
        conditions=conditions,
        limit=question.k,
        group_by=question.group_by,
        exact=question.exact,
    )
