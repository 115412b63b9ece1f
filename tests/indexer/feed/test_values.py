"""Cells to values: prices, numbers, words."""

from __future__ import annotations

import json
import math

import pytest

from indexer.feed import RowProblem, open_feed
from indexer.feed.prices import parse_price
from indexer.feed.values import to_links
from search.attributes import AttributeKind


@pytest.mark.parametrize(
    ("text", "price", "currency"),
    [
        ("15.00 USD", 15.0, "USD"),
        ("USD 15", 15.0, "USD"),
        ("15,00 €", 15.0, "EUR"),
        ("€15", 15.0, "EUR"),
        ("1,299.00 usd", 1299.0, "USD"),
        ("1.299,00 EUR", 1299.0, "EUR"),
        ("1.234.567 IDR", 1234567.0, "IDR"),
        ("1 299,50 zł", 1299.5, "PLN"),
        ("1\u00a0299,50", 1299.5, None),
        ("1'299.50 CHF", 1299.5, "CHF"),
        ("Rs. 499", 499.0, None),
        ("$19.99", 19.99, None),
        ("US$19.99", 19.99, "USD"),
        ("0.999", 0.999, None),
        ("1234.567", 1234.567, None),
        ("15,- €", 15.0, "EUR"),
        ("0", 0.0, None),
    ],
)
def test_prices(text, price, currency):
    assert parse_price(text) == (pytest.approx(price), currency)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1.299",
            "1,299 EUR",
            "12.345 USD",
            "free",
            "NaN",
            "inf",
            "-5.00 USD",
            "1,2,3",
            "12 34",
            "1e309",
            "5 USD EUR",
        ),
        *("USD 5 EUR", "10-20 USD", "9" * 400, " " * 5000 + "x", "1.2.3", "1.299.00,5", "5 nan", "٣", "", "USD"),
    ],
)
def test_no_prices(text):
    with pytest.raises(ValueError, match=r"^[^\d].*"):
        parse_price(text)


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        *(("in stock", "in_stock"), ("In Stock", "in_stock"), ("https://schema.org/OutOfStock", "out_of_stock")),
        *(("PreOrder", "preorder"), ("back-order", "backorder"), ("ask us", "ask us")),
    ],
)
def test_availability(spelled, plain, write):
    (entry,) = open_feed(write("f.csv", f"id,image,availability\n1,a.jpg,{spelled}\n"))
    assert entry.item.attributes["availability"] == plain


@pytest.mark.parametrize(
    "text", ["a.jpg,b.jpg", "a.jpg; b.jpg", "a.jpg|b.jpg", '["a.jpg", "b.jpg"]', " a.jpg ,, b.jpg,"]
)
def test_separators_of_photos(text):
    assert to_links(text) == ["a.jpg", "b.jpg"]


def test_twenty_photos_are_kept(write):
    more = ";".join(f"{n}.jpg" for n in range(1, 40))
    (entry,) = open_feed(write("f.csv", f"id,image_link,additional_image_link\n1,0.jpg,{more}\n"))
    assert entry.item.photos == tuple(f"{n}.jpg" for n in range(20))


@pytest.mark.parametrize(
    ("field", "kind", "value"),
    [
        ("stars", AttributeKind.INTEGER, "4.5"),
        ("stars", AttributeKind.INTEGER, str(2**53)),
        ("stars", AttributeKind.INTEGER, "four"),
        ("weight", AttributeKind.NUMBER, "1_000"),
        ("weight", AttributeKind.NUMBER, "NaN"),
        ("weight", AttributeKind.NUMBER, "1e309"),
        ("price", AttributeKind.NUMBER, "nan"),
        ("price", AttributeKind.NUMBER, "1,299"),
        ("multipack", AttributeKind.INTEGER, "true"),
    ],
)
def test_a_value_of_another_kind_is_a_problem_of_its_row(field, kind, value, write):
    feed = open_feed(write("f.tsv", f"id\timage\t{field}\n1\ta.jpg\t{value}\n"), schema={field: kind})
    (problem,) = feed
    assert isinstance(problem, RowProblem)
    assert (problem.row, problem.id, problem.field, problem.code) == (1, "1", field, "wrong_type")
    assert repr(value) in problem.message


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400", "-3", "true", "[1, 2]", '{"value": 3}', "1" * 400])
def test_no_price_in_json(value, write):
    (problem,) = open_feed(write("f.jsonl", f'{{"id": "1", "image": "a.jpg", "price": {value}}}\n'))
    assert (problem.field, problem.code) == ("price", "wrong_type")


def test_whole_numbers_are_read_out_of_floats(write):
    feed = open_feed(write("f.csv", "id,image,year\n1,a,2011.0\n2,b,1e3\n"), schema={"year": AttributeKind.INTEGER})
    assert [entry.item.attributes["year"] for entry in feed] == [2011, 1000]


def test_a_currency_of_its_own_column_counts(write):
    (entry,) = open_feed(write("f.csv", "id,image,price,currency\n1,a.jpg,5.00 USD,CAD\n"))
    assert entry.item.attributes["price_currency"] == "CAD"


def test_lone_surrogates_and_nul_in_json_do_not_get_through(write):
    row = json.dumps({"id": "a\0b", "image": "a.jpg", "title": "x\ud800y\U0001f600"})
    (entry,) = open_feed(write("f.jsonl", row))
    assert entry.item.id == "ab"
    assert entry.item.attributes["title"] == "x\ufffdy\U0001f600"


def test_one_and_true_are_not_the_same_word(write):
    rows = [{"id": n, "image": "a.jpg", "size": value} for n, value in enumerate([1, True, 1.0, "1", "TRUE"])]
    feed = open_feed(write("f.jsonl", "\n".join(map(json.dumps, rows))))
    assert [entry.item.attributes["size"] for entry in feed] == ["1", "true", "1.0", "1", "true"]


def test_every_number_that_comes_out_is_finite(write):
    texts = ["1", "-0", "1e308", "1e-400", "+5", ".5", "5."]
    rows = "".join(f"{n},a.jpg,{text}\n" for n, text in enumerate(texts))
    feed = open_feed(write("f.csv", "id,image,weight\n" + rows), schema={"weight": AttributeKind.NUMBER})
    assert all(math.isfinite(entry.item.attributes["weight"]) for entry in feed)
