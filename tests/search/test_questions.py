"""Questions of several parts on a plain store: words, signs, groups, counts and repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.bm25 import WORDS
from search.color_query import read_color_example
from search.errors import QueryError
from search.filters import AnyOf
from search.item import Item, PhotoRecord
from search.manifest import Manifest
from search.query import FacetsOver, ItemExample, PhotoExample, Query, TextExample, like_item
from search.ranking import run_query
from search.store import Point
from search.suggestions import Vocabulary
from tests.contracts.memory_store import MemoryStore
from tests.search.ranked_items import MANIFEST, make_points, make_store

POINTS = make_points(30, photos=1, seed=2)
STORE = make_store(POINTS)


class Certain:
    """A calibration by which a score is its own probability."""

    knows_text = True

    def measure(self, score: float, _weights: object) -> float:
        return max(0.0, min(1.0, score))

    def measure_text(self, score: float) -> float:
        return max(0.0, min(1.0, score))


def photo(place: int, weight: float = 1.0) -> PhotoExample:
    return PhotoExample(embeddings=POINTS[place].vectors, sha256=f"{place}", weight=weight)


def test_words_alone_find_what_has_them_and_say_that_words_are_all():
    result = run_query(Query(examples=(TextExample(text="acme red"),), limit=30), STORE, MANIFEST)
    assert result.hits[0].item.attributes["brand"] == "Acme"
    assert result.hits[0].parts.keys() == {WORDS}
    assert result.hits[0].score == result.hits[0].parts[WORDS]
    assert [note.code for note in result.notes] == ["no_text_encoder"]
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert len(result.hits) < 30  # what has neither word is no hit


def test_a_photo_and_words_are_fused_and_weights_move_them():
    examples = (photo(3), TextExample(text="borea"))
    near = run_query(Query(examples=examples[:1], limit=5), STORE, MANIFEST).hits
    fused = run_query(Query(examples=examples, limit=30), STORE, MANIFEST).hits
    assert {WORDS, "shape", "tint"} == fused[0].parts.keys()
    picture = run_query(Query(examples=examples, weights={"shape": 3, "tint": 1, "words": 0}, limit=5), STORE, MANIFEST)
    assert [hit.item.id for hit in picture.hits] == [hit.item.id for hit in near]
    said = run_query(Query(examples=examples, weights={"words": 1e6}, limit=5), STORE, MANIFEST).hits
    assert {hit.item.attributes["brand"] for hit in said} == {"Borea"}


def test_a_text_in_the_spaces_of_photos_is_asked_like_a_photo():
    text = TextExample(text="zzz", embeddings={name: 3 * vector for name, vector in POINTS[7].vectors.items()})
    hits = run_query(Query(examples=(text,), weights={"shape": 1, "words": 0}, limit=3), STORE, MANIFEST).hits
    assert hits[0].item == POINTS[7].item
    assert hits[0].parts == pytest.approx({"shape": 3.0, "tint": 3.0}, abs=1e-5)
    against = run_query(Query(examples=(replace(text, weight=-1.0),), limit=30), STORE, MANIFEST).hits
    assert against[-1].item == POINTS[7].item


def test_weights_of_examples_only_count_beside_each_other():
    one = run_query(Query(examples=(photo(0, 1.0), photo(1, -0.5)), limit=30), STORE, MANIFEST).hits
    other = run_query(Query(examples=(photo(0, 4.0), photo(1, -2.0)), limit=30), STORE, MANIFEST).hits
    assert [hit.item.id for hit in one] == [hit.item.id for hit in other]
    assert [hit.score for hit in one] == pytest.approx([hit.score for hit in other], abs=1e-6)
    expected = {
        point.item.id: sum(
            weight * float(point.vectors[name] @ (POINTS[0].vectors[name] - 0.5 * POINTS[1].vectors[name])) / 1.5
            for name, weight in (("shape", 0.75), ("tint", 0.25))
        )
        for point in POINTS
    }
    assert {hit.item.id: hit.score for hit in one} == pytest.approx(expected, abs=1e-5)


def test_groups_have_one_hit_each_and_a_true_number():
    query = Query(examples=(photo(0),), group_by="brand", limit=30)
    result = run_query(query, STORE, MANIFEST)
    assert [hit.group for hit in result.hits] == ["Acme", "Borea"] or [hit.group for hit in result.hits] == [
        "Borea",
        "Acme",
    ]
    assert result.groups == 2
    assert run_query(replace(query, group_by="color"), STORE, MANIFEST).groups is None  # some items have two colours
    browsed = run_query(Query(group_by="year", limit=30), STORE, MANIFEST)
    assert sorted(hit.group for hit in browsed.hits) == [2010, 2011, 2012, 2013]
    assert browsed.groups == 4


def test_items_without_a_group_are_each_their_own():
    points = [
        replace(point, item=replace(point.item, attributes={"brand": "Acme"} if n < 5 else {}))
        for n, point in enumerate(POINTS)
    ]
    store = make_store(points)
    for examples in ((), (photo(0),)):
        hits, cursor = [], None
        while True:
            query = Query(examples=examples, group_by="brand", limit=4, cursor=cursor)
            result = run_query(query, store, MANIFEST)
            hits.extend(hit.item.id for hit in result.hits)
            cursor = result.next_cursor
            if cursor is None:
                break
        assert len(hits) == len(set(hits)) == 26
        assert result.groups == 26


def test_facets_over_the_nearest_count_the_ranking():
    near = Query(examples=(photo(0),), facets=("brand",), facets_over=FacetsOver.NEAREST, min_relevance=0.5, limit=30)
    result = run_query(near, STORE, MANIFEST, Certain())
    assert sum(count.count for count in result.facets["brand"]) == len(result.hits) < 30
    own = AnyOf(attribute="brand", values=("Acme",))
    disjunctive = run_query(replace(near, conditions=(own,)), STORE, MANIFEST, Certain())
    assert disjunctive.facets == result.facets


def test_nothing_close_is_an_answer():
    query = Query(examples=(photo(0),), min_relevance=0.5, limit=30)
    result = run_query(query, STORE, MANIFEST, Certain())
    assert result.close is True
    assert result.next_cursor is None
    assert all(hit.relevance is not None and hit.relevance >= 0.5 for hit in result.hits)
    far = Query(examples=(photo(0, -1.0),), limit=5)
    with pytest.raises(QueryError) as caught:
        run_query(replace(far, min_relevance=0.5), STORE, MANIFEST, Certain())
    assert caught.value.code == "not_calibrated"
    rest = AnyOf(attribute="title", values=(run_query(far, STORE, MANIFEST).hits[0].item.attributes["title"],))
    nothing = run_query(replace(query, conditions=(rest,)), STORE, MANIFEST, Certain())
    assert (nothing.hits, nothing.close, nothing.total) == ([], False, 1)


def test_a_photo_that_repeats_a_better_one_is_left_out_on_request():
    records = [
        replace(
            POINTS[n],
            photo=replace(
                POINTS[n].photo, phash="00000000000000ff" if n < 3 else f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}"
            ),
        )
        for n in range(30)
    ]
    same = [replace(point, vectors=POINTS[0].vectors) if n < 3 else point for n, point in enumerate(records)]
    store = make_store(same)
    query = Query(examples=(photo(0),), limit=30)
    assert len(run_query(query, store, MANIFEST).hits) == 30
    collapsed = run_query(replace(query, collapse_duplicates=True), store, MANIFEST).hits
    assert len(collapsed) == 28
    assert sum(hit.item.id in {same[n].item.id for n in range(3)} for hit in collapsed) == 1


def test_a_color_is_ranked_by_palettes_and_kept_within_its_tolerance():
    colors = ("#c05755", "#c86058", "#3050a0", "#f0f0f0")
    space = replace(MANIFEST.spaces[1], name="color", dimension=249)
    manifest = Manifest(spaces=(space,), weights={"color": 1.0}, attributes=MANIFEST.attributes)
    store = MemoryStore({"color": 249})
    store.upsert(
        [
            Point(
                item=Item(id=color, attributes={}, photos=("a.jpg",)),
                photo=PhotoRecord(index=0, link="a.jpg", sha256=color, width=9, height=9, palette=((color, 1.0),)),
                vectors=dict(read_color_example(color).embeddings),
                photos_sha256="p",
                row_sha256="r",
            )
            for color in colors
        ]
    )
    query = Query(examples=(read_color_example("#c86058"),))
    hits = run_query(query, store, manifest).hits
    assert [hit.item.id for hit in hits][:2] == ["#c86058", "#c05755"]
    assert hits[0].parts == pytest.approx({"color": 1.0}, abs=1e-5)
    assert hits[0].delta_e == pytest.approx(0, abs=1e-6)
    near = run_query(replace(query, tolerance=10.0), store, manifest).hits
    assert [hit.item.id for hit in near] == ["#c86058", "#c05755"]


def test_hits_that_differ_are_chosen_by_vectors_and_words_say_so():
    both = Query(examples=(photo(3), TextExample(text="borea")), diversity=0.5, limit=10)
    picture = replace(both, examples=both.examples[:1])
    result = run_query(both, STORE, MANIFEST)
    assert [hit.item.id for hit in result.hits] == [hit.item.id for hit in run_query(picture, STORE, MANIFEST).hits]
    assert [note.code for note in result.notes] == ["no_text_encoder", "words_left_out"]
    words = run_query(replace(both, examples=both.examples[1:]), STORE, MANIFEST)
    assert words.hits
    assert [note.code for note in words.notes] == ["no_text_encoder", "no_diversity"]


def test_bad_examples_are_refused():
    for examples, code in (
        ((photo(0, float("nan")),), "invalid_query"),
        ((photo(0, 0.0),), "invalid_query"),
        ((TextExample(text="the"),), "empty_text"),
        ((TextExample(text="red", weight=-1.0),), "no_text_encoder"),
        (tuple(photo(n % 30) for n in range(65)), "invalid_query"),
        ((PhotoExample(embeddings={"other": np.ones(2, np.float32)}, sha256="x"),), "no_embedding"),
    ):
        with pytest.raises(QueryError) as caught:
            run_query(Query(examples=examples), STORE, MANIFEST)
        assert caught.value.code == code


def test_an_item_asked_about_is_no_hit_whatever_its_sign():
    one, two = POINTS[0].item.id, POINTS[1].item.id
    query = Query(examples=(*like_item(one), ItemExample(item_id=two, weight=-0.5)), limit=30)
    assert {one, two}.isdisjoint(hit.item.id for hit in run_query(query, STORE, MANIFEST).hits)


def test_words_offer_filters_whole_values_before_others():
    vocabulary = Vocabulary(STORE)
    offered = vocabulary.suggest_filters("reds by ACME", MANIFEST)
    assert [(each.attribute, each.values, each.whole) for each in offered] == [
        ("color", ("Red",), True),
        ("brand", ("Acme",), True),
    ]
    assert vocabulary.suggest_filters("the", MANIFEST) == []
    assert vocabulary.suggest_filters("umbrella", MANIFEST) == []
