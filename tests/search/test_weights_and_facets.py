"""What a query may ask for beside hits: weights, counts and page sizes, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.embedding import Space
from search.errors import QueryError
from search.facets import count_facets, list_facets
from search.filters import AnyOf, NoneOf, Source
from search.legs import choose_weights
from search.manifest import ClassifierRecord, PredictedAttribute
from search.query import MAX_FACET_VALUES, MAX_FACETS, MAX_LIMIT, Query, like_item
from search.ranking import run_query
from search.tagging import Prediction, Tagging
from tests.contracts.memory_store import matches
from tests.search.ranked_items import MANIFEST, make_points, make_store


@given(
    st.dictionaries(st.sampled_from(["shape", "tint"]), st.floats(0, 1e6, exclude_min=True), min_size=1),
)
def test_weights_sum_to_one_and_keep_their_proportion(asked):
    weights = choose_weights(asked, MANIFEST)
    assert math.fsum(weights.values()) == pytest.approx(1)
    assert set(weights) == set(asked)
    if len(asked) == 2:
        assert weights["shape"] * asked["tint"] == pytest.approx(weights["tint"] * asked["shape"], rel=1e-9, abs=1e-300)


def test_weights_are_the_catalogues_own_where_none_are_asked_for():
    assert choose_weights({}, MANIFEST) == {"shape": 0.75, "tint": 0.25}
    assert choose_weights({"tint": 5, "shape": 0}, MANIFEST) == {"tint": 1.0}
    result = run_query(Query(weights={"tint": 5, "shape": 0}), make_store(make_points(2)), MANIFEST)
    assert result.weights == {}  # nothing was compared


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"shapes": 1.0}, "/weights/shapes"),
        ({"shape": math.nan}, "/weights/shape"),
        ({"shape": math.inf}, "/weights/shape"),
        ({"shape": -0.1, "tint": 1.0}, "/weights/shape"),
        ({"shape": 1e7}, "/weights/shape"),
        ({"shape": 0.0}, "/weights"),
        ({"shape": 0.0, "tint": 0.0}, "/weights"),
    ],
)
def test_weights_that_make_no_sense_are_refused(asked, pointer):
    with pytest.raises(QueryError) as caught:
        run_query(Query(weights=asked), make_store(make_points(2)), MANIFEST)
    assert caught.value.pointer == pointer


def test_an_unknown_space_names_those_there_are():
    with pytest.raises(QueryError, match="shape, tint") as caught:
        choose_weights({"resnet50": 1.0}, MANIFEST)
    assert caught.value.code == "unknown_space"


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1])
def test_a_page_has_limits(limit):
    with pytest.raises(QueryError) as caught:
        run_query(Query(limit=limit), make_store([]), MANIFEST)
    assert caught.value.pointer == "/limit"


def test_a_facet_leaves_out_its_own_condition_and_no_other():
    points = make_points(40)
    store = make_store(points)
    red, acme = AnyOf(attribute="color", values=("Red",)), AnyOf(attribute="brand", values=("Acme",))
    result = run_query(Query(conditions=(red, acme), facets=("color", "brand", "year", "color")), store, MANIFEST)
    assert list(result.facets) == ["color", "brand", "year"]
    mains = {p.item.id: p for p in points}.values()

    def count(attribute: str, *conditions) -> dict:
        counts: dict = {}
        for point in mains:
            value = point.item.attributes[attribute]
            for each in value if isinstance(value, tuple) else (value,):
                counts[each] = counts.get(each, 0) + matches(point, conditions)
        return {value: number for value, number in counts.items() if number}

    assert {c.value: c.count for c in result.facets["color"]} == count("color", acme)
    assert {c.value: c.count for c in result.facets["brand"]} == count("brand", red)
    assert {c.value: c.count for c in result.facets["year"]} == count("year", red, acme)
    assert result.total == sum(matches(point, (red, acme)) for point in mains)


@pytest.mark.parametrize(
    ("facets", "limit", "pointer"),
    [
        (["colour"], 5, "/facets"),
        (["title"], 5, "/facets"),
        (["price"], 5, "/facets"),
        (["color"] * (MAX_FACETS + 1), 5, "/facets"),
        (["color"], 0, "/facet_limit"),
        (["color"], MAX_FACET_VALUES + 1, "/facet_limit"),
    ],
)
def test_facets_that_make_no_sense_are_refused(facets, limit, pointer):
    with pytest.raises(QueryError) as caught:
        count_facets(facets, (), make_store([]), MANIFEST, limit=limit)
    assert caught.value.pointer == pointer


def test_what_can_be_counted_is_named():
    assert list_facets(MANIFEST) == ["color", "brand", "year"]
    with pytest.raises(QueryError, match="color, brand, year"):
        count_facets(["price"], (), make_store([]), MANIFEST, limit=5)
    assert count_facets([], (), make_store([]), MANIFEST, limit=5) == {}


CLASSIFIER = Space(name="classifier", dimension=2, weights_sha256="c" * 64, trained=True)
TAGGED = replace(
    MANIFEST,
    spaces=(*MANIFEST.spaces, CLASSIFIER),
    weights={**MANIFEST.weights, "classifier": 4.0},
    classifier=ClassifierRecord(
        version="c" * 8,
        weights_sha256="c" * 64,
        attributes={"color": PredictedAttribute(labels=("Red", "Rosé"), multi_valued=False)},
    ),
)


def make_tagged_store():
    """20 items; half of them have no colour of the merchant's, all of those and some others are tagged Rosé."""
    points = make_points(20, photos=1)
    bare = {f"item {n}" for n in range(0, 20, 2)}
    for place, point in enumerate(points):
        kept = {n: v for n, v in point.item.attributes.items() if n != "color" or point.item.id not in bare}
        points[place] = replace(point, item=replace(point.item, attributes=kept))
    store = make_store(points)
    store.prepare_space(CLASSIFIER)
    rose = Tagging(
        vector=np.array([0, 1], dtype=np.float32),
        predictions={"color": Prediction(values=(("Rosé", 0.8), ("Red", 0.1)), accepted=("Rosé",))},
        out_of_catalogue=0.0,
        model="c" * 8,
    )
    tagged = {*bare, "item 1", "item 3", "item 5"}
    store.write_taggings({(item_id, 0): rose for item_id in tagged}, CLASSIFIER)
    store.use_spaces(TAGGED.spaces)
    return store, rose


