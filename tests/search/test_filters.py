"""Filters: how they are written, what they refuse, and that writing and reading are inverses."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.attributes import AttributeKind
from search.errors import QueryError
from search.filters import (
    MAX_CONDITIONS,
    MAX_VALUE_LENGTH,
    MAX_VALUES,
    AnyOf,
    Between,
    Filter,
    NoneOf,
    Source,
    filter_from_wire,
    filter_to_wire,
    parse_filter,
)

SCHEMA = {
    "color": AttributeKind.KEYWORD,
    "brand": AttributeKind.KEYWORD,
    "title": AttributeKind.TEXT,
    "price": AttributeKind.NUMBER,
    "year": AttributeKind.INTEGER,
    "Body (HTML)": AttributeKind.KEYWORD,
    "a/b~c": AttributeKind.KEYWORD,
}
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def draw_values(name: str) -> st.SearchStrategy[list]:
    each = {AttributeKind.NUMBER: NUMBERS, AttributeKind.INTEGER: st.integers(-(2**52), 2**52)}.get(SCHEMA[name], WORDS)
    return st.lists(each, min_size=1, max_size=4)


def draw_spec(name: str) -> st.SearchStrategy:
    values = draw_values(name)
    optional = {"not": values}
    if SCHEMA[name] in (AttributeKind.NUMBER, AttributeKind.INTEGER):
        optional |= dict.fromkeys(("gt", "gte", "lt", "lte"), NUMBERS)
    bounds = st.fixed_dictionaries({}, optional=optional).filter(bool)
    return values | values.map(lambda v: v[0]) | bounds


WIRES = st.fixed_dictionaries({}, optional={name: draw_spec(name) for name in SCHEMA})


@given(WIRES)
def test_a_filter_survives_the_wire(wire):
    conditions = filter_from_wire(wire, SCHEMA)
    written = filter_to_wire(conditions)
    again = filter_from_wire(json.loads(json.dumps(written)), SCHEMA)
    assert filter_to_wire(again) == written
    assert len(again) == len(conditions)
    assert {(type(c), c.attribute) for c in again} == {(type(c), c.attribute) for c in conditions}
    for before in conditions:
        after = next(c for c in again if (type(c), c.attribute) == (type(before), before.attribute))
        if isinstance(before, Between):
            assert after == before
        else:
            assert set(after.values) == set(before.values)


@given(WIRES, st.randoms())
def test_the_order_of_conditions_and_values_does_not_matter(wire, chance):
    conditions = list(filter_from_wire(wire, SCHEMA))
    expected = filter_to_wire(tuple(conditions))
    chance.shuffle(conditions)
    turned = tuple(
        c if isinstance(c, Between) else type(c)(attribute=c.attribute, values=c.values[::-1]) for c in conditions
    )
    assert filter_to_wire(turned) == expected
    assert json.dumps(filter_to_wire(turned), sort_keys=True) == json.dumps(expected, sort_keys=True)


PREDICTED = frozenset({"color", "year"})


@given(WIRES, st.sampled_from(Source))
def test_a_filters_sources_survive_the_wire(wire, source):
    wire = {name: spec for name, spec in wire.items() if source is not Source.PREDICTED or name in PREDICTED}
    conditions = filter_from_wire(wire, SCHEMA, source=source, predicted=PREDICTED)
    for condition in conditions:
        asked = condition.attribute in PREDICTED and not isinstance(condition, Between)
        assert condition.source is (source if asked else Source.MERCHANT)
    written = filter_to_wire(conditions)
    again = filter_from_wire(json.loads(json.dumps(written)), SCHEMA, source=Source.MERCHANT, predicted=PREDICTED)
    assert filter_to_wire(again) == written
    assert [c.source for c in sorted(again, key=repr)] == [c.source for c in sorted(conditions, key=repr)]


def test_filters_with_other_sources_are_other_filters():
    """A cursor is tied to its query by this."""
    wire = {"color": ["Red"], "year": {"not": [2003], "gte": 2000}}
    filters = [filter_from_wire(wire, SCHEMA, source=source, predicted=PREDICTED) for source in Source]
    assert len({json.dumps(filter_to_wire(conditions)) for conditions in filters}) == 3
    without = [filter_from_wire(wire, SCHEMA, source=source) for source in (Source.MERCHANT, Source.EITHER)]
    assert without == [filters[0], filters[0]]
    assert filter_to_wire(filters[0]) == wire  # as it was written before there were sources


def test_each_attribute_can_have_a_source_of_its_own():
    wire = {"color": {"any": "Red", "source": "predicted"}, "year": {"not": 2003, "source": "merchant"}}
    assert filter_from_wire(wire, SCHEMA, source=Source.EITHER, predicted=PREDICTED) == (
        AnyOf(attribute="color", values=("Red",), source=Source.PREDICTED),
        NoneOf(attribute="year", values=(2003,)),
    )
    parsed = parse_filter(["color=Red"], SCHEMA, predicted=PREDICTED)
    assert parsed == (AnyOf(attribute="color", values=("Red",), source=Source.EITHER),)
    parsed = parse_filter(["year!=2003", "year<2010"], SCHEMA, source=Source.PREDICTED, predicted=PREDICTED)
    assert {condition.source for condition in parsed} == {Source.PREDICTED, Source.MERCHANT}


@pytest.mark.parametrize(
    ("wire", "source", "code"),
    [
        ({"brand": ["Acme"]}, Source.PREDICTED, "not_predicted"),
        ({"brand": {"not": ["Acme"]}}, Source.PREDICTED, "not_predicted"),
        ({"brand": {"any": ["Acme"], "source": "predicted"}}, Source.EITHER, "not_predicted"),
        ({"brand": {"any": ["Acme"], "source": "guessed"}}, Source.EITHER, "invalid_query"),
        ({"brand": {"any": ["Acme"], "source": ["merchant"]}}, Source.EITHER, "invalid_query"),
        ({"brand": {"source": "merchant"}}, Source.EITHER, "invalid_query"),
    ],
)
def test_a_source_that_there_is_not_is_refused(wire, source, code):
    with pytest.raises(QueryError) as caught:
        filter_from_wire(wire, SCHEMA, source=source, predicted=PREDICTED)
    assert (caught.value.code, caught.value.pointer) == (code, "/filter/brand")
    assert filter_from_wire({"price": {"lt": 5}}, SCHEMA, source=Source.PREDICTED) == (
        Between(attribute="price", lt=5.0),
    )


def quote(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


@given(st.lists(WORDS.filter(lambda w: w == w.strip()), min_size=1, max_size=4, unique=True))
def test_any_word_can_be_written_in_quotes(words):
    text = ",".join(map(quote, words))
    assert parse_filter([f"color={text}"], SCHEMA) == (AnyOf(attribute="color", values=tuple(words)),)
    assert parse_filter([f"color!={text}"], SCHEMA) == (NoneOf(attribute="color", values=tuple(words)),)


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (["color=Red"], (AnyOf(attribute="color", values=("Red",)),)),
        ([" color = Red "], (AnyOf(attribute="color", values=("Red",)),)),
        (["color=Red, Navy Blue ,Red"], (AnyOf(attribute="color", values=("Red", "Navy Blue")),)),
        (["color=Red", "color=Blue"], (AnyOf(attribute="color", values=("Red", "Blue")),)),
        (['color="Red, dark",Blue'], (AnyOf(attribute="color", values=("Red, dark", "Blue")),)),
        (['color=say "hi"'], (AnyOf(attribute="color", values=('say "hi"',)),)),
        (["brand!=Acme"], (NoneOf(attribute="brand", values=("Acme",)),)),
        (["title=a>=b"], (AnyOf(attribute="title", values=("a>=b",)),)),
        (["Body (HTML)=<p>"], (AnyOf(attribute="Body (HTML)", values=("<p>",)),)),
        (["price<50"], (Between(attribute="price", lt=50.0),)),
        (["price<=50", "price > 1e1"], (Between(attribute="price", gt=10.0, lte=50.0),)),
        (["price=5"], (AnyOf(attribute="price", values=(5.0,)),)),
        (["year>=2011"], (Between(attribute="year", gte=2011.0),)),
        (["year=2011,2012"], (AnyOf(attribute="year", values=(2011, 2012)),)),
        (
            ["year!=2011", "year<2020"],
            (NoneOf(attribute="year", values=(2011,)), Between(attribute="year", lt=2020.0)),
        ),
        ([], ()),
    ],
)
def test_expressions_of_the_command_line(expressions: list[str], expected: Filter):
    assert parse_filter(expressions, SCHEMA) == expected


@pytest.mark.parametrize(
    ("expressions", "says"),
    [
        (["Red"], "name=value"),
        (["=Red"], "name=value"),
        ([""], "name=value"),
        (["colour=Red"], "colour"),
        (["price<cheap"], "cheap"),
        (["price=cheap"], "cheap"),
        (["price<nan"], "nan"),
        (["price<1e999"], "1e999"),
        (["year=2011.5"], "2011.5"),
        (["year=9007199254740993"], "whole"),
        (["color<5"], "keyword"),
        (["price<5", "price<6"], "twice"),
        (["price<5", "price=6"], "choose"),
        (["color=Red", "color!=Blue"], "choose"),
    ],
)
def test_expressions_that_make_no_sense_are_refused(expressions: list[str], says: str):
    with pytest.raises(QueryError, match=says):
        parse_filter(expressions, SCHEMA)


def test_an_unknown_attribute_names_those_that_can_be_filtered():
    with pytest.raises(QueryError) as caught:
        parse_filter(["colour=Red"], SCHEMA)
    assert caught.value.code == "unknown_attribute"
    assert "brand, color, price, year" in caught.value.message
    assert "title" not in caught.value.message  # free text is no filter to suggest


@pytest.mark.parametrize(
    ("wire", "pointer"),
    [
        ({"color": []}, "/filter/color"),
        ({"color": {}}, "/filter/color"),
        ({"color": None}, "/filter/color"),
        ({"color": [["Red"]]}, "/filter/color"),
        ({"color": {"is": "Red"}}, "/filter/color"),
        ({"color": {"gte": 1}}, "/filter/color"),
        ({"color": {"not": []}}, "/filter/color"),
        ({"color": "x" * (MAX_VALUE_LENGTH + 1)}, "/filter/color"),
        ({"color": "half \ud83d of a pair"}, "/filter/color"),
        ({"color": [str(n) for n in range(MAX_VALUES + 1)]}, "/filter/color"),
        ({"price": True}, "/filter/price"),
        ({"price": "five"}, "/filter/price"),
        ({"price": math.nan}, "/filter/price"),
        ({"price": {"lt": math.inf}}, "/filter/price"),
        ({"price": {"lt": 10**400}}, "/filter/price"),
        ({"price": {"lt": None}}, "/filter/price"),
        ({"year": [2011, 0.5]}, "/filter/year"),
        ({"a/b~c": []}, "/filter/a~1b~0c"),
        ({"x/y": "1"}, "/filter/x~1y"),
        ({f"a{n}": "1" for n in range(MAX_CONDITIONS + 1)}, "/filter"),
    ],
)
def test_a_wire_filter_that_makes_no_sense_points_at_its_attribute(wire, pointer):
    with pytest.raises(QueryError) as caught:
        filter_from_wire(wire, SCHEMA)
    assert caught.value.pointer == pointer


def test_words_are_words_however_they_are_written():
    assert filter_from_wire({"brand": [True, 5, "x"]}, SCHEMA) == (AnyOf(attribute="brand", values=("true", "5", "x")),)
    assert filter_from_wire({"year": "2011"}, SCHEMA) == filter_from_wire({"year": [2011.0]}, SCHEMA)


def test_as_many_values_as_are_allowed_are_allowed():
    values = [str(n) for n in range(MAX_VALUES)]
    assert filter_from_wire({"color": values}, SCHEMA) == (AnyOf(attribute="color", values=tuple(values)),)
    assert filter_from_wire({"color": "x" * MAX_VALUE_LENGTH}, SCHEMA)[0].attribute == "color"
