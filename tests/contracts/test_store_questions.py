"""What every store answers beyond the nearest points: words, diverse rankings, parts of scores, what is lacking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.bm25 import WORDS, encode_question
from search.filters import AnyOf, Between
from search.item import Item
from search.store import DIVERSE_DEPTH, Store
from tests.contracts.memory_store import MemoryStore
from tests.contracts.opened_stores import SCHEMA, SPACES, legs, make_points

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

TITLES = ("red running shoes", "Red shoe", "blue dress", "running dresses, red", "a watch", "")


def fill(store: Store) -> MemoryStore:
    """Forty points in the store and in the plain reading of one."""
    points = []
    for n, point in enumerate(make_points(40, seed=3)):
        attributes = {**point.item.attributes, "title": TITLES[n % len(TITLES)]}
        points.append(replace(point, item=replace(point.item, attributes=attributes)))
    plain = MemoryStore({space.name: space.dimension for space in SPACES})
    plain.index_attributes(SCHEMA)
    for each in (store, plain):
        each.upsert(points)
    return plain


@pytest.mark.parametrize("text", ["red shoes", "DRESS", "running", "shöes watch", "item 7", "zebra"])
@pytest.mark.parametrize("conditions", [(), (AnyOf(attribute="year", values=(2001, 2003)),)], ids=["all", "some"])
def test_words_rank_by_bm25(store, text, conditions):
    plain = fill(store)
    words = encode_question(text)
    found = store.find_words(words, conditions, limit=40, without=["item 1"])
    expected = plain.find_words(words, conditions, limit=40, without=["item 1"])
    assert {p.point.item.id: p.score for p in found} == pytest.approx(
        {p.point.item.id: p.score for p in expected}, abs=1e-4
    )
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert all(p.parts == {WORDS: p.score} for p in found)


def test_words_follow_the_attributes_of_their_item(store):
    fill(store)
    words = encode_question("umbrella")
    assert store.find_words(words, (), limit=5) == []
    item = Item(id="item 3", attributes={"title": "An umbrella"}, photos=("3.jpg",))
    store.replace_attributes({"item 3": item}, {"item 3": "r"})
    assert [p.point.item.id for p in store.find_words(words, (), limit=5)] == ["item 3"]
    assert "item 3" not in {p.point.item.id for p in store.find_words(encode_question("running"), (), limit=40)}
    store.delete_items(["item 3"])
    assert store.find_words(words, (), limit=5) == []


@pytest.mark.parametrize("diversity", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("spaces", [1, 2])
def test_a_diverse_ranking_is_that_of_maximal_marginal_relevance(store, diversity, spaces):
    plain = fill(store)
    asked = legs(make_points(1, seed=9)[0])[:spaces]
    found = store.find_nearest(asked, (), limit=12, diversity=diversity)
    expected = plain.find_nearest(asked, (), limit=12, diversity=diversity)
    assert [p.point.item.id for p in found] == [p.point.item.id for p in expected]
    assert [p.score for p in found] == pytest.approx([p.score for p in expected], abs=1e-5)
    longer = store.find_nearest(asked, (), limit=30, diversity=diversity)
    assert [p.point.item.id for p in longer[:12]] == [p.point.item.id for p in found]
    assert len(store.find_nearest(asked, (), limit=DIVERSE_DEPTH, diversity=diversity)) == 40


def test_photos_are_scored_whether_or_not_they_would_be_found(store):
    plain = fill(store)
    asked, words = legs(make_points(1, seed=9)[0]), encode_question("red dress")
    photos = [("item 0", 0), ("item 5", 0), ("item 39", 0)]
    found, expected = (each.score_photos(asked, words, photos) for each in (store, plain))
    assert found.keys() == set(photos)
    for photo in photos:
        assert found[photo] == pytest.approx(expected[photo], abs=1e-4)
    assert found["item 5", 0][WORDS] == 0  # neither in its title nor among its colours
    assert store.score_photos(asked, None, photos[:1])["item 0", 0].keys() == {"shape", "color"}
    assert store.score_photos(asked, words, []) == {}


def test_items_that_lack_an_attribute_are_counted_and_listed(store):
    fill(store)
    lacking = sorted(f"item {n}" for n in (9, 19, 29, 39))
    assert store.count_items(lacking="price") == 4
    assert sorted(p.item.id for p in store.scan((), limit=40, lacking="price").points) == lacking
    some = (AnyOf(attribute="color", values=("Many",)),)
    assert store.count_items(some, lacking="price") == 0
    page = store.scan((), limit=3, lacking="price")
    rest = store.scan((), limit=3, lacking="price", after=page.next_after)
    assert sorted(p.item.id for p in (*page.points, *rest.points)) == lacking


def test_bounds_of_a_number_are_those_of_the_matching_items(store):
    fill(store)
    assert store.read_bounds("price", ()) == (0.5, 38.5)
    assert store.read_bounds("year", ()) == (2000, 2006)
    assert store.read_bounds("price", (Between(attribute="price", gt=3, lt=8),)) == (3.5, 7.5)
    assert store.read_bounds("price", (AnyOf(attribute="color", values=("nothing",)),)) is None


def test_a_vector_that_is_no_unit_scores_by_its_product(store):
    plain = fill(store)
    asked = [replace(leg, vector=np.asarray(-2.5 * leg.vector, np.float32)) for leg in legs(make_points(1, seed=9)[0])]
    found, expected = (each.find_nearest(asked, (), limit=10) for each in (store, plain))
    assert [p.point.item.id for p in found] == [p.point.item.id for p in expected]
    assert [p.score for p in found] == pytest.approx([p.score for p in expected], abs=1e-5)
    assert found[0].parts == pytest.approx(expected[0].parts, abs=1e-5)
