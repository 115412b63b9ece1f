"""Duplicates in a small catalogue: equal files, resaved ones, other pictures, photos of one item, old photos."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from indexer import duplicates
from indexer.duplicates import DuplicateRule, find_duplicates
from search.errors import QueryError
from search.item import Item, PhotoRecord
from search.perceptual_hash import compute_phash
from search.photo import encode_thumbnail
from search.store import Point
from search.thumbnails import Thumbnails
from tests.contracts.drawn_shop import draw_photo
from tests.contracts.memory_store import MemoryStore

SPACE = "pixels"


def turn(cosine: float) -> np.ndarray:
    return np.array([cosine, np.sqrt(1 - cosine**2)], np.float32)


class Photos:
    """A store in memory that photos are put into by hash and vector."""

    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore({SPACE: 2})
        self.thumbnails = Thumbnails(folder / "thumbnails")

    def add(self, item_id: str, phash: str, cosine: float = 1.0, *, index: int = 0, data: str | None = None) -> None:
        sha256 = f"{abs(hash((data or item_id, index if data is None else 0))) % 16**15:064x}"
        photo = PhotoRecord(index=index, link=f"{item_id}-{index}.jpg", sha256=sha256, width=8, height=8, phash=phash)
        item = Item(id=item_id, attributes={"title": f"no. {item_id}"}, photos=(photo.link,))
        self.store.upsert(
            [Point(item=item, photo=photo, vectors={SPACE: turn(cosine)}, photos_sha256="p", row_sha256="r")]
        )

    def find(self, **rule: object) -> list[list[tuple[str, int]]]:
        report = find_duplicates(self.store, self.thumbnails, SPACE, DuplicateRule(**rule))
        return [[(photo.item_id, photo.index) for photo in group.photos] for group in report.groups]


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    return Photos(tmp_path)


def test_hash_and_embedding_have_to_agree(photos: Photos) -> None:
    photos.add("a", "00000000000000ff")
    photos.add("b", "00000000000000fc", 0.98)
    photos.add("seen-otherwise", "00000000000000ff", 0.5)
    photos.add("lit-otherwise", "000000ff000000ff")
    assert photos.find() == [[("a", 0), ("b", 0)]]
    assert photos.find(max_bits=1) == []
    assert photos.find(min_similarity=0.99) == []
    assert photos.find(min_similarity=0.4, max_bits=8) == [
        [("a", 0), ("b", 0), ("lit-otherwise", 0), ("seen-otherwise", 0)]
    ]


def test_equal_files_are_a_group_whatever_else(photos: Photos) -> None:
    for item_id in ("a", "b", "c"):
        photos.add(item_id, "", data="one file")
    photos.add("d", "")
    report = find_duplicates(photos.store, photos.thumbnails, SPACE, DuplicateRule(max_bits=None))
    (group,) = report.groups
    assert [photo.item_id for photo in group.photos] == ["a", "b", "c"]
    assert (group.exact, group.bits, group.similarity) == (True, 0, 1.0)
    assert (report.photos, report.unmeasured) == (4, 0)
    assert find_duplicates(photos.store, photos.thumbnails, SPACE).unmeasured == 4


def test_a_group_is_what_hangs_together_and_says_how_loosely(photos: Photos) -> None:
    photos.add("a", "0000000000000000")
    photos.add("b", "000000000000000f", 0.98)
    photos.add("c", "00000000000000ff", 0.99)
    photos.add("c-again", "00000000000000ff", 0.99, data="c2")
    (group,) = find_duplicates(photos.store, photos.thumbnails, SPACE).groups
    assert [photo.item_id for photo in group.photos] == ["a", "b", "c", "c-again"]
    assert not group.exact
    assert group.bits == 4
    assert group.similarity == pytest.approx(0.98, abs=1e-6)


def test_photos_of_one_item_are_asked_for(photos: Photos) -> None:
    photos.add("a", "000000000000000f")
    photos.add("a", "000000000000000f", index=1)
    photos.add("b", "ffffffff00000000", 0.0)
    assert photos.find() == []
    assert photos.find(within_items=True) == [[("a", 0), ("a", 1)]]
    photos.add("c", "000000000000000f")
    assert photos.find() == [[("a", 0), ("a", 1), ("c", 0)]]


def test_the_largest_group_comes_first(photos: Photos) -> None:
    for item_id in ("x", "y", "z"):
        photos.add(item_id, "ffff000000000000", 0.1)
    for item_id in ("a", "b"):
        photos.add(item_id, "000000000000ffff")
    assert [[item_id for item_id, _ in group] for group in photos.find()] == [["x", "y", "z"], ["a", "b"]]


def test_photos_indexed_without_a_hash_get_it_from_their_thumbnails(photos: Photos, tmp_path: Path) -> None:
    draw_photo(tmp_path / "photo.jpg", 3, side=240)
    with Image.open(tmp_path / "photo.jpg") as file:
        picture = file.convert("RGB")
    for item_id in ("old", "older"):
        photos.add(item_id, "")
        sha256 = photos.store.read_items([item_id])[item_id].photo.sha256
        photos.thumbnails.write(sha256, encode_thumbnail(picture))
    photos.add("new", compute_phash(picture))
    photos.add("lost", "")
    report = find_duplicates(photos.store, photos.thumbnails, SPACE)
    assert [[photo.item_id for photo in group.photos] for group in report.groups] == [["new", "old", "older"]]
    assert report.unmeasured == 1


def test_a_photo_without_an_embedding_is_compared_by_its_bytes_only(photos: Photos) -> None:
    photos.add("a", "000000000000000f")
    point = photos.store.read_items(["a"])["a"]
    bare = replace(point.photo, sha256="f" * 64)
    item = Item(id="bare", attributes={}, photos=("bare.jpg",))
    photos.store.upsert([Point(item=item, photo=bare, vectors={}, photos_sha256="p", row_sha256="r")])
    assert photos.find() == []


def test_a_catalogue_of_one_picture_in_all_items_is_refused_not_compared_pair_by_pair(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        photos.add(f"item-{number}", "00000000000000ff")
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 65)
    with pytest.raises(QueryError, match="smaller --max-bits") as refused:
        photos.find()
    assert refused.value.code == "too_many_pairs"
    assert photos.find(max_bits=None) == []


def test_an_empty_catalogue_has_none(photos: Photos) -> None:
    report = find_duplicates(photos.store, photos.thumbnails, SPACE)
    assert report.to_wire() == {"photos": 0, "unmeasured": 0, "found": 0, "groups": []}


def test_indexed_copies_are_found(make_shop, tmp_path: Path) -> None:
    """Start to end: a resaved and resized copy under another id, and the very same file under a third one."""
    shop, folder = make_shop("data"), tmp_path / "feed"
    for number in range(4):
        draw_photo(folder / f"{number}.jpg", number * 37, side=200)
    with Image.open(folder / "0.jpg") as file:
        picture = file.convert("RGB")
    picture.resize((180, 180)).save(folder / "copy.jpg", quality=75)
    (folder / "same.jpg").write_bytes((folder / "1.jpg").read_bytes())
    other = picture.copy()
    ImageDraw.Draw(other).ellipse((20, 60, 190, 200), "#203070")
    other.save(folder / "other.jpg")
    names = ["0", "1", "2", "3", "copy", "same", "other"]
    with (folder / "feed.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("id", "title", "image_link"), *((n, n, f"{n}.jpg") for n in names)])
    assert shop.index(folder / "feed.csv").indexed == len(names)
    report = find_duplicates(shop.store, shop.catalogue.thumbnails, "pixels")
    assert [[photo.item_id for photo in group.photos] for group in report.groups] == [["0", "copy"], ["1", "same"]]
    assert [group.exact for group in report.groups] == [False, True]
    assert report.unmeasured == 0
