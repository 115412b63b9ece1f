"""Pools made again from a feed's photos, where the cache lacks them: it was dropped, or the catalogue is older than it.

The photos are read, decoded and put through the encoders as when they were indexed; nothing is written to the store.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from indexer.ahead import map_ahead
from indexer.feed.photos import read_photo
from indexer.feed.problem import RowProblem
from indexer.pipeline import EMBED_BATCH, Rows
from search.catalogue import Catalogue
from search.embedder import Embedder, ReadyPhoto
from search.errors import InputError
from search.pools import Pools


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildCounts:
    """What became of the photos of a feed's rows.

    Attributes:
        had: photos whose pools were there already; a photo that several rows show counts here from its second time on.
        rebuilt: photos whose pools were made.
        failed: photos that cannot be read, or are refused.
        first_problem: what is wrong with the first of these; empty without.
    """

    had: int = 0
    rebuilt: int = 0
    failed: int = 0
    first_problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pooled:
    """A few photos: how many were known, what is wrong with those that failed, and the pools of the others by hash."""

    had: int
    problems: tuple[str, ...]
    pools: tuple[tuple[str, Pools], ...]


def rebuild_pools(
    feed: Rows, catalogue: Catalogue, *, workers: int = 0, progress: Callable[[RebuildCounts], None] | None = None
) -> RebuildCounts:
    """Make the pools that the catalogue's cache lacks. What was made is kept, also where the run is interrupted.

    Args:
        workers: threads that read, decode and pool; 0 for one a core.
        progress: called with the counts so far, every few photos.

    Raises:
        SetupError: with code `pools_not_writable`.
    """
    workers = workers or os.cpu_count() or 1
    known = catalogue.pool_cache.list_hashes()
    counts = RebuildCounts()
    with catalogue.pool_cache.open_writer() as writer, ThreadPoolExecutor(workers) as threads:
        groups = _group_links(feed, EMBED_BATCH)
        work = map_ahead(
            lambda links: _pool_photos(links, feed.root, catalogue.embedder, known), groups, threads, depth=2 * workers
        )
        for done in work:
            # Photos at work side by side may be one and the same.
            fresh = {sha256: pools for sha256, pools in done.pools if sha256 not in known}
            known.update(fresh)
            writer.write(list(fresh), list(fresh.values()))
            counts = replace(
                counts,
                had=counts.had + done.had + len(done.pools) - len(fresh),
                rebuilt=counts.rebuilt + len(fresh),
                failed=counts.failed + len(done.problems),
                first_problem=counts.first_problem or next(iter(done.problems), ""),
            )
            if progress is not None:
                progress(counts)
    return counts


def _group_links(feed: Rows, size: int) -> Iterator[list[str]]:
    """The photo links of usable rows, a few at a time."""
    links = _list_links(feed)
    while group := list(islice(links, size)):
        yield group


def _list_links(feed: Rows) -> Iterator[str]:
    for row in feed.rows:
        if not isinstance(row, RowProblem):
            yield from row.item.photos


def _pool_photos(links: Sequence[str], root: Path, embedder: Embedder, known: Set[str]) -> _Pooled:
    had = 0
    problems: list[str] = []
    ready: list[ReadyPhoto] = []
    for link in links:
        try:
            data = read_photo(link, root)
            if hashlib.sha256(data).hexdigest() in known:
                had += 1
            else:
                ready.append(embedder.prepare(data))
        except InputError as error:
            problems.append(f"{link}: {error.message}")
    if not ready:
        return _Pooled(had=had, problems=tuple(problems), pools=())
    pooled = embedder.pool([photo.prepared for photo in ready])
    pools = tuple(
        (photo.sha256, {name: batch[row] for name, batch in pooled.items()}) for row, photo in enumerate(ready)
    )
    return _Pooled(had=had, problems=tuple(problems), pools=pools)
