"""What a query may ask for beside hits: weights, counts and page sizes, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import QueryError
from search.filters import AnyOf
from search.query import MAX_FACET_VALUES, MAX_FACETS, MAX_LIMIT, Query
from search.ranking import choose_weights, count_facets, list_facets, run_query
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
    items = {p.item.id: p.item for p in points}.values()

    def count(attribute: str, *conditions) -> dict:
        counts: dict = {}
        for item in items:
            value = item.attributes[attribute]
            for each in value if isinstance(value, tuple) else (value,):
                counts[each] = counts.get(each, 0) + matches(item, conditions)
        return {value: number for value, number in counts.items() if number}

    assert {c.value: c.count for c in result.facets["color"]} == count("color", acme)
    assert {c.value: c.count for c in result.facets["brand"]} == count("brand", red)
    assert {c.value: c.count for c in result.facets["year"]} == count("year", red, acme)
    assert result.total == sum(matches(item, (red, acme)) for item in items)


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