def test_facets_count_the_source_asked_for_where_there_are_predictions():
    store, _ = make_tagged_store()

    def count(source: Source, manifest=TAGGED, **asked) -> dict:
        result = run_query(Query(facets=("color", "brand"), source=source, **asked), store, manifest)
        assert sum(c.count for c in result.facets["brand"]) == result.total  # whatever the source
        return {c.value: c.count for c in result.facets["color"]}

    merchant = count(Source.MERCHANT)
    assert "Rosé" not in merchant
    assert count(Source.PREDICTED) == {"Rosé": 13}
    assert count(Source.EITHER) == {**merchant, "Rosé": 10}
    assert count(Source.EITHER, MANIFEST) == merchant  # the same store, before the manifest knows of a classifier
    own = NoneOf(attribute="color", values=("Rosé",), source=Source.EITHER)
    assert count(Source.EITHER, conditions=(own,)) == {**merchant, "Rosé": 10}
    facets = count_facets(["color"], (), store, TAGGED, limit=1)
    assert [(c.value, c.count) for c in facets["color"]] == [("Rosé", 10)]


def test_hits_say_what_was_predicted():
    store, rose = make_tagged_store()
    condition = AnyOf(attribute="color", values=("Rosé",), source=Source.PREDICTED)
    for query in (Query(), Query(examples=like_item("item 0")), Query(conditions=(condition,))):
        hits = run_query(query, store, TAGGED).hits
        assert hits
        for hit in hits:
            tagged = int(hit.item.id[5:]) % 2 == 0 or hit.item.id in ("item 1", "item 3", "item 5")
            assert hit.predictions == (rose.predictions if tagged else {})
            assert tagged or query.conditions == ()


def test_an_item_without_an_embedding_in_a_space_is_asked_about_in_the_others():
    store, _ = make_tagged_store()
    assert run_query(Query(examples=like_item("item 0")), store, TAGGED).weights == {
        "shape": 0.375,
        "tint": 0.125,
        "classifier": 0.5,
    }
    result = run_query(Query(examples=like_item("item 7"), limit=50), store, TAGGED)
    assert result.weights == pytest.approx({"shape": 0.75, "tint": 0.25})
    assert len(result.hits) == 19
    plain = run_query(Query(examples=like_item("item 7"), limit=50, weights={"shape": 3.0, "tint": 1.0}), store, TAGGED)
    assert [hit.item.id for hit in plain.hits] == [hit.item.id for hit in result.hits]
    with pytest.raises(QueryError) as caught:
        run_query(Query(examples=like_item("item 7"), weights={"classifier": 1.0}), store, TAGGED)
    assert caught.value.code == "no_embedding"
