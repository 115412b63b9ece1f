"""How good a cut-off by relevance is: what it keeps, what it loses, and whether it says so where nothing is close.

Items are asked about that the calibration has not seen, four times each: as they are; under a filter by one more of
their own values; and both again with everything of their own type taken out of the gallery, where whatever is called
close is called so wrongly. Works with a store through its port. Knows nothing of how figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.calibration_report import Honesty, judge_probabilities
from indexer.rankings import Question, StoredCatalogue, draw_queries, read_vectors
from indexer.relevance import Gallery, Mark, list_values
from search.attributes import AttributeKind
from search.calibration import PAGE, Calibration
from search.calibration_curve import Floats
from search.errors import QueryError
from search.filters import AnyOf, Condition, Filter, NoneOf
from search.item import Item
from search.paging import read_points
from search.store import Leg, Store

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Values of `min_relevance` that are tried."""

PLAIN, FILTERED, HELD_OUT, FILTERED_HELD_OUT = "plain", "filtered", "held out", "filtered, held out"

_NOT_A_FILTER = frozenset({"split", "item_group_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What one `min_relevance` does to the first pages.

    Attributes:
        precision: share of the kept hits that are relevant; None where none is kept.
        recall: share of the relevant hits of the pages that are kept; None where there are none.
        close: share of questions with a hit that is kept.
        right: share of questions where that agrees with whether the gallery has anything relevant.
    """

    min_relevance: float
    kept: int
    precision: float | None
    recall: float | None
    close: float
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way to ask.

    Attributes:
        answerable: questions whose gallery holds something relevant.
        hits: on all first pages together.
        honesty: of the hits' probabilities; None without hits.
        said, true: the hits' probabilities, and whether each is relevant; shape (hits,).
        best: the best hit's probability of each question, 0 without hits; shape (questions,).
    """

    questions: int
    answerable: int
    hits: int
    honesty: Honesty | None
    levels: Sequence[Level]
    said: Floats
    true: NDArray[np.bool_]
    best: Floats

    def to_wire(self) -> dict[str, object]:
        """As JSON, without the single hits."""
        wire = asdict(self)
        return {name: value for name, value in wire.items() if name not in ("said", "true", "best")}


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoffReport:
    """What `measure_cutoff` found.

    Attributes:
        scenarios: by name.
        separation: how often the best hit of an answerable question is called more probable than that of a question
            whose own type is held out (area under the ROC curve); without a further filter, and under one.
    """

    scenarios: Mapping[str, Scenario]
    separation: Mapping[str, float | None]
    relevant: Sequence[str]
    hold_out: str
    weights: Mapping[str, float]

    def to_wire(self) -> dict[str, object]:
        """As JSON."""
        return {
            "scenarios": {name: scenario.to_wire() for name, scenario in self.scenarios.items()},
            "separation": dict(self.separation),
            "relevant": list(self.relevant),
            "hold_out": self.hold_out,
            "weights": dict(self.weights),
        }


@dataclass(slots=True)
class _Answers:
    """The first pages of one way to ask, question by question."""

    pages: list[tuple[Floats, NDArray[np.bool_]]]
    answerable: list[bool]


def measure_cutoff(
    catalogue: StoredCatalogue,
    calibration: Calibration,
    *,
    queries: Filter,
    gallery: Filter,
    max_queries: int | None = None,
    hold_out: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> CutoffReport:
    """Ask about stored items with the catalogue's own weights, and hold the hits' probabilities against the labels.

    Args:
        queries: which items are asked about; none the calibration was learnt on, or its figures flatter.
        gallery: which items can be found.
        max_queries: ask about at most this many, drawn by `seed`; None for all.
        hold_out: attribute whose values are taken out of the gallery; the first one that relevance is told by where
            None.
        progress: told (questions done, questions in all).

    Raises:
        QueryError: nothing that could be asked about, or `hold_out` is not among what relevance is told by.
    """
    relevant, manifest, store = calibration.relevant, catalogue.manifest, catalogue.store
    hold_out = hold_out or relevant[0]
    if hold_out not in relevant:
        raise QueryError(f"{hold_out!r} does not decide what is relevant; {', '.join(relevant)} do")
    weights = {name: weight for name, weight in manifest.weights.items() if weight > 0}
    curve = calibration.find_curve(weights)
    further = [
        name
        for name, kind in manifest.attributes.items()
        if kind is AttributeKind.KEYWORD and name not in relevant and name not in _NOT_A_FILTER
    ]
    shelf = Gallery((point.item for point in read_points(store, gallery)), (*relevant, *further))
    asked, _ = draw_queries(
        store,
        Question(
            relevant=relevant, grades={}, k=PAGE, queries=queries, gallery=gallery, max_queries=max_queries, seed=seed
        ),
    )
    generator = np.random.default_rng(seed)
    answers = {name: _Answers([], []) for name in (PLAIN, FILTERED, HELD_OUT, FILTERED_HELD_OUT)}
    for done, (item, vectors) in enumerate(read_vectors(store, asked, [space.name for space in manifest.spaces]), 1):
        marks = shelf.mark_relevant(item, relevant)
        legs = [Leg(space=space, vector=vectors[space], weight=weight) for space, weight in weights.items()]
        for name, (conditions, possible) in _list_ways(item, marks, hold_out, further, generator).items():
            page = _find_page(store, legs, (*gallery, *conditions), own=item.id)
            rows = shelf.find_rows([found for found, _ in page])
            true = np.array([row >= 0 and marks[None][row] for row in rows], dtype=bool)
            answers[name].pages.append((curve.measure(np.array([score for _, score in page])), true))
            answers[name].answerable.append(bool(possible.any()))
        if progress is not None:
            progress(done, len(asked))
    if not answers[PLAIN].pages:
        raise QueryError(
            "no item could be asked about: none matches the queries' filter and has every relevant attribute"
        )
    scenarios = {name: _summarise(each) for name, each in answers.items() if each.pages}
    return CutoffReport(
        scenarios=scenarios,
        separation={
            name: _separate(answers[name], answers[other])
            for name, other in ((PLAIN, HELD_OUT), (FILTERED, FILTERED_HELD_OUT))
        },
        relevant=relevant,
        hold_out=hold_out,
        weights=weights,
    )


def _list_ways(
    item: Item, marks: Mapping[str | None, Mark], hold_out: str, further: Sequence[str], generator: np.random.Generator
) -> dict[str, tuple[tuple[Condition, ...], Mark]]:
    """By name of the way: the conditions besides the gallery's, and which of the relevant rows they let through."""
    without = NoneOf(attribute=hold_out, values=list_values(item, hold_out))
    nothing = np.zeros_like(marks[None])
    ways: dict[str, tuple[tuple[Condition, ...], Mark]] = {PLAIN: ((), marks[None]), HELD_OUT: ((without,), nothing)}
    own = [name for name in further if list_values(item, name)]
    if own:
        name = own[int(generator.integers(len(own)))]
        only = AnyOf(attribute=name, values=list_values(item, name))
        ways[FILTERED] = ((only,), marks[None] & marks[name])
        ways[FILTERED_HELD_OUT] = ((only, without), nothing)
    return ways


def _find_page(store: Store, legs: Sequence[Leg], conditions: Filter, *, own: str) -> list[tuple[str, float]]:
    """(item, score) of the first page, one entry an item."""
    page: dict[str, float] = {}
    for found in store.find_nearest(legs, conditions, limit=2 * PAGE, without=[own]):
        page.setdefault(found.point.item.id, found.score)
    return list(page.items())[:PAGE]


def _summarise(answers: _Answers) -> Scenario:
    said = np.concatenate([page for page, _ in answers.pages])
    true = np.concatenate([page for _, page in answers.pages])
    best = np.array([page.max(initial=0.0) for page, _ in answers.pages])
    answerable = np.array(answers.answerable)
    return Scenario(
        questions=len(best),
        answerable=int(answerable.sum()),
        hits=len(said),
        honesty=judge_probabilities(said, true, np.ones(len(said))) if len(said) else None,
        levels=[_cut(level, said, true, best, answerable) for level in LEVELS],
        said=said,
        true=true,
        best=best,
    )


def _cut(level: float, said: Floats, true: NDArray[np.bool_], best: Floats, answerable: NDArray[np.bool_]) -> Level:
    kept, close = said >= level, best >= level
    return Level(
        min_relevance=level,
        kept=int(kept.sum()),
        precision=float(true[kept].mean()) if kept.any() else None,
        recall=float(kept[true].mean()) if true.any() else None,
        close=float(close.mean()),
        right=float((close == answerable).mean()),
    )


def _separate(answers: _Answers, held_out: _Answers) -> float | None:
    """Area under the ROC curve, ties counting half (H. Mann and D. Whitney, 1947)."""
    pages = zip(answers.pages, answers.answerable, strict=True)
    real = np.array([page.max(initial=0.0) for (page, _), possible in pages if possible])
    false = np.sort([page.max(initial=0.0) for page, _ in held_out.pages])
    if not len(real) or not len(false):
        return None
    below = np.searchsorted(false, real, side="left") + np.searchsorted(false, real, side="right")
    return float(below.mean() / (2 * len(false)))
