"""Bulk indexing: rows in, points out, and a report.

    read rows -> hash photos (workers) -> skip what is unchanged (one question a batch)
      -> decode, prepare, embed and tag a small batch (each worker its own) -> write a larger batch -> journal

Each arrow is a generator that takes from the one before it, so that memory holds a window of the feed however long it
is, and a run that is stopped anywhere has lost only what it had not written yet. A row that cannot be used becomes a
problem in the report, never an exception. Pools are kept on the way, in larger pieces than the points: a run that is
killed may lose some of them, which can be made again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from indexer.ahead import map_ahead
from indexer.feed.photos import read_photo
from indexer.feed.problem import RowProblem
from indexer.feed.row import FeedRow
from indexer.journal import Journal
from indexer.report import IndexReport, Tally, open_tally
from search.attributes import PHOTO_COLUMNS
from search.catalogue import Catalogue
from search.embedder import ReadyPhoto
from search.errors import InputError
from search.item import PhotoRecord, compute_fingerprint
from search.pool_cache import PoolWriter
from search.pools import Pools
from search.store import Point

R = TypeVar("R")

QUESTION_BATCH = 64
"""Rows asked about at once: are they in the store already, just so?"""

EMBED_BATCH = 4
"""Photos through the network at once. Every worker runs whole batches on one thread: two of them side by side are a
quarter faster on two cores than one pass spread over both, which waits for the slower half at every layer."""

WRITE_BATCH = 32
"""Photos written at once, and so what a `kill -9` can cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A feed as the pipeline takes it: what it is called, where its photo links start, and its rows."""

    name: str
    root: Path
    rows: Iterable[FeedRow | RowProblem]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A row and the links of its photos that could be read; `known` once the store has said that it holds the item."""

    row: FeedRow
    links: tuple[str, ...]
    problems: tuple[RowProblem, ...]
    photos_sha256: str
    row_sha256: str
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Embedded:
    """A row whose photos are embedded: a point for each that could be decoded, and its pools."""

    read: _Read
    points: tuple[Point, ...]
    pools: tuple[Pools, ...]
    problems: tuple[RowProblem, ...]


