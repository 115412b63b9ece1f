"""How many photos of a shard fulfil a filter, and how many have each value, kept until the shard is written to.

To count what a filter lets through takes the engine as long as to search under it (3 ms on 100,000 photos, and 10 for
each attribute's values), and every page of hits says a total. One process holds a shard, so nobody else writes to it.
The caller holds the lock and guards against the engine's errors.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import qdrant_edge as qe

from search.filters import Filter
from search.stores.edge_shard import make_filter
from search.stores.payload import NO, PRIMARY

KEPT = 256
"""Numbers that are kept, and lists of values: those asked about last."""

MAX_VALUES = 2_000
"""Values of the longest list that is kept."""

Values = Sequence[tuple[str | int, int]]
"""Values, and how many photos have each."""

_Key = tuple[Filter, str | None] | None


class EdgeCounts:
    """Exact numbers of a shard's photos."""

    def __init__(self, shard: qe.EdgeShard) -> None:
        self._shard = shard
        self._kept: OrderedDict[_Key, int] = OrderedDict()
        self._values: OrderedDict[tuple[str, int, Filter, str | None], Values] = OrderedDict()

    def forget(self) -> None:
        """Count anew from now on: the shard is being written to."""
        self._kept.clear()
        self._values.clear()

    def count_items(self, conditions: Filter, lacking: str | None) -> int:
        """Number of items.

        Args:
            lacking: an attribute that the items have no value of.
        """
        if not conditions and lacking is None:
            # The few further photos are counted in a fraction of the time that all the main ones take.
            return self._count(((), None), lambda: None) - self._count_further()
        return self._count((conditions, lacking), lambda: make_filter(conditions, primary_only=True, empty=lacking))

    def count_values(self, path: str, conditions: Filter, lacking: str | None, *, limit: int) -> Values:
        """The values at a path of the payload, the commonest first.

        Args:
            lacking: an attribute that the items have no value of.
        """
        key = (path, limit, conditions, lacking)
        values = self._values.get(key)
        if values is None:
            # Where every photo is a main one, counting without that condition takes a quarter of the time.
            where = make_filter(conditions, primary_only=self._count_further() > 0, empty=lacking)
            hits = self._shard.facet(qe.FacetRequest(path, limit=limit, exact=True, filter=where)).hits
            values = [(hit.value, hit.count) for hit in hits]
            if len(values) <= MAX_VALUES:
                self._values[key] = values
                if len(self._values) > KEPT:
                    self._values.popitem(last=False)
        else:
            self._values.move_to_end(key)
        return values

    def _count_further(self) -> int:
        """How many photos there are beside the items' main ones."""
        return self._count(None, lambda: qe.Filter(must=[qe.FieldCondition(PRIMARY, match=qe.MatchAny([NO]))]))

    def _count(self, key: _Key, make_where: Callable[[], qe.Filter | None]) -> int:
        if key not in self._kept:
            self._kept[key] = self._shard.count(qe.CountRequest(exact=True, filter=make_where()))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
