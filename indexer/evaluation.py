"""How good a catalogue's answers are, measured on its own labels.

Items of one part of the catalogue are asked about, those of the other are the gallery, and a hit counts as relevant
where the shop's own attributes say so. Works with a store through its port. Knows nothing of photos, feeds or how
figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from indexer.relevance import Gallery, list_values
from indexer.retrieval_report import RetrievalReport, Row, summarise
from search.attributes import AttributeKind
from search.embedding import Embeddings
from search.errors import QueryError
from search.filters import AnyOf, Filter, NoneOf, filter_to_wire
from search.item import Item
from search.manifest import Manifest
from search.paging import read_points
from search.store import NEAREST_DEPTH, Leg, Store

FUSION = "fusion"
"""Name, among the spaces of a report, of the catalogue's default weights."""

SAMPLE = 500
"""How many items are asked about where the catalogue has no split of its own."""

_BATCH = 64


class StoredCatalogue(Protocol):
    """What is asked of a catalogue: its vectors and what they were made with."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def store(self) -> Store: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which items are asked about, and among which the answers are looked for.

    Attributes:
        max_queries: at most this many queries, drawn by a seed; None for all.
        reason: one sentence for whoever reads the figures.
    """

    queries: Filter
    gallery: Filter
    max_queries: int | None
    reason: str


def choose_split(store: Store, manifest: Manifest) -> Split:
    """Queries and gallery of a catalogue: its own `split` where that has `test` items, else a sample against all."""
    test = AnyOf(attribute="split", values=("test",))
    if manifest.attributes.get("split") is AttributeKind.KEYWORD and store.count_items((test,)):
        return Split(
            queries=(test,),
            gallery=(NoneOf(attribute="split", values=("test",)),),
            max_queries=None,
            reason="items with split=test are searched for among all others",
        )
    return Split(
        queries=(),
        gallery=(),
        max_queries=SAMPLE,
        reason=f"the catalogue has no items with split=test: {SAMPLE} items drawn by a seed are searched for among all "
        "items but themselves",
    )


