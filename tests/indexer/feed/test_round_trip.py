"""Items written to CSV and JSON Lines and read back are the same items."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.feed import FeedRow, open_feed
from search.attributes import AttributeKind
from search.item import Item

SCHEMA = {"note": AttributeKind.TEXT, "stars": AttributeKind.INTEGER, "weight": AttributeKind.NUMBER}

# Any text a file can hold: quotes, delimiters, line ends, right-to-left, emoji; its ends are stripped in reading.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: text == text.strip() and text.lower() not in ("true", "false")
)
WORD = TEXT.filter(lambda text: "/" not in text)
LINK = TEXT.filter(lambda text: not set(text) & set(",;|") and not text.startswith("["))

ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXT,
        "brand": WORD,
        "color": WORD | st.lists(WORD, min_size=2, max_size=3, unique=True).map(tuple),
        "note": TEXT,
        "stars": st.integers(-(2**53) + 1, 2**53 - 1),
        "weight": st.floats(allow_nan=False, allow_infinity=False),
        "price": st.integers(0, 10**9).map(lambda cents: cents / 100),
    },
)
ITEM = st.builds(
    lambda item_id, attributes, photos: Item(id=item_id, attributes=attributes, photos=photos),
    TEXT,
    ATTRIBUTES,
    st.lists(LINK, min_size=1, max_size=4, unique=True).map(tuple),
)
ITEMS = st.lists(ITEM, min_size=1, max_size=6, unique_by=lambda item: item.id)
COLUMNS = ("id", "image_link", "additional_image_link", "title", "brand", "color", "note", "stars", "weight", "price")


def to_cells(item: Item) -> list[str]:
    values: dict[str, object] = {**item.attributes, "id": item.id}
    values |= {"image_link": item.photos[0], "additional_image_link": "|".join(item.photos[1:])}
    if isinstance(color := values.get("color"), tuple):
        values["color"] = "/".join(color)
    if "price" in values:
        values["price"] = f"{values['price']:.2f}"
    return [str(values.get(column, "")) for column in COLUMNS]


def read_back(name: str, write) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        with path.open("w", encoding="utf-8", newline="") as file:
            write(file)
        entries = list(open_feed(path, schema=SCHEMA))
    assert all(isinstance(entry, FeedRow) for entry in entries), entries
    return [entry.item for entry in entries]


@settings(deadline=None, max_examples=40)
@given(ITEMS)
def test_csv(items):
    def write(file):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(map(to_cells, items))

    assert read_back("feed.csv", write) == items


@settings(deadline=None, max_examples=40)
@given(ITEMS)
def test_json_lines(items):
    def write(file):
        file.writelines(json.dumps(item.to_wire(), ensure_ascii=False) + "\n" for item in items)

    assert read_back("feed.jsonl", write) == items
