"""Counting an attribute's values where the merchant gave some of them and a classifier the others.

Works with paths and counts. Knows nothing of either engine's classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from search.attributes import AttributeKind
from search.filters import Source
from search.store import FacetCount
from search.stores.payload import attribute_path, tag_path

DEPTH = 10_000
"""How many values two counts are added up over; of fewer, the sum's first values could be other ones."""


class CountValues(Protocol):
    """An engine's count of items by value."""

    def __call__(self, path: str, *, limit: int, empty: str | None = None) -> Iterable[tuple[str | int, int]]:
        """(value, items) of the values at a path, those with most items first.

        Args:
            empty: count only items that the merchant gave no value of this attribute.
        """


def count_sources(
    attribute: str, source: Source, count: CountValues, *, kind: AttributeKind | None, limit: int
) -> list[FacetCount]:
    """Values of an attribute by falling count of items, then by value; see `search.store.Store.count_facet`."""
    path = attribute_path(attribute)
    if source is Source.MERCHANT:
        return [FacetCount(value=value, count=items) for value, items in count(path, limit=limit)]
    totals: Counter[str | int] = Counter()
    empty = attribute if source is Source.EITHER else None
    for label, items in count(tag_path(attribute), limit=DEPTH, empty=empty):
        totals[_read_label(str(label), kind)] += items
    if source is Source.EITHER:
        for value, items in count(path, limit=DEPTH):
            totals[value] += items
    ranked = sorted(totals.items(), key=lambda pair: (-pair[1], isinstance(pair[0], str), pair[0]))
    return [FacetCount(value=value, count=items) for value, items in ranked[:limit]]


def _read_label(label: str, kind: AttributeKind | None) -> str | int:
    """A label as a value of its attribute: labels are words, also those of whole numbers."""
    try:
        return int(label) if kind is AttributeKind.INTEGER else label
    except ValueError:
        return label
