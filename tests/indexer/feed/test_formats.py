"""The same catalogue in every format gives the same items; golden rows."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.feed import FeedRow, open_feed
from search.attributes import AttributeKind
from search.errors import FeedError
from search.item import Item

COLUMNS = (
    "id",
    "title",
    "link",
    "image_link",
    "additional_image_link",
    "price",
    "availability",
    "color",
    "season",
    "year",
)
ROWS = [
    (
        "1",
        "Blue shirt, „smart“",
        "https://shop.example/1",
        "a.jpg",
        "b.jpg,c.jpg",
        "15.00 USD",
        "in stock",
        "Blue/White",
        "Summer",
        2011,
    ),
    (
        "ß-2",
        'A "quoted"\ntitle',
        "https://shop.example/2",
        "d.jpg",
        None,
        "1.299,50 €",
        "out_of_stock",
        "Red",
        "Winter",
        2012,
    ),
    ("3", "日本のシャツ 👕", None, "e.jpg", "", "7", "preorder", None, "Summer", None),
]
ITEMS = [
    Item(
        id="1",
        attributes={
            "title": "Blue shirt, „smart“",
            "link": "https://shop.example/1",
            "price": 15.0,
            "price_currency": "USD",
            "availability": "in_stock",
            "color": ("Blue", "White"),
            "season": "Summer",
            "year": 2011,
        },
        photos=("a.jpg", "b.jpg", "c.jpg"),
    ),
    Item(
        id="ß-2",
        attributes={
            "title": 'A "quoted"\ntitle',
            "link": "https://shop.example/2",
            "price": 1299.5,
            "price_currency": "EUR",
            "availability": "out_of_stock",
            "color": "Red",
            "season": "Winter",
            "year": 2012,
        },
        photos=("d.jpg",),
    ),
    Item(
        id="3",
        attributes={"title": "日本のシャツ 👕", "price": 7.0, "availability": "preorder", "season": "Summer"},
        photos=("e.jpg",),
    ),
]


def to_csv(delimiter: str = ",", newline: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
    writer.writerow(COLUMNS)
    writer.writerows(ROWS)
    return out.getvalue()


def to_json_lines() -> str:
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in ROWS)


def to_parquet() -> bytes:
    out = io.BytesIO()
    columns = zip(*ROWS, strict=True)
    pq.write_table(pa.table({name: list(values) for name, values in zip(COLUMNS, columns, strict=True)}), out)
    return out.getvalue()


FILES = {
    "feed.csv": to_csv().encode(),
    "feed.CSV": b"\xef\xbb\xbf" + to_csv(newline="\n").encode(),
    "utf16le.csv": b"\xff\xfe" + to_csv().encode("utf-16-le"),
    "utf16be.csv": b"\xfe\xff" + to_csv().encode("utf-16-be"),
    "semicolon.csv": to_csv(";").encode(),
    "merchant.txt": to_csv("\t").encode(),
    "feed.tsv": to_csv("\t").encode(),
    "feed.csv.gz": gzip.compress(to_csv().encode()),
    "packed_without_suffix.csv": gzip.compress(to_csv().encode()),
    "feed.jsonl": to_json_lines().encode(),
    "feed.ndjson.gz": gzip.compress(b"\xef\xbb\xbf" + to_json_lines().encode()),
    "feed.parquet": to_parquet(),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_items(name, write):
    feed = open_feed(write(name, FILES[name]))
    assert list(feed) == [FeedRow(row=n, item=item) for n, item in enumerate(ITEMS, 1)]
    assert feed.profile == "google"
    assert feed.schema["year"] is AttributeKind.INTEGER
    assert feed.schema["season"] is AttributeKind.KEYWORD
    assert feed.schema["price"] is AttributeKind.NUMBER


def test_a_feed_can_be_read_twice(write):
    feed = open_feed(write("feed.csv", to_csv()))
    assert list(feed) == list(feed)


def test_json_values_become_attribute_values(write):
    row = {
        "id": 7,
        "image_link": ["a.jpg", "b.jpg", "a.jpg"],
        "color": ["Red", "Blue/Red"],
        "size": 42,
        "adult": False,
        "sizes": ["S", "M"],
        "dimensions": {"width": 3, "unit": "cm"},
        "price": 12.5,
        "empty": [],
        "nothing": None,
        "weight": 1.5,
        "stars": 4,
    }
    feed = open_feed(write("feed.jsonl", json.dumps(row)))
    (entry,) = feed
    assert entry.item == Item(
        id="7",
        attributes={
            "color": ("Red", "Blue"),
            "size": "42",
            "adult": "false",
            "sizes": ("S", "M"),
            "dimensions": '{"width": 3, "unit": "cm"}',
            "price": 12.5,
            "weight": 1.5,
            "stars": 4,
        },
        photos=("a.jpg", "b.jpg"),
    )
    assert feed.schema["dimensions"] is AttributeKind.TEXT
    assert feed.schema["sizes"] is AttributeKind.KEYWORD
    assert feed.schema["weight"] is AttributeKind.NUMBER
    assert "price_currency" not in entry.item.attributes


def test_parquet_columns_of_bytes_are_ignored_and_dates_are_text(tmp_path):
    import datetime as dt
    from decimal import Decimal

    table = pa.table(
        {
            "id": pa.array([10000.0, None]),
            "image_link": ["a.jpg", "b.jpg"],
            "thumbnail": [b"\x00\xff", b""],
            "image": [{"bytes": b"x", "path": "p"}, None],
            "since": [dt.date(2020, 1, 2), None],
            "cost": [Decimal("1.50"), None],
        }
    )
    pq.write_table(table, tmp_path / "feed.parquet")
    feed = open_feed(tmp_path / "feed.parquet")
    first, second = feed
    assert first.item == Item(id="10000", attributes={"since": "2020-01-02", "cost": 1.5}, photos=("a.jpg",))
    assert (second.code, second.row) == ("missing_id", 2)
    assert feed.unused == ("thumbnail", "image")


def test_keys_that_come_up_late_are_said_to_be_unused(write):
    lines = [json.dumps({"id": n, "image_link": "a.jpg"} | ({"late": 1} if n > 1000 else {})) for n in range(1, 1003)]
    feed = open_feed(write("feed.jsonl", "\n".join(lines)))
    assert all(isinstance(entry, FeedRow) for entry in feed)
    assert feed.unused == ("late",)


@pytest.mark.parametrize("name", ["feed.xlsx", "feed.json", "feed", "feed.parquet.gz"])
def test_an_unknown_format_names_those_that_are_known(name, write):
    with pytest.raises(FeedError, match=r"\.csv, \.txt, \.tsv, \.jsonl") as caught:
        open_feed(write(name, "id,image_link\n"))
    assert caught.value.code == "unknown_format"


def test_a_feed_that_is_not_there(tmp_path):
    with pytest.raises(FeedError) as caught:
        open_feed(tmp_path / "none.csv")
    assert caught.value.code == "missing_feed"


def test_the_shop_s_own_file(catalogue_dir):
    feed = open_feed(catalogue_dir / "products.csv")
    entries = list(feed)
    assert len(entries) == 6000
    assert all(isinstance(entry, FeedRow) for entry in entries)
    assert feed.profile == "fashion"
    assert feed.mapping["product_type"] == "articleType"
    assert entries[0].item == Item(
        id="10000",
        attributes={
            "title": "Palm Tree Girls Sp Jace Sko White Skirts",
            "gender": "Women",
            "product_type": "Skirts",
            "color": "White",
            "masterCategory": "Apparel",
            "subCategory": "Bottomwear",
            "season": "Summer",
            "year": 2011,
            "usage": "Casual",
            "split": "train",
        },
        photos=("images/10000.jpg",),
    )
