"""The ranked list a query's hits are cut from: points by falling score, from one question to the store or two.

A list is asked for from its start, as deep as a page needs, so that pages join. Works with a store. Knows nothing of
pages, facets or groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from search.bm25 import WORDS
from search.color_query import rank_by_color
from search.filters import Filter
from search.item import Palette
from search.legs import Sought
from search.store import DIVERSE_DEPTH, NEAREST_DEPTH, ScoredPoint, Store

FUSED_DEPTH = 200
"""Points of each order that two orders are fused from; pages of such a list end with those."""

COLOR_DEPTH = 200
"""Points of the colour space that a question by colour alone puts in the order of their palettes, see
`search.color_query`; its pages end with those."""

RANK_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009, who found 60 to be good on all their collections)."""

SAME_SCORE = 1e-6
"""Scores that differ less are one: engines round sums of one value in ways of their own."""

PhotoName = tuple[str, int]
"""Item id and photo index."""


def find_candidates(
    sought: Sought,
    conditions: Filter,
    store: Store,
    *,
    depth: int,
    exact: bool,
    diversity: float,
    palette: Palette | None = None,
) -> tuple[list[ScoredPoint], bool]:
    """The first points of the ranking, best first, and whether there are no more of them.

    Args:
        depth: points wanted; a list of two orders comes whole, see `FUSED_DEPTH`.
        diversity: see `Store.find_nearest`.
        palette: where a colour is all that is asked for: the colours; such a list comes whole, see `COLOR_DEPTH`.
    """
    if palette is not None:
        near = store.find_nearest(sought.legs, conditions, limit=COLOR_DEPTH, exact=exact, without=sought.without)
        return order_by_palette(near, palette), True
    if sought.legs and sought.words is None:
        limit = min(depth, DIVERSE_DEPTH if diversity else NEAREST_DEPTH)
        points = store.find_nearest(
            sought.legs, conditions, limit=limit, exact=exact, without=sought.without, diversity=diversity
        )
        return list(points), len(points) < limit or limit < depth
    assert sought.words is not None
    if not sought.legs:
        limit = min(depth, NEAREST_DEPTH)
        points = store.find_words(sought.words, conditions, limit=limit, without=sought.without)
        return list(points), len(points) < limit or limit < depth
    near = store.find_nearest(sought.legs, conditions, limit=FUSED_DEPTH, exact=exact, without=sought.without)
    said = store.find_words(sought.words, conditions, limit=FUSED_DEPTH, without=sought.without)
    fused = fuse_ranks([_drop_last_tie(near), _drop_last_tie(said)], [1 - sought.words_weight, sought.words_weight])
    return _complete_parts(fused, sought, store), True


def name_photo(point: ScoredPoint) -> PhotoName:
    """Which photo a point is."""
    return point.point.item.id, point.point.photo.index


def order_points(points: Sequence[ScoredPoint]) -> list[ScoredPoint]:
    """By falling score; of equal ones the smaller id, then the earlier photo; engines give those in any order."""
    return sorted(points, key=lambda point: (-point.score, *name_photo(point)))


def order_by_palette(points: Sequence[ScoredPoint], palette: Palette) -> list[ScoredPoint]:
    """By rising difference (CIEDE2000) of a photo's palette to the one asked for; photos without one come last."""
    ordered = order_points(points)
    distances = rank_by_color([point.point.photo.palette for point in ordered], palette).tolist()
    ranked = sorted(zip(distances, ordered, strict=True), key=lambda pair: pair[0])
    return [point for _, point in ranked]


def fuse_ranks(orders: Sequence[Sequence[ScoredPoint]], weights: Sequence[float]) -> list[ScoredPoint]:
    """Weighted reciprocal rank fusion: a point's score is the sum of weight / (60 + rank) over the orders it is in.

    Points of one score have one rank, the first one's. The engines' own fusion ranks them in the order they happen to
    come in, and BM25 gives one score to every item of the same words: its answers differ from run to run.
    """
    scores: dict[PhotoName, float] = {}
    points: dict[PhotoName, ScoredPoint] = {}
    for order, weight in zip(orders, weights, strict=True):
        rank = 0
        for place, point in enumerate(order, start=1):
            if place == 1 or point.score < order[place - 2].score - SAME_SCORE:
                rank = place
            name = name_photo(point)
            scores[name] = scores.get(name, 0.0) + weight / (RANK_CONSTANT + rank)
            there = points.get(name)
            points[name] = point if there is None else replace(point, parts={**there.parts, **point.parts})
    return order_points([replace(point, score=scores[name]) for name, point in points.items()])


def _drop_last_tie(points: Sequence[ScoredPoint]) -> Sequence[ScoredPoint]:
    """The list without the points that score as its last one does, where it may have been cut among those."""
    if len(points) < FUSED_DEPTH or points[0].score == points[-1].score:
        return points
    return [point for point in points if point.score > points[-1].score]


def _complete_parts(points: Sequence[ScoredPoint], sought: Sought, store: Store) -> list[ScoredPoint]:
    """Every point with all of its parts: what one order alone has found is scored by the other's measure too."""
    names = {leg.space for leg in sought.legs} | {WORDS}
    lacking = [name_photo(point) for point in points if names - point.parts.keys()]
    parts: Mapping[PhotoName, Mapping[str, float]] = {}
    if lacking:
        parts = store.score_photos(sought.legs, sought.words, lacking)
    return [replace(point, parts={**parts.get(name_photo(point), {}), **point.parts}) for point in points]
