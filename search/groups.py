"""Groups without a ranking: one item for each value of an attribute, in the order of how many items have it.

The engines group a ranking but cannot turn its pages; a ranking's groups are cut from its list in `search.ranking`.
Works with a store. Knows nothing of scores.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from search.cursor import Place
from search.filters import AnyOf, Filter
from search.query import Query
from search.store import Store, StoredPoint

MAX_GROUPS = 10_000
"""Values that are listed; of more, neither the number nor the rest is known."""

KEPT_S = 30.0
KEPT_COUNTS = 256

Group = tuple[str | int | None, StoredPoint]


class GroupCounter:
    """Numbers of groups, kept for a while: listing all values of an attribute takes many times what a search does.

    Safe to use from several threads. A number is counted anew as soon as the filter lets another number of items
    through; where items only changed their values, after `KEPT_S` seconds at most.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[tuple[str, Filter, int], tuple[float, int | None]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, attribute: str, conditions: Filter, total: int) -> int | None:
        """How many groups the items that the filter lets through fall into: the values of the attribute, and every item
        without one by itself. None where items have several values, as they are in the group of their first one, or
        where there are too many values to tell.

        Args:
            total: number of items the filter lets through.
        """
        key = (attribute, conditions, total)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] > self._clock():
            return kept[1]
        counts = self._store.count_facet(attribute, conditions, limit=MAX_GROUPS + 1)
        alone = self._store.count_items(conditions, lacking=attribute)
        told = len(counts) <= MAX_GROUPS and sum(count.count for count in counts) + alone == total
        groups = len(counts) + alone if told else None
        with self._lock:
            self._kept[key] = (self._clock() + KEPT_S, groups)
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT_COUNTS:
                self._kept.popitem(last=False)
        return groups


def list_groups(query: Query, attribute: str, place: Place, store: Store) -> tuple[list[Group], Place | None]:
    """One page of groups: those with most items first, then the items that have no value; and where the next starts."""
    page: list[Group] = []
    if place.after is None:
        counts = store.count_facet(attribute, query.conditions, limit=MAX_GROUPS)
        for count in counts[place.offset : place.offset + query.limit]:
            own = AnyOf(attribute=attribute, values=(count.value,))
            page.extend((count.value, point) for point in store.scan((*query.conditions, own), limit=1).points)
        if len(counts) > place.offset + query.limit:
            return page, Place(offset=place.offset + query.limit)
    left = query.limit - len(page)
    if not left:
        return page, (Place(offset=len(counts)) if store.count_items(query.conditions, lacking=attribute) else None)
    rest = store.scan(query.conditions, limit=left, after=place.after, lacking=attribute)
    page.extend((None, point) for point in rest.points)
    return page, (Place(after=rest.next_after) if rest.next_after else None)
