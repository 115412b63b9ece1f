"""Items on the wire, and the fingerprints that tell what has changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.item import Item, compute_fingerprint

ITEM = Item(
    id="A 1/ü",
    attributes={"title": "Shirt", "color": ("Red", "Blue"), "price": 12.5, "year": 2011},
    photos=("a.jpg", "b.jpg", "c.jpg"),
)
HASHES = ("1" * 64, "2" * 64)


def test_an_item_is_one_flat_object():
    assert ITEM.to_wire() == {
        "id": "A 1/ü",
        "title": "Shirt",
        "color": ["Red", "Blue"],
        "price": 12.5,
        "year": 2011,
        "image_link": "a.jpg",
        "additional_image_link": ["b.jpg", "c.jpg"],
    }
    assert next(iter(ITEM.to_wire())) == "id"
    json.dumps(ITEM.to_wire(), allow_nan=False)


def test_an_item_without_more_photos_says_nothing_of_them():
    assert "additional_image_link" not in replace(ITEM, photos=("a.jpg",)).to_wire()
    assert "image_link" not in replace(ITEM, photos=()).to_wire()


def test_the_same_row_has_the_same_fingerprint_whatever_its_columns_order():
    turned = replace(ITEM, attributes=dict(reversed(ITEM.attributes.items())))
    assert compute_fingerprint(turned, HASHES) == compute_fingerprint(ITEM, HASHES)


@pytest.mark.parametrize(
    "changed",
    [
        replace(ITEM, id="A 1/u"),
        replace(ITEM, photos=("a.jpg", "c.jpg", "b.jpg")),
        replace(ITEM, photos=("a.jpg", "b.jpg")),
        replace(ITEM, attributes={**ITEM.attributes, "title": "shirt"}),
        replace(ITEM, attributes={**ITEM.attributes, "year": "2011"}),
        replace(ITEM, attributes={**ITEM.attributes, "color": ("Blue", "Red")}),
        replace(ITEM, attributes={**ITEM.attributes, "brand": ""}),
        replace(ITEM, attributes={k: v for k, v in ITEM.attributes.items() if k != "year"}),
    ],
)
def test_every_change_of_the_row_shows_in_the_second_digest_alone(changed):
    photos, row = compute_fingerprint(ITEM, HASHES)
    assert compute_fingerprint(changed, HASHES)[0] == photos
    assert compute_fingerprint(changed, HASHES)[1] != row


@pytest.mark.parametrize("hashes", [(), HASHES[:1], HASHES[::-1], (*HASHES, "3" * 64), ("1" * 64, "3" * 64)])
def test_every_change_of_the_photos_shows_in_the_first_digest_alone(hashes):
    photos, row = compute_fingerprint(ITEM, HASHES)
    assert compute_fingerprint(ITEM, hashes)[0] != photos
    assert compute_fingerprint(ITEM, hashes)[1] == row


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_values_do_not_run_into_each_other(a, b, c, d):
    one = Item(id="x", attributes={"k" + a: b}, photos=("p",))
    two = Item(id="x", attributes={"k" + c: d}, photos=("p",))
    same = compute_fingerprint(one, HASHES) == compute_fingerprint(two, HASHES)
    assert same == ((a, b) == (c, d))
