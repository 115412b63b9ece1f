"""What a catalogue answers to many of its own items, with each hit marked as relevant or not by the shop's labels.

Works with a store through its port. Knows nothing of measures or of how figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.relevance import Gallery, Mark, list_values
from search.attributes import AttributeKind
from search.embedding import Embeddings
from search.errors import QueryError
from search.filters import Filter
from search.item import Item
from search.manifest import Manifest
from search.paging import read_points
from search.store import NEAREST_DEPTH, Leg, Store

_BATCH = 64

Grades = NDArray[np.float64]


class StoredCatalogue(Protocol):
    """What is asked of a catalogue: its vectors and what they were made with."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def store(self) -> Store: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a catalogue.

    Attributes:
        relevant: attributes in which a relevant hit agrees with its query, all of them.
        grades: how much each attribute counts in the grade of a hit, the sum over those in which it agrees.
        k: hits that count.
        queries: which items are asked about; one that lacks a relevant attribute is skipped, and counted.
        gallery: which items can be found.
        max_queries: ask about at most this many, drawn by `seed`; None for all.
        exact: compare with every photo rather than ask as users do.
    """

    relevant: tuple[str, ...]
    grades: Mapping[str, float]
    k: int
    queries: Filter
    gallery: Filter
    max_queries: int | None = None
    exact: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rankings:
    """The answers of a catalogue to one question.

    Attributes:
        weighings: by name, how much each space counted.
        items: the ids asked about, in order.
        gallery: number of items that could be found.
        gains: by weighing, then by attribute, whether each rank holds an item that agrees in it; under None in every
            relevant one. Shape (queries, k).
        graded: by weighing, the grade at each rank; shape (queries, k).
        totals: how many items of the gallery are relevant to each query, shape (queries,).
        ideal: the k best grades there are for each query, falling; shape (queries, k).
        lacking: items that could not be asked about for want of a relevant attribute.
        unembedded: and for want of an embedding.
    """

    question: Question
    weighings: Mapping[str, Mapping[str, float]]
    items: Sequence[str]
    gallery: int
    gains: Mapping[str, Mapping[str | None, NDArray[np.bool_]]]
    graded: Mapping[str, Grades]
    totals: NDArray[np.int64]
    ideal: Grades
    lacking: int
    unembedded: int


def rank_items(
    catalogue: StoredCatalogue,
    question: Question,
    weighings: Mapping[str, Mapping[str, float]],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Rankings:
    """Ask about every query with every weighing.

    Raises:
        QueryError: an attribute the catalogue does not have, or nothing that could be asked about.
    """
    k, store = question.k, catalogue.store
    check_relevant(catalogue.manifest, question.relevant)
    check_relevant(catalogue.manifest, tuple(question.grades))
    if not 1 <= k <= NEAREST_DEPTH:
        raise QueryError(f"k is {k}; a ranking is cut between 1 and {NEAREST_DEPTH}")
    named = tuple(dict.fromkeys((*question.relevant, *question.grades)))
    shelf = Gallery((point.item for point in read_points(store, question.gallery)), named)
    asked, lacking = draw_queries(store, question)
    rows: dict[str, list[tuple[Mapping[str | None, Mark], Grades]]] = {name: [] for name in weighings}
    items, totals, ideal = [], [], []
    for item, vectors in read_vectors(store, asked, [space.name for space in catalogue.manifest.spaces]):
        marks = shelf.mark_relevant(item, question.relevant)
        grades = sum((weight * marks[name] for name, weight in question.grades.items()), np.zeros(len(shelf)))
        items.append(item.id)
        totals.append(int(marks[None].sum()))
        ideal.append(_cut_best(grades, k))
        for name, weights in weighings.items():
            legs = [Leg(space=space, vector=vectors[space], weight=weight) for space, weight in weights.items()]
            ids = find_items(store, legs, question.gallery, own=item.id, k=k, exact=question.exact)
            found = np.array(shelf.find_rows(ids), dtype=np.int64)
            rows[name].append(({a: _pick(mark, found, k) for a, mark in marks.items()}, _pick(grades, found, k)))
        if progress is not None:
            progress(len(items), len(asked))
    if not items:
        raise QueryError(
            "no item could be asked about: none matches the queries' filter, has every relevant attribute"
            " and an embedding in every space; widen the filter or name other attributes"
        )
    return Rankings(
        question=question,
        weighings=weighings,
        items=items,
        gallery=len(shelf),
        gains={
            name: {attribute: np.array([gains[attribute] for gains, _ in each]) for attribute in (None, *named)}
            for name, each in rows.items()
        },
        graded={name: np.array([grades for _, grades in each]) for name, each in rows.items()},
        totals=np.array(totals, dtype=np.int64),
        ideal=np.array(ideal),
        lacking=lacking,
        unembedded=len(asked) - len(items),
    )


def check_relevant(manifest: Manifest, relevant: Sequence[str]) -> None:
    """See that the catalogue has the attributes relevance is told by.

    Raises:
        QueryError: it lacks one, or none is named.
    """
    unknown = [name for name in relevant if name not in manifest.attributes]
    if unknown or not relevant:
        known = ", ".join(sorted(n for n, kind in manifest.attributes.items() if kind is not AttributeKind.TEXT))
        raise QueryError(
            f"relevance needs attributes of the catalogue, not {unknown or 'none'}; it has: {known}",
            code="unknown_attribute",
        )


def draw_queries(store: Store, question: Question) -> tuple[Sequence[str], int]:
    """Ids of the items to ask about, in the order of their ids, and how many were passed over for want of a label."""
    labelled: list[str] = []
    lacking = 0
    for point in read_points(store, question.queries):
        item = point.item
        if all(list_values(item, attribute) for attribute in question.relevant):
            labelled.append(item.id)
        else:
            lacking += 1
    labelled.sort()
    if question.max_queries is not None and len(labelled) > question.max_queries:
        drawn = np.random.default_rng(question.seed).choice(len(labelled), size=question.max_queries, replace=False)
        labelled = [labelled[position] for position in sorted(drawn)]
    return labelled, lacking


def read_vectors(store: Store, ids: Sequence[str], spaces: Sequence[str]) -> Iterator[tuple[Item, Embeddings]]:
    """Each item with the embeddings of its main photo; one that lacks a space is left out."""
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        points = store.read_items(batch, spaces=spaces)
        for item_id in batch:
            point = points.get(item_id)
            if point is not None and all(space in point.vectors for space in spaces):
                yield point.item, point.vectors


def find_items(
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


def _pick(values: NDArray[Any], rows: NDArray[np.int64], k: int) -> NDArray[Any]:
    """What the first k ranks hold of the gallery's values; 0 where a rank is empty or its item came in since."""
    picked = np.zeros(k, dtype=values.dtype)
    known = rows >= 0
    picked[: len(rows)][known] = values[rows[known]]
    return picked


def _cut_best(grades: Grades, k: int) -> Grades:
    best = np.zeros(k)
    kept = -np.sort(-grades)[:k]
    best[: len(kept)] = kept
    return best
