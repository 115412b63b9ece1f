"""A folder of photos, with and without metadata."""

from __future__ import annotations

import json
import os

import pytest

from indexer.feed import FeedRow, open_feed
from search.errors import FeedError


def items(feed):
    assert all(isinstance(entry, FeedRow) for entry in feed)
    return [(e.item.id, e.item.photos, dict(e.item.attributes)) for e in feed]


@pytest.fixture
def photos(write, tmp_path):
    for name in (
        "b.png",
        "Boots/1.JPG",
        "Boots/high/2.webp",
        "Boots.gif",
        "ä/ü 1.jpeg",
        ".hidden.jpg",
        ".git/x.jpg",
        "note.txt",
    ):
        write(f"photos/{name}", b"x")
    return tmp_path / "photos"


def test_every_photo_is_an_item(photos):
    feed = open_feed(photos)
    assert items(feed) == [
        ("Boots", ("Boots.gif",), {}),
        ("Boots/1", ("Boots/1.JPG",), {"product_type": "Boots"}),
        ("Boots/high/2", ("Boots/high/2.webp",), {"product_type": "high"}),
        ("b", ("b.png",), {}),
        ("ä/ü 1", ("ä/ü 1.jpeg",), {"product_type": "ä"}),
    ]
    assert (feed.profile, feed.root) == ("folder", photos)


def test_photos_come_in_the_order_of_their_sorted_paths(photos):
    links = [entry.item.photos[0] for entry in open_feed(photos)]
    assert links == sorted(links)


def test_two_photos_of_one_name_are_one_item(photos, write):
    write("photos/b.jpg", b"x")
    codes = [entry.code for entry in open_feed(photos) if not isinstance(entry, FeedRow)]
    assert codes == ["duplicate_id"]


def test_links_to_folders_are_not_followed(photos):
    (photos / "circle").symlink_to(photos)
    assert len(items(open_feed(photos))) == 5


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_metadata_is_honoured(kind, photos, write):
    rows = [
        {"file_name": "Boots/1.JPG", "sku": "B1", "colour": "Red"},
        {"file_name": "b.png", "sku": "", "colour": "Blue"},
    ]
    if kind == "csv":
        write("photos/metadata.csv", "file_name,sku,colour\n" + "".join(",".join(r.values()) + "\n" for r in rows))
    else:
        write("photos/metadata.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    feed = open_feed(photos, mapping={"id": "photo_id"})
    assert items(feed)[:2] == [
        ("Boots/1", ("Boots/1.JPG",), {"sku": "B1", "color": "Red"}),
        ("b", ("b.png",), {"color": "Blue"}),
    ]
    assert [link for _, (link,), _ in items(feed)][2:] == ["Boots.gif", "Boots/high/2.webp", "ä/ü 1.jpeg"]


def test_metadata_without_file_name_is_refused(photos, write):
    write("photos/metadata.csv", "id,colour\n1,Red\n")
    with pytest.raises(FeedError, match="file_name"):
        open_feed(photos)


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(FeedError, match="no photo in") as caught:
        open_feed(tmp_path)
    assert caught.value.code == "no_photos"


def test_a_folder_that_cannot_be_listed_is_a_problem(photos, monkeypatch):
    feed = open_feed(photos)
    scan = os.scandir

    def refuse(path):
        if str(path).rstrip("/").endswith("high"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)  # file modes do not bind root, as whom tests may run
    codes = [entry.code for entry in feed if not isinstance(entry, FeedRow)]
    assert codes == ["unreadable_folder"]
    assert sum(isinstance(entry, FeedRow) for entry in feed) == 4
