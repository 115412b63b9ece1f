"""A query turned into hits: one an item, in one order whatever the page, and refused where it makes no sense."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.cursor import Place, digest_query, write_cursor
from search.errors import NotFoundError, QueryError
from search.filters import AnyOf, Between, Filter, NoneOf
from search.legs import choose_weights
from search.query import MAX_LIMIT, Hit, ItemExample, PhotoExample, Query, like_item, like_photo
from search.ranking import run_query
from search.store import NEAREST_DEPTH, Leg, Point, ScoredPoint, Store
from search.stores.edge import open_edge_store
from tests.contracts.memory_store import MemoryStore, matches
from tests.search.ranked_items import DIMENSIONS, MANIFEST, draw_vectors, make_points, make_store


class RestlessStore(MemoryStore):
    """Gives equal scores in another order at every call, as the engine does."""

    def find_nearest(self, legs: Sequence[Leg], conditions: Filter, **asked) -> Sequence[ScoredPoint]:
        limit = asked.pop("limit")
        points = list(super().find_nearest(legs, conditions, limit=10_000, **asked))
        random.Random(limit).shuffle(points)
        return sorted(points, key=lambda point: -point.score)[:limit]


def turn_pages(query: Query, store: Store, limit: int) -> list[Hit]:
    """Every hit, page by page; each page but the last is full."""
    hits: list[Hit] = []
    cursor = None
    while True:
        result = run_query(replace(query, limit=limit, cursor=cursor), store, MANIFEST)
        hits += result.hits
        cursor = result.next_cursor
        if cursor is None:
            assert len(result.hits) <= limit
            return hits
        assert len(result.hits) == limit


def rank_plainly(query: Query, points: Sequence[Point]) -> list[tuple[str, float]]:
    """What a query means, said once more: every item's best photo, in order."""
    (example,) = query.examples
    own = example.item_id if isinstance(example, ItemExample) else None
    if isinstance(example, PhotoExample):
        vectors = example.embeddings
    else:
        vectors = next(p.vectors for p in points if p.item.id == own and p.photo.index == 0)
    weights = choose_weights(query.weights, MANIFEST)
    best: dict[str, float] = {}
    for point in points:
        if point.item.id != own and matches(point, query.conditions):
            score = sum(weight * float(point.vectors[name] @ vectors[name]) for name, weight in weights.items())
            best[point.item.id] = max(best.get(point.item.id, -9.0), score)
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))


FILTERS = st.sampled_from(
    [
        (),
        (AnyOf(attribute="color", values=("Red",)),),
        (NoneOf(attribute="color", values=("Gold",)), Between(attribute="price", lt=15.0)),
        (AnyOf(attribute="color", values=("nothing",)),),
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    items=st.integers(1, 40),
    photos=st.integers(1, 4),
    kinds=st.sampled_from([1, 2, 5, 1_000]),
    limit=st.integers(1, 30),
    conditions=FILTERS,
    weights=st.sampled_from([{}, {"tint": 1.0}, {"shape": 0.5, "tint": 2.0}]),
    asked=st.sampled_from(["photo", "item"]),
    seed=st.integers(0, 9),
)
def test_pages_are_the_plain_ranking_cut_up(items, photos, kinds, limit, conditions, weights, asked, seed):
    points = make_points(items, photos=photos, kinds=kinds, seed=seed)
    store = make_store(points, RestlessStore)
    query = Query(conditions=conditions, weights=weights, examples=like_item(points[-1].item.id))
    if asked == "photo":
        vectors = draw_vectors(np.random.default_rng(seed + 100), 1_000)
        query = replace(query, examples=like_photo(vectors, "x"))
    hits = turn_pages(query, store, limit)
    ids = [hit.item.id for hit in hits]
    expected = rank_plainly(query, points)
    assert len(ids) == len(set(ids))
    assert {*ids} == {item_id for item_id, _ in expected}
    assert np.allclose([hit.score for hit in hits], [score for _, score in expected], atol=1e-5)
    whole = run_query(replace(query, limit=MAX_LIMIT), store, MANIFEST)
    assert [hit.item.id for hit in whole.hits] == ids
    assert whole.next_cursor is None
    assert whole.total == store.count_items(conditions)


@settings(max_examples=30, deadline=None)
@given(items=st.integers(0, 40), limit=st.integers(1, 30), conditions=FILTERS)
def test_pages_of_browsing_join_too(items, limit, conditions):
    points = make_points(items)
    store = make_store(points)
    hits = turn_pages(Query(conditions=conditions), store, limit)
    ids = [hit.item.id for hit in hits]
    assert sorted(ids) == sorted({p.item.id for p in points if matches(p, conditions)})
    assert ids == [
        hit.item.id for hit in run_query(Query(conditions=conditions, limit=MAX_LIMIT), store, MANIFEST).hits
    ]
    assert all(hit.score is None and hit.parts == {} and hit.photo.index == 0 for hit in hits)


@pytest.fixture(scope="module")
def alike() -> list[Point]:
    """A shop with a placeholder: 90 items of two looks, and 30 of their own."""
    return [*make_points(30, seed=5), *(_rename(p) for p in make_points(90, kinds=2, photos=2, seed=6))]


def _rename(point: Point) -> Point:
    return replace(point, item=replace(point.item, id=f"alike {point.item.id}"))


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory, alike: list[Point]) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("ranking")
    store = open_edge_store(folder / "shard", spaces=MANIFEST.spaces, schema=MANIFEST.attributes)
    for start in range(0, len(alike), 16):
        store.upsert(alike[start : start + 16])
    yield store
    store.close()


