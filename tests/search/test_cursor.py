"""Cursors: they come back as they were written, and only to the query they belong to."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.cursor import Place, digest_query, read_cursor, write_cursor
from search.errors import QueryError
from search.filters import AnyOf, Between
from search.query import Query, like_item, like_photo

QUERY = Query(
    examples=like_photo({}, "a" * 64),
    conditions=(AnyOf(attribute="color", values=("Red", "Blue")), Between(attribute="price", lt=50.0)),
)
WEIGHTS = {"pixels": 0.6, "color": 0.4}
DIGEST = digest_query(QUERY, WEIGHTS, "0001")


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(st.integers(0, 2**31 - 1), st.none() | st.uuids().map(str))
def test_a_place_survives_its_cursor(offset, after):
    place = Place(offset=offset, after=after)
    cursor = write_cursor(place, DIGEST)
    assert read_cursor(cursor, DIGEST) == place
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?# ")  # goes into an address as it is


def test_no_cursor_is_the_start():
    assert read_cursor(None, DIGEST) == Place(offset=0, after=None)


@given(st.text(max_size=60) | st.text("ABCabc019-_", min_size=1, max_size=600))
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(QueryError) as caught:
        read_cursor(text, DIGEST)
    assert caught.value.code == "invalid_cursor"
    assert caught.value.pointer == "/cursor"


@pytest.mark.parametrize(
    "value",
    [
        [DIGEST, -1, None],
        [DIGEST, 2**31, None],
        [DIGEST, True, None],
        [DIGEST, 1.0, None],
        [DIGEST, "1", None],
        [DIGEST, 1, 5],
        [DIGEST, 1, ["x"]],
        [DIGEST, 1],
        [DIGEST, 1, None, None],
        {"a": 1, "b": 2, "c": 3},
        None,
        7,
        "abc",
    ],
)
def test_a_forged_cursor_is_refused(value):
    with pytest.raises(QueryError) as caught:
        read_cursor(encode(value), DIGEST)
    assert caught.value.code == "invalid_cursor"


def test_a_cursor_that_nests_deep_is_refused():
    nested = base64.urlsafe_b64encode(b"[" * 380).decode()
    with pytest.raises(QueryError):
        read_cursor(nested, DIGEST)
    with pytest.raises(QueryError):
        read_cursor("W" * 100_000, DIGEST)


@pytest.mark.parametrize(
    "other",
    [
        digest_query(replace(QUERY, examples=like_photo({}, "b" * 64)), WEIGHTS, "0001"),
        digest_query(replace(QUERY, examples=()), WEIGHTS, "0001"),
        digest_query(replace(QUERY, examples=like_item("a" * 64)), WEIGHTS, "0001"),
        digest_query(replace(QUERY, conditions=()), WEIGHTS, "0001"),
        digest_query(replace(QUERY, conditions=QUERY.conditions[:1]), WEIGHTS, "0001"),
        digest_query(replace(QUERY, exact=True), WEIGHTS, "0001"),
        digest_query(QUERY, {"pixels": 0.4, "color": 0.6}, "0001"),
        digest_query(QUERY, WEIGHTS, "0002"),
    ],
)
def test_a_cursor_of_another_query_is_refused(other):
    with pytest.raises(QueryError) as caught:
        read_cursor(write_cursor(Place(offset=24), other), DIGEST)
    assert caught.value.code == "foreign_cursor"


def test_what_changes_no_hit_changes_no_cursor():
    same = [
        replace(QUERY, limit=100),
        replace(QUERY, facets=("color",), facet_limit=3),
        replace(QUERY, conditions=QUERY.conditions[::-1]),
        replace(QUERY, conditions=(AnyOf(attribute="color", values=("Blue", "Red")), QUERY.conditions[1])),
    ]
    assert {digest_query(query, WEIGHTS, "0001") for query in same} == {DIGEST}
    assert digest_query(QUERY, dict(reversed(WEIGHTS.items())), "0001") == DIGEST


def test_odd_ids_have_digests_too():
    ids = ["ünï ☃", "\ud800", "", "a\nb", "null"]
    digests = {digest_query(Query(examples=like_item(item_id)), {}, "0001") for item_id in ids}
    assert len(digests | {digest_query(Query(), {}, "0001")}) == len(ids) + 1
