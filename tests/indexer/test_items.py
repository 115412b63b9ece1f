"""Single items, as the API writes them: created, updated, unchanged, refused as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.items import TEXT_LENGTH, check_values, delete_item, guess_kind, put_item
from search.attributes import AttributeKind
from search.errors import InputError, NotFoundError, PhotoError
from search.filters import AnyOf
from search.item import Item
from search.manifest import load_manifest
from search.query import Query, like_photo
from search.store import Leg
from tests.contracts.drawn_shop import draw_photo, draw_shop, write_csv


@pytest.fixture
def photos(tmp_path: Path) -> list[bytes]:
    """Files of five photos."""
    for number in range(5):
        draw_photo(tmp_path / f"{number}.jpg", number)
    return [(tmp_path / f"{number}.jpg").read_bytes() for number in range(5)]


def make_item(item_id: str = "A1", **attributes) -> Item:
    return Item(id=item_id, attributes=attributes, photos=())


def list_photos(shop, item_id: str) -> list[int]:
    leg = Leg(space="pixels", vector=np.full(108, 108**-0.5, dtype=np.float32), weight=1.0)
    points = shop.store.find_nearest([leg], (), limit=500)
    return sorted(p.point.photo.index for p in points if p.point.item.id == item_id)


def test_an_item_is_created_then_unchanged_then_updated(shop, photos):
    item = make_item(title="Shirt", color="Red", price=5.0)
    assert put_item(shop.catalogue, item, photos[:2]) == "created"
    embedded = shop.pixels.embedded
    assert put_item(shop.catalogue, item, photos[:2]) == "unchanged"
    assert shop.pixels.embedded == embedded
    assert put_item(shop.catalogue, make_item(title="Shirt", color="Blue", price=5.0), photos[:2]) == "updated"
    assert put_item(shop.catalogue, make_item(title="Shirt", color="Blue", price=5.0), photos[1::-1]) == "updated"
    assert shop.store.count_items() == 1
    stored = shop.store.read_items(["A1"])["A1"]
    assert dict(stored.item.attributes) == {"title": "Shirt", "color": "Blue", "price": 5.0}
    assert shop.catalogue.thumbnails.read(stored.photo.sha256)


def test_an_item_written_finds_itself_by_its_photo(shop, photos):
    for number, photo in enumerate(photos):
        put_item(shop.catalogue, make_item(f"A{number}", title=str(number)), [photo])
    for number, photo in enumerate(photos):
        embedded = shop.catalogue.embed_photo(photo)
        query = Query(examples=like_photo(embedded.embeddings, embedded.sha256))
        hit = shop.catalogue.search(query).hits[0]
        assert (hit.item.id, hit.score) == (f"A{number}", pytest.approx(1, abs=1e-5))


def test_attributes_alone_keep_photos_and_embeddings(shop, photos):
    put_item(shop.catalogue, make_item(title="Shirt", color="Red"), photos[:2])
    before, embedded = shop.store.read_items(["A1"], spaces=["pixels"])["A1"], shop.pixels.embedded
    assert put_item(shop.catalogue, make_item(title="Shirt"), []) == "updated"
    assert put_item(shop.catalogue, make_item(title="Shirt"), []) == "unchanged"
    after = shop.store.read_items(["A1"], spaces=["pixels"])["A1"]
    assert after.item.attributes == {"title": "Shirt"}
    assert after.item.photos == before.item.photos
    assert after.photo == before.photo
    assert (after.vectors["pixels"] == before.vectors["pixels"]).all()
    assert shop.pixels.embedded == embedded
    assert list_photos(shop, "A1") == [0, 1]


def test_attributes_of_an_item_of_a_feed_can_be_changed(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 3, second_photos=True))
    shop.index(feed)
    assert put_item(shop.catalogue, make_item("item-0", title="By hand"), []) == "updated"
    assert shop.store.read_items(["item-0"])["item-0"].item.photos == ("photos/0.jpg", "photos/0-back.jpg")
    report = shop.index(feed)  # the feed says otherwise, and needs no embedding to say so
    assert (report.updated, report.unchanged, report.indexed) == (1, 2, 0)
    assert shop.store.read_items(["item-0"])["item-0"].item.attributes["title"] == "Red Tshirts no. 0"


def test_fewer_photos_leave_fewer_points(shop, photos):
    put_item(shop.catalogue, make_item(title="Shirt"), photos)
    assert list_photos(shop, "A1") == [0, 1, 2, 3, 4]
    assert put_item(shop.catalogue, make_item(title="Shirt"), photos[:2]) == "updated"
    assert list_photos(shop, "A1") == [0, 1]


def test_an_item_is_deleted_once(shop, photos):
    put_item(shop.catalogue, make_item(), photos[:3])
    put_item(shop.catalogue, make_item("A2"), photos[3:4])
    assert delete_item(shop.catalogue, "A1")
    assert not delete_item(shop.catalogue, "A1")
    assert list_photos(shop, "A1") == []
    assert shop.store.count_items() == 1
    assert put_item(shop.catalogue, make_item(), photos[:1]) == "created"


def test_a_new_item_needs_a_photo(shop):
    with pytest.raises(NotFoundError) as caught:
        put_item(shop.catalogue, make_item(fabric="wool"), [])
    assert caught.value.code == "item_not_found"
    assert "fabric" not in shop.catalogue.manifest.attributes


def test_nothing_is_written_where_a_photo_cannot_be_read(shop, photos):
    put_item(shop.catalogue, make_item(title="Shirt"), photos[:2])
    with pytest.raises(PhotoError):
        put_item(shop.catalogue, make_item(title="Other", fabric="wool"), [photos[2], b"\xff\xd8\xff no photo"])
    assert shop.store.read_items(["A1"])["A1"].item.attributes == {"title": "Shirt"}
    assert list_photos(shop, "A1") == [0, 1]
    assert "fabric" not in shop.catalogue.manifest.attributes
    assert "fabric" not in load_manifest(shop.folder).attributes


def test_a_new_attribute_can_be_filtered_and_counted_at_once(edge_shop, photos):
    put_item(edge_shop.catalogue, make_item("A1", fabric="wool", weight=1.5), photos[:1])
    put_item(edge_shop.catalogue, make_item("A2", fabric=("wool", "silk"), year=2011), photos[1:2])
    assert load_manifest(edge_shop.folder).attributes == {
        "fabric": AttributeKind.KEYWORD,
        "weight": AttributeKind.NUMBER,
        "year": AttributeKind.INTEGER,
    }
    result = edge_shop.catalogue.search(
        Query(conditions=(AnyOf(attribute="fabric", values=("wool",)),), facets=("fabric",))
    )
    assert result.total == 2
    assert [(c.value, c.count) for c in result.facets["fabric"]] == [("wool", 2), ("silk", 1)]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (AttributeKind.INTEGER, 5, 5.5),
        (AttributeKind.INTEGER, -1, "5"),
        (AttributeKind.INTEGER, 0, ("5", "6")),
        (AttributeKind.NUMBER, 5, "5"),
        (AttributeKind.NUMBER, 5.5, ("5",)),
        (AttributeKind.KEYWORD, "5", 5),
        (AttributeKind.KEYWORD, ("a", "b"), 5.5),
        (AttributeKind.TEXT, "long", 5),
    ],
)
def test_a_value_is_of_its_attributes_kind(kind, right, wrong):
    check_values({"x": right}, {"x": kind})
    check_values({"y": wrong}, {"x": kind})
    with pytest.raises(InputError) as caught:
        check_values({"x": wrong}, {"x": kind})
    assert (caught.value.code, caught.value.pointer) == ("wrong_type", "/x")


def test_a_wrong_value_writes_nothing(shop, photos):
    put_item(shop.catalogue, make_item(year=2011), photos[:1])
    with pytest.raises(InputError):
        put_item(shop.catalogue, make_item(year="next", fabric="wool"), photos[:1])
    assert shop.store.read_items(["A1"])["A1"].item.attributes == {"year": 2011}
    assert "fabric" not in shop.catalogue.manifest.attributes


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("color", "x" * 200, AttributeKind.KEYWORD),
        ("price", 5, AttributeKind.NUMBER),
        ("title", "Red", AttributeKind.TEXT),
        ("fit", "slim", AttributeKind.KEYWORD),
        ("fit", ("slim", "x" * (TEXT_LENGTH + 1)), AttributeKind.TEXT),
        ("care", "x" * (TEXT_LENGTH + 1), AttributeKind.TEXT),
        ("count", 3, AttributeKind.INTEGER),
        ("rating", 4.5, AttributeKind.NUMBER),
    ],
)
def test_the_kind_of_a_new_attribute(name, value, kind):
    assert guess_kind(name, value) is kind
