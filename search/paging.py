"""All there is in a store, one page after the other.

Holds a page at a time. Knows nothing of what is done with the points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from search.filters import Filter
from search.store import Page, PhotoKey, Store, StoredPoint

POINTS = 500
"""Points of a page: with their items, and the vectors that were asked for."""

PHOTOS = 4_096
"""Photos of a page, which are three short texts each."""


class ScannedStore(Protocol):
    """The one method of a store that `read_points` needs."""

    def scan(self, conditions: Filter, *, limit: int, after: str | None = None, spaces: Sequence[str] = ()) -> Page: ...


def read_points(store: ScannedStore, conditions: Filter = (), *, spaces: Sequence[str] = ()) -> Iterator[StoredPoint]:
    """Every matching item's main photo, in the store's order."""
    after: str | None = None
    while True:
        page = store.scan(conditions, limit=POINTS, after=after, spaces=spaces)
        yield from page.points
        if (after := page.next_after) is None:
            return


def read_photos(store: Store) -> Iterator[PhotoKey]:
    """Every photo of every item, in the store's order."""
    after: str | None = None
    while True:
        page = store.list_photos(limit=PHOTOS, after=after)
        yield from page.photos
        if (after := page.next_after) is None:
            return