@pytest.mark.parametrize("weights", [{}, {"shape": 1.0}], ids=str)
@pytest.mark.parametrize("asked", ["photo", "item", "browse"])
@pytest.mark.parametrize("conditions", [(), (AnyOf(attribute="color", values=("Red", "Gold")),)], ids=["all", "some"])
def test_pages_of_the_engine_join_where_many_score_alike(edge, alike, asked, weights, conditions):
    point = next(p for p in alike if p.item.id.startswith("alike") and p.photo.index == 0)
    query = {
        "photo": Query(examples=like_photo(point.vectors, "x")),
        "item": Query(examples=like_item(point.item.id)),
        "browse": Query(),
    }[asked]
    query = replace(query, weights=weights, conditions=conditions)
    hits = turn_pages(query, edge, 7)
    ids = [hit.item.id for hit in hits]
    assert ids == [hit.item.id for hit in run_query(replace(query, limit=MAX_LIMIT), edge, MANIFEST).hits]
    if asked == "browse":
        assert sorted(ids) == sorted({p.item.id for p in alike if matches(p, conditions)})
    else:
        expected = rank_plainly(query, alike)
        assert {*ids} == {item_id for item_id, _ in expected}
        assert np.allclose([hit.score for hit in hits], [score for _, score in expected], atol=1e-5)
        assert (point.item.id in ids) == (asked == "photo" and matches(point, conditions))


def test_a_forged_place_in_a_scan_is_a_bad_cursor(edge):
    """The digest is no secret, so the place behind it can be anything."""
    digest = digest_query(Query(), choose_weights({}, MANIFEST), MANIFEST.generation)
    for after in ("zzz", "item 3", "", "0", "\x00"):
        with pytest.raises(QueryError) as caught:
            run_query(Query(cursor=write_cursor(Place(after=after), digest)), edge, MANIFEST)
        assert caught.value.code == "invalid_cursor"


def test_an_odd_item_is_not_found(edge):
    for item_id in ("nobody", "", "\ud800", "a\nb", "x" * 5_000):
        with pytest.raises(NotFoundError) as caught:
            run_query(Query(examples=like_item(item_id)), edge, MANIFEST)
        assert caught.value.code == "item_not_found"


def test_pages_end_where_the_candidates_end():
    points = make_points(NEAREST_DEPTH + 40, photos=1)
    hits = turn_pages(Query(examples=like_photo(points[0].vectors, "x")), make_store(points), 120)
    assert len(hits) == NEAREST_DEPTH
    expected = rank_plainly(Query(examples=like_photo(points[0].vectors, "x")), points)[:NEAREST_DEPTH]
    assert np.allclose([hit.score for hit in hits[:300]], [score for _, score in expected[:300]], atol=1e-5)


def test_a_hit_is_the_nearest_photo_of_its_item():
    points = make_points(20, photos=4, seed=2)
    second = next(p for p in points if p.photo.index == 2)
    result = run_query(Query(examples=like_photo(second.vectors, "x")), make_store(points), MANIFEST)
    assert result.hits[0].item == second.item
    assert result.hits[0].photo == second.photo
    assert result.hits[0].score == pytest.approx(1, abs=1e-5)
    for hit in result.hits:
        mean = sum(result.weights[name] * part for name, part in hit.parts.items())
        assert hit.score == pytest.approx(mean, abs=1e-5)
        assert set(hit.parts) == set(DIMENSIONS)
    assert all(a.score >= b.score for a, b in pairwise(result.hits))


def test_an_item_is_asked_about_by_its_main_photo_and_is_not_its_own_hit():
    points = make_points(12, photos=3, seed=4)
    item_id = next(p.item.id for p in points if p.photo.index == 2)
    hits = run_query(Query(examples=like_item(item_id), limit=50), make_store(points), MANIFEST).hits
    assert [hit.item.id for hit in hits] == [i for i, _ in rank_plainly(Query(examples=like_item(item_id)), points)]
    assert len(hits) == 11


def test_a_cursor_of_another_query_is_refused():
    points = make_points(30)
    store = make_store(points)
    queries = [
        Query(),
        Query(conditions=(AnyOf(attribute="brand", values=("Acme",)),)),
        Query(examples=like_item(points[0].item.id)),
        Query(examples=like_item(points[0].item.id), weights={"tint": 1.0}),
        Query(examples=like_photo(points[0].vectors, "x")),
        Query(examples=like_photo(points[0].vectors, "y")),
    ]
    cursors = [run_query(replace(query, limit=2), store, MANIFEST).next_cursor for query in queries]
    assert None not in cursors
    for n, query in enumerate(queries):
        for m, cursor in enumerate(cursors):
            again = replace(query, limit=3, cursor=cursor)
            if n == m:
                assert run_query(again, store, MANIFEST).hits
                continue
            with pytest.raises(QueryError) as caught:
                run_query(again, store, MANIFEST)
            assert caught.value.code == "foreign_cursor"
