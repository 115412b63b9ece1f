"""Groups without a ranking: one item for each value of an attribute, in the order of how many items have it.

The engines group a ranking but cannot turn its pages; a ranking's groups are cut from its list in `search.ranking`.
Works with a store. Knows nothing of scores.
"""

from __future__ import annotations

from search.cursor import Place
from search.filters import AnyOf
from search.query import Query
from search.store import Store, StoredPoint

MAX_GROUPS = 10_000
"""Values that are listed; of more, neither the number nor the rest is known."""

Group = tuple[str | int | None, StoredPoint]


def count_groups(query: Query, attribute: str, store: Store, total: int) -> int | None:
    """How many groups the items that the filter lets through fall into: the values of the attribute, and every item
    without one by itself. None where items have several values, as they are in the group of their first one, or where
    there are too many values to tell.
    """
    counts = store.count_facet(attribute, query.conditions, limit=MAX_GROUPS + 1)
    alone = store.count_items(query.conditions, lacking=attribute)
    if len(counts) > MAX_GROUPS or sum(count.count for count in counts) + alone != total:
        return None
    return len(counts) + alone


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