def evaluate_retrieval(
    catalogue: StoredCatalogue,
    *,
    relevant: Sequence[str],
    k: int = 10,
    queries: Filter,
    gallery: Filter,
    max_queries: int | None = None,
    configurations: Mapping[str, Mapping[str, float]] | None = None,
    exact: bool = False,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> RetrievalReport:
    """Ask about stored items by their stored embeddings, and count the relevant ones among the k nearest items.

    A hit is relevant where it has all of the `relevant` attributes in common with the query; of an attribute with
    several values, one shared value is enough. An item is never its own hit, and counts once however many photos it
    has. Measures and their definitions are those of `search.metrics`; every way to weigh the spaces is asked with the
    same queries.

    Args:
        queries: which items are asked about; one that lacks a relevant attribute is skipped, and counted.
        gallery: which items can be found.
        max_queries: ask about at most this many, drawn by `seed`; None for all.
        configurations: further weights by space to measure, by a name of one's own.
        exact: compare with every photo rather than ask as users do.
        progress: told (queries done, queries in all).

    Raises:
        QueryError: an attribute or a space the catalogue does not have, or nothing that could be asked about.
    """
    manifest, store = catalogue.manifest, catalogue.store
    weighings = _list_weighings(manifest, configurations or {})
    _check_request(manifest, relevant, k)
    shelf = Gallery((point.item for point in read_points(store, gallery)), relevant)
    asked, lacking = _draw_queries(store, queries, relevant, max_queries, seed)
    gains: dict[str, list[Mapping[str | None, Row]]] = {name: [] for name in weighings}
    totals: list[int] = []
    for item, vectors in _read_vectors(store, asked, [space.name for space in manifest.spaces]):
        marks = shelf.mark_relevant(item)
        totals.append(int(marks[None].sum()))
        for name, weights in weighings.items():
            legs = [Leg(space=space, vector=vectors[space], weight=weight) for space, weight in weights.items()]
            found = shelf.find_rows(_find_items(store, legs, gallery, own=item.id, k=k, exact=exact))
            gains[name].append({attribute: _to_gains(mark, found, k) for attribute, mark in marks.items()})
        if progress is not None:
            progress(len(totals), len(asked))
    if not totals:
        raise QueryError(
            "no item could be asked about: none matches the queries' filter, has every relevant attribute"
            " and an embedding in every space; widen the filter or name other attributes"
        )
    return RetrievalReport(
        spaces={name: summarise(weighings[name], gains[name], totals, k) for name in weighings},
        queries=len(totals),
        gallery=len(shelf),
        k=k,
        relevant=tuple(relevant),
        skipped={"missing_attribute": lacking, "missing_embedding": len(asked) - len(totals)},
        without_relevant=totals.count(0),
        split={"queries": filter_to_wire(queries), "gallery": filter_to_wire(gallery)},
    )


def _list_weighings(
    manifest: Manifest, configurations: Mapping[str, Mapping[str, float]]
) -> Mapping[str, Mapping[str, float]]:
    """Weights by space of everything to measure, by name, checked against the catalogue's spaces."""
    known = [space.name for space in manifest.spaces]
    alone = {name: {name: 1.0} for name in known}
    clash = configurations.keys() & {*alone, FUSION}
    if clash:
        raise QueryError(f"{sorted(clash)} are measured anyway; give weights of your own another name")
    weighings: dict[str, Mapping[str, float]] = {**alone, FUSION: manifest.weights, **configurations}
    for name, weights in weighings.items():
        unknown = sorted(weights.keys() - set(known))
        if unknown:
            raise QueryError(f"{name} weighs {unknown}, which this catalogue does not have; its spaces are {known}")
        weighings[name] = {space: weight for space, weight in weights.items() if weight > 0}
        if not weighings[name]:
            raise QueryError(f"{name} gives no space a weight above zero; give one to at least one of {known}")
    return weighings


def _check_request(manifest: Manifest, relevant: Sequence[str], k: int) -> None:
    unknown = [name for name in relevant if name not in manifest.attributes]
    if unknown or not relevant:
        known = ", ".join(sorted(n for n, kind in manifest.attributes.items() if kind is not AttributeKind.TEXT))
        raise QueryError(
            f"relevance needs attributes of the catalogue, not {unknown or 'none'}; it has: {known}",
            code="unknown_attribute",
        )
    if not 1 <= k <= NEAREST_DEPTH:
        raise QueryError(f"k is {k}; a ranking is cut between 1 and {NEAREST_DEPTH}")


def _draw_queries(
    store: Store, conditions: Filter, relevant: Sequence[str], max_queries: int | None, seed: int
) -> tuple[Sequence[str], int]:
    """Ids of the items to ask about, in the order of their ids, and how many were passed over for want of a label."""
    labelled: list[str] = []
    lacking = 0
    for point in read_points(store, conditions):
        item = point.item
        if all(list_values(item, attribute) for attribute in relevant):
            labelled.append(item.id)
        else:
            lacking += 1
    labelled.sort()
    if max_queries is not None and len(labelled) > max_queries:
        drawn = np.random.default_rng(seed).choice(len(labelled), size=max_queries, replace=False)
        labelled = [labelled[position] for position in sorted(drawn)]
    return labelled, lacking


def _read_vectors(store: Store, ids: Sequence[str], spaces: Sequence[str]) -> Iterator[tuple[Item, Embeddings]]:
    """Each item with the embeddings of its main photo; one that lacks a space is left out."""
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        points = store.read_items(batch, spaces=spaces)
        for item_id in batch:
            point = points.get(item_id)
            if point is not None and all(space in point.vectors for space in spaces):
                yield point.item, point.vectors


def _find_items(
    store: Store, legs: Sequence[Leg], conditions: Filter, *, own: str, k: int, exact: bool
) -> Sequence[str]:
    """Ids of the k nearest items other than the query's own, nearest first; fewer where the gallery has fewer."""
    limit = k
    while True:
        points = store.find_nearest(legs, conditions, limit=limit, exact=exact, without=[own])
        ids = list(dict.fromkeys(found.point.item.id for found in points))
        if len(ids) >= k or len(points) < limit or limit == NEAREST_DEPTH:
            return ids[:k]
        limit = min(2 * limit, NEAREST_DEPTH)


def _to_gains(mark: Row, rows: Sequence[int], k: int) -> Row:
    """Which of the first k ranks hold a marked row of the gallery."""
    gains = np.zeros(k, dtype=bool)
    gains[: len(rows)] = [row >= 0 and mark[row] for row in rows]
    return gains
