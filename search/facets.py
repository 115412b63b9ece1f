"""Counts beside a ranking: the values of attributes, and numbers in bins.

Counted over every item the filter lets through, which the store does, or over the first hits of the ranking. Either way
an attribute's own condition is left out of its counts, so that a shopper who chose red still sees how many blue ones
there are (the refinement list of InstantSearch). Works with a store and a manifest. Knows nothing of ranking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from search.attributes import AttributeKind
from search.errors import QueryError
from search.filters import Between, Filter, Scalar, Source
from search.item import Item
from search.manifest import Manifest
from search.query import MAX_BINS, MAX_FACET_VALUES, MAX_FACETS, Bin
from search.store import FacetCount, Store
from search.tagging import Prediction

NEAREST_ITEMS = 500
"""Hits that facets over the nearest count."""


class Described(Protocol):
    """A photo in a store, or a hit: an item, and what a classifier says of it."""

    @property
    def item(self) -> Item: ...

    @property
    def predictions(self) -> Mapping[str, Prediction]: ...


def count_facets(
    attributes: Sequence[str],
    conditions: Filter,
    store: Store,
    manifest: Manifest,
    *,
    limit: int,
    source: Source = Source.EITHER,
) -> Mapping[str, Sequence[FacetCount]]:
    """Values of each attribute by falling count of items that match the conditions.

    Args:
        source: whose values are counted of an attribute that is predicted; of another one, the merchant's.

    Raises:
        QueryError: too many attributes, or one without a set of values to count.
    """
    check_facets(attributes, manifest, limit=limit)
    return {
        attribute: store.count_facet(
            attribute,
            leave_out(conditions, attribute),
            limit=limit,
            source=choose_source(attribute, source, manifest),
        )
        for attribute in dict.fromkeys(attributes)
    }


def count_nearest(
    attributes: Sequence[str],
    conditions: Filter,
    find_items: Callable[[Filter], Sequence[Described]],
    manifest: Manifest,
    *,
    limit: int,
    source: Source = Source.EITHER,
) -> Mapping[str, Sequence[FacetCount]]:
    """Values of each attribute by falling count, then by value, among the first items of a ranking.

    Args:
        find_items: those items under a filter; asked once for all the attributes that the filter says nothing of.

    Raises:
        QueryError: too many attributes, or one without a set of values to count.
    """
    check_facets(attributes, manifest, limit=limit)
    lists: dict[Filter, Sequence[Described]] = {}
    facets = {}
    for attribute in dict.fromkeys(attributes):
        others = leave_out(conditions, attribute)
        if others not in lists:
            lists[others] = find_items(others)
        counts: Counter[Scalar] = Counter()
        for point in lists[others]:
            counts.update(set(list_values(point, attribute, choose_source(attribute, source, manifest))))
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], isinstance(pair[0], str), pair[0]))
        facets[attribute] = [FacetCount(value=_to_facet(value), count=n) for value, n in ranked[:limit]]
    return facets


def count_bins(
    histograms: Mapping[str, int], conditions: Filter, store: Store, manifest: Manifest
) -> Mapping[str, Sequence[Bin]]:
    """Items in equally wide bins of each numeric attribute, from its least value among them to its greatest.

    Raises:
        QueryError: an attribute that is not a number, or too many bins or attributes.
    """
    if len(histograms) > MAX_FACETS:
        raise QueryError(
            f"{len(histograms)} histograms are asked for; at most {MAX_FACETS} can be", pointer="/histograms"
        )
    for name, bins in histograms.items():
        if manifest.attributes.get(name) not in (AttributeKind.NUMBER, AttributeKind.INTEGER):
            kind = manifest.attributes.get(name)
            what = "is not an attribute here" if kind is None else f"is {kind.value}, not a number"
            numbers = [n for n, k in manifest.attributes.items() if k in (AttributeKind.NUMBER, AttributeKind.INTEGER)]
            raise QueryError(
                f"{name!r} {what}; histograms can be of: {', '.join(numbers) or 'nothing, there are no numbers'}",
                code="unknown_attribute",
                pointer=f"/histograms/{name}",
            )
        if not 1 <= bins <= MAX_BINS:
            raise QueryError(f"a histogram has 1 to {MAX_BINS} bins, not {bins}", pointer=f"/histograms/{name}")
    return {name: _count_bins(name, bins, leave_out(conditions, name), store) for name, bins in histograms.items()}


def _count_bins(attribute: str, bins: int, conditions: Filter, store: Store) -> list[Bin]:
    bounds = store.read_bounds(attribute, conditions)
    if bounds is None:
        return []
    least, greatest = bounds
    if least == greatest:
        bins = 1
    edges = [least + (greatest - least) * step / bins for step in range(bins)] + [greatest]
    counted = []
    for start, end in pairwise(edges):
        last = end == greatest
        inside = Between(attribute=attribute, gte=start, lt=None if last else end, lte=end if last else None)
        counted.append(Bin(start=start, end=end, count=store.count_items((*conditions, inside))))
    return counted


def check_facets(attributes: Sequence[str], manifest: Manifest, *, limit: int) -> None:
    """See that these attributes can be counted, and this many values of each.

    Raises:
        QueryError: they cannot.
    """
    if len(attributes) > MAX_FACETS:
        raise QueryError(f"{len(attributes)} facets are asked for; at most {MAX_FACETS} can be", pointer="/facets")
    if not 1 <= limit <= MAX_FACET_VALUES:
        raise QueryError(f"facet_limit is {limit}; it is 1 to {MAX_FACET_VALUES}", pointer="/facet_limit")
    for attribute in attributes:
        check_countable(attribute, manifest, "facets", pointer="/facets")


def check_countable(attribute: str, manifest: Manifest, purpose: str, *, pointer: str) -> None:
    """See that an attribute has a set of values.

    Raises:
        QueryError: it is unknown, or a number or text without one.
    """
    kind = manifest.attributes.get(attribute)
    if kind not in (AttributeKind.KEYWORD, AttributeKind.INTEGER):
        what = "is not an attribute here" if kind is None else f"is {kind.value}, it has no set of values"
        countable = ", ".join(list_facets(manifest))
        raise QueryError(
            f"{attribute!r} {what}; {purpose} can be: {countable}", code="unknown_attribute", pointer=pointer
        )


def list_facets(manifest: Manifest) -> Sequence[str]:
    """Attributes whose values can be counted."""
    return [n for n, kind in manifest.attributes.items() if kind in (AttributeKind.KEYWORD, AttributeKind.INTEGER)]


def choose_source(attribute: str, source: Source, manifest: Manifest) -> Source:
    """Whose values are meant of an attribute: the merchant's where nothing predicts it."""
    return source if attribute in manifest.list_predicted() else Source.MERCHANT


def list_values(point: Described, attribute: str, source: Source) -> tuple[Scalar, ...]:
    """A point's values of an attribute; with `Source.EITHER` the accepted labels where the merchant gave none."""
    value = point.item.attributes.get(attribute, ())
    merchant: tuple[Scalar, ...] = value if isinstance(value, tuple) else (value,)
    if source is Source.MERCHANT or (source is Source.EITHER and merchant):
        return merchant
    predicted = point.predictions.get(attribute)
    return predicted.accepted if predicted else ()


def leave_out(conditions: Filter, attribute: str) -> Filter:
    """The conditions without those on this attribute."""
    return tuple(condition for condition in conditions if condition.attribute != attribute)


def _to_facet(value: Scalar) -> str | int:
    return value if isinstance(value, (str, int)) else int(value)
