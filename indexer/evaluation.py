"""How good a catalogue's answers are, measured on its own labels.

Items of one part of the catalogue are asked about, those of the other are the gallery, and a hit counts as relevant
where the shop's own attributes say so. Works with a store through its port. Knows nothing of photos, feeds or how
figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from indexer.rankings import Question, StoredCatalogue, rank_items
from indexer.retrieval_report import RetrievalReport, report_on
from search.attributes import AttributeKind
from search.errors import QueryError
from search.filters import AnyOf, Filter, NoneOf
from search.manifest import Manifest
from search.store import Store

FUSION = "fusion"
"""Name, among the spaces of a report, of the catalogue's default weights."""

SAMPLE = 500
"""How many items are asked about where the catalogue has no split of its own."""


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
    grades: Mapping[str, float] | None = None,
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
        grades: how much each attribute counts in graded relevance, where a hit's grade is the sum over those it has in
            common with the query; 1 for each relevant one where not given.
        exact: compare with every photo rather than ask as users do.
        progress: told (queries done, queries in all).

    Raises:
        QueryError: an attribute or a space the catalogue does not have, or nothing that could be asked about.
    """
    question = Question(
        relevant=tuple(relevant),
        grades=dict(grades or dict.fromkeys(relevant, 1.0)),
        k=k,
        queries=queries,
        gallery=gallery,
        max_queries=max_queries,
        exact=exact,
        seed=seed,
    )
    weighings = list_weighings(catalogue.manifest, configurations or {})
    return report_on(rank_items(catalogue, question, weighings, progress=progress))


def list_weighings(
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
