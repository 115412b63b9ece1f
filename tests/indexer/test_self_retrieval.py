"""Self-retrieval: photos drawn with Pillow, embedded by a small measured grid of colours, searched for again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from indexer.self_retrieval import ItemPhoto, check_self_retrieval, sample_photos
from search.embedding import Vector, normalise_rows
from search.errors import PhotoError
from search.item import Item, PhotoRecord
from search.query import Hit, PhotoExample, Query, Result
from search.store import Leg, Point
from tests.contracts.memory_store import MemoryStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    sha256: str
    embeddings: Mapping[str, Vector]


class GridCatalogue:
    """Embeds a photo as its colours on a 4 x 4 grid, centred; searches a store in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore({"grid": 48})

    def embed_photo(self, data: bytes) -> Fresh:
        try:
            with Image.open(io.BytesIO(data)) as picture:
                small = np.asarray(picture.convert("RGB").resize((4, 4)), dtype=np.float32)
        except UnidentifiedImageError:
            raise PhotoError("4 bytes are no photo; send a JPEG") from None
        vector = normalise_rows(small.reshape(1, -1) - 127.5)[0]
        return Fresh(sha256=hashlib.sha256(data).hexdigest(), embeddings={"grid": vector})

    def add(self, item_id: str, data: bytes) -> None:
        fresh = self.embed_photo(data)
        photo = PhotoRecord(index=0, link=f"{item_id}.png", sha256=fresh.sha256, width=9, height=9)
        item = Item(id=item_id, attributes={}, photos=(f"{item_id}.png",))
        self.store.upsert([Point(item=item, photo=photo, vectors=fresh.embeddings, photos_sha256="p", row_sha256="r")])

    def search(self, query: Query) -> Result:
        (example,) = query.examples
        assert isinstance(example, PhotoExample)
        legs = [Leg(space="grid", vector=example.embeddings["grid"], weight=1.0)]
        found = self.store.find_nearest(legs, query.conditions, limit=query.limit)
        hits = [Hit(item=f.point.item, photo=f.point.photo, score=f.score, parts=f.parts) for f in found]
        return Result(hits=hits, total=len(hits), facets={}, next_cursor=None, weights={"grid": 1.0}, search_ms=0.0)


def draw_photo(path: Path, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(9, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return path.read_bytes()


@pytest.fixture
def catalogue(tmp_path: Path) -> GridCatalogue:
    made = GridCatalogue()
    for number in range(20):
        made.add(f"item {number:02}", draw_photo(tmp_path / f"item {number:02}.png", number))
    return made


def photos_of(folder: Path) -> list[ItemPhoto]:
    return [ItemPhoto(item_id=path.stem, path=path) for path in sorted(folder.glob("*.png"))]


def test_every_photo_finds_its_own_item(catalogue: GridCatalogue, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = check_self_retrieval(
        catalogue, photos_of(tmp_path), progress=lambda done, total: seen.append((done, total))
    )
    assert (report.asked, report.found, report.identical, report.misses) == (20, 20, 0, ())
    assert seen[-1] == (20, 20)


def test_a_byte_identical_photo_of_another_item_counts_as_found(catalogue: GridCatalogue, tmp_path: Path) -> None:
    copy = tmp_path / "twin.png"
    copy.write_bytes((tmp_path / "item 03.png").read_bytes())
    catalogue.add("twin", copy.read_bytes())
    report = check_self_retrieval(catalogue, [ItemPhoto(item_id="twin", path=copy)])
    assert (report.found, report.identical) == (1, 1)


def test_a_photo_that_finds_another_item_cannot_be_read_or_is_gone_is_a_miss(
    catalogue: GridCatalogue, tmp_path: Path
) -> None:
    asked = [
        ItemPhoto(item_id="item 07", path=tmp_path / "nearly item 08.png"),
        ItemPhoto(item_id="item 01", path=tmp_path / "broken.png"),
        ItemPhoto(item_id="item 02", path=tmp_path / "gone.png"),
    ]
    with Image.open(tmp_path / "item 08.png") as picture:
        picture.resize((27, 27), Image.Resampling.NEAREST).save(tmp_path / "nearly item 08.png")
    (tmp_path / "broken.png").write_bytes(b"\x00\x01\x02\x03")
    report = check_self_retrieval(catalogue, asked)
    assert report.found == 0
    other, broken, gone = report.misses
    assert (other.first, other.score) == ("item 08", pytest.approx(1.0, abs=0.1))
    assert broken.reason == "4 bytes are no photo; send a JPEG"
    assert "gone.png cannot be read" in gone.reason
    assert report.to_wire()["misses"][0] == {
        "id": "item 07",
        "first": "item 08",
        "score": other.score,
        "reason": "another photo is nearer",
    }


def test_empty_catalogue_finds_nothing(tmp_path: Path) -> None:
    draw_photo(tmp_path / "a.png", 1)
    report = check_self_retrieval(GridCatalogue(), photos_of(tmp_path))
    assert report.misses[0].reason == "nothing was found"


def test_sample_takes_items_whose_photo_is_a_file_and_the_same_ones_for_a_seed(
    catalogue: GridCatalogue, tmp_path: Path
) -> None:
    items = [Item(id=f"item {n:02}", attributes={}, photos=(f"item {n:02}.png",)) for n in range(40)]
    items += [Item(id="bare", attributes={}, photos=())]
    drawn = sample_photos(items, tmp_path, count=10, seed=2)
    assert len({photo.item_id for photo in drawn}) == 10
    assert all(photo.path.is_file() for photo in drawn)
    assert drawn == sample_photos(iter(items), tmp_path, count=10, seed=2)
    assert drawn != sample_photos(items, tmp_path, count=10, seed=3)
    assert len(sample_photos(items, tmp_path, count=100)) == 20