def index_rows(
    feed: Rows,
    catalogue: Catalogue,
    *,
    journal: Journal,
    reports: Path,
    workers: int = 0,
    progress: Callable[[Tally], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> IndexReport:
    """Index every row of a feed.

    Args:
        reports: folder that gets a file of problems, named by the run's number.
        workers: threads that read, decode and embed; 0 for one a core.
        progress: called after every batch with the counts so far.
        stop: asked after every batch; when it says so the run ends there, and the same command goes on later.
    """
    started = time.perf_counter()
    run = journal.start_run(feed.name)
    state = "failed"
    problems_file = reports / f"{run:04d}.jsonl"
    try:
        workers = workers or os.cpu_count() or 1
        with open_tally(problems_file) as tally, ThreadPoolExecutor(workers) as threads:
            step = _Step(journal, run, tally, progress, stop)
            with catalogue.pool_cache.open_writer() as pools:
                finished = _run(feed, catalogue, pools, tally, threads, workers, step)
            if tally.counts["indexed"]:
                catalogue.store.optimize()
        state = "finished" if finished else "stopped"
    finally:
        journal.end_run(run, state)
    return tally.to_report(seconds=time.perf_counter() - started, problems_file=problems_file, finished=finished)


class _Step:
    """What happens after every batch; says whether to go on."""

    def __init__(
        self,
        journal: Journal,
        run: int,
        tally: Tally,
        progress: Callable[[Tally], None] | None,
        stop: Callable[[], bool],
    ) -> None:
        self._journal = journal
        self._run = run
        self._tally = tally
        self._progress = progress
        self._stop = stop

    def __call__(self) -> bool:
        self._journal.note_progress(self._run, self._tally.counts)
        if self._progress is not None:
            self._progress(self._tally)
        return not self._stop()


def _run(
    feed: Rows,
    catalogue: Catalogue,
    pools: PoolWriter,
    tally: Tally,
    threads: ThreadPoolExecutor,
    workers: int,
    step: _Step,
) -> bool:
    """The pipeline itself; says whether it got to the feed's end."""
    rows = _take_rows(feed, tally)
    read = map_ahead(lambda row: _hash_photos(row, feed.root), rows, threads, depth=2 * QUESTION_BATCH)
    changed = _skip_unchanged(read, catalogue, tally, step)
    groups = _group_rows(changed, EMBED_BATCH, lambda read: len(read.links))
    embedded = map_ahead(lambda group: _embed_rows(group, feed.root, catalogue), groups, threads, depth=2 * workers)
    usable = _take_usable((row for group in embedded for row in group), tally)
    for batch in _group_rows(usable, WRITE_BATCH, lambda row: len(row.points)):
        _write_rows(batch, catalogue, pools, tally)
        if not step():
            return False
    return step()


def _take_rows(feed: Rows, tally: Tally) -> Iterator[FeedRow]:
    for row in feed.rows:
        tally.counts["read"] += 1
        if isinstance(row, RowProblem):
            tally.note(row, fails_row=True)
        else:
            yield row


def _hash_photos(row: FeedRow, root: Path) -> _Read:
    """Photos are read once to be hashed and, where they are new, once more to be decoded: a window of large photos
    would not fit in memory, and the second time they come from the system's cache."""
    links: list[str] = []
    hashes: list[str] = []
    problems: list[RowProblem] = []
    for link in row.item.photos:
        try:
            hashes.append(hashlib.sha256(read_photo(link, root)).hexdigest())
            links.append(link)
        except InputError as error:
            problems.append(_to_problem(row, link, error.code, error.message))
    photos_sha256, row_sha256 = compute_fingerprint(row.item, tuple(hashes))
    return _Read(
        row=row,
        links=tuple(links),
        problems=tuple(problems),
        photos_sha256=photos_sha256,
        row_sha256=row_sha256,
    )


def _skip_unchanged(rows: Iterable[_Read], catalogue: Catalogue, tally: Tally, step: _Step) -> Iterator[_Read]:
    """Let through the rows that need embedding; count the others, and write new attributes where only those changed."""
    for batch in _group_rows(rows, QUESTION_BATCH, lambda _: 1):
        known = catalogue.store.read_fingerprints([read.row.item.id for read in batch])
        attributes: dict[str, _Read] = {}
        for read in batch:
            for problem in read.problems:
                tally.note(problem, fails_row=not read.links and problem is read.problems[0])
            before = known.get(read.row.item.id)
            if not read.links:
                continue
            if before == (read.photos_sha256, read.row_sha256):
                tally.counts["unchanged"] += 1
            elif before is not None and before[0] == read.photos_sha256:
                attributes[read.row.item.id] = read
            else:
                yield replace(read, known=before is not None)
        if attributes:
            items = {item_id: read.row.item for item_id, read in attributes.items()}
            catalogue.store.replace_attributes(items, {i: read.row_sha256 for i, read in attributes.items()})
            tally.counts["updated"] += len(attributes)
        # A batch without anything new ends here; the others end when they are written.
        if len(known) == len(batch) and not step():
            return


def _embed_rows(rows: Sequence[_Read], root: Path, catalogue: Catalogue) -> list[_Embedded]:
    """Decode, keep thumbnails, and embed all the rows' photos in one pass."""
    decoded = [_decode_photos(read, root, catalogue) for read in rows]
    embedded = iter(catalogue.embedder.embed([photo.prepared for photos, _ in decoded for _, photo in photos]))
    done = []
    for read, (photos, problems) in zip(rows, decoded, strict=True):
        own = list(islice(embedded, len(photos)))
        points = tuple(
            Point(
                item=read.row.item,
                photo=to_record(index, link, photo),
                vectors=each.embeddings,
                photos_sha256=read.photos_sha256,
                row_sha256=read.row_sha256,
                tagging=each.tagging,
            )
            for index, ((link, photo), each) in enumerate(zip(photos, own, strict=True))
        )
        pools = tuple(each.pools for each in own)
        done.append(_Embedded(read=read, points=points, pools=pools, problems=tuple(problems)))
    return done


def _decode_photos(
    read: _Read, root: Path, catalogue: Catalogue
) -> tuple[list[tuple[str, ReadyPhoto]], list[RowProblem]]:
    photos: list[tuple[str, ReadyPhoto]] = []
    problems: list[RowProblem] = []
    for link in read.links:
        try:
            ready = catalogue.embedder.prepare(read_photo(link, root))
        except InputError as error:
            problems.append(_to_problem(read.row, link, error.code, f"{link}: {error.message}"))
            continue
        catalogue.thumbnails.write(ready.sha256, ready.thumbnail)
        photos.append((link, ready))
    return photos, problems


def _take_usable(rows: Iterable[_Embedded], tally: Tally) -> Iterator[_Embedded]:
    """Let through the rows with a photo that could be embedded; note every problem."""
    for row in rows:
        for problem in row.problems:
            tally.note(problem, fails_row=not row.points and problem is row.problems[0])
        if row.points:
            yield row


def _write_rows(rows: Sequence[_Embedded], catalogue: Catalogue, pools: PoolWriter, tally: Tally) -> None:
    """Write; photos that an item no longer has go first, so that its old fingerprint stays until the end."""
    for row in rows:
        if row.read.known:
            catalogue.store.delete_photos_from(row.read.row.item.id, len(row.points))
    points = [point for row in rows for point in row.points]
    catalogue.store.upsert(points)
    pools.write([point.photo.sha256 for point in points], [each for row in rows for each in row.pools])
    tally.counts["indexed"] += len(rows)
    tally.counts["photos"] += len(points)


def to_record(index: int, link: str, photo: ReadyPhoto) -> PhotoRecord:
    """What is kept of a photo beside its embeddings."""
    return PhotoRecord(
        index=index,
        link=link,
        sha256=photo.sha256,
        width=photo.width,
        height=photo.height,
        palette=photo.palette,
        phash=photo.phash,
    )


def _to_problem(row: FeedRow, link: str, code: str, message: str) -> RowProblem:
    field = PHOTO_COLUMNS[min(row.item.photos.index(link), 1)]
    return RowProblem(row=row.row, id=row.item.id, field=field, code=code, message=message)


def _group_rows(rows: Iterable[R], photos: int, count_photos: Callable[[R], int]) -> Iterator[list[R]]:
    """Rows in groups of at least this many photos, the last one of what is left."""
    group: list[R] = []
    gathered = 0
    for row in rows:
        group.append(row)
        gathered += count_photos(row)
        if gathered >= photos:
            yield group
            group, gathered = [], 0
    if group:
        yield group
