"""A catalogue to index into: drawn photos, an encoder of pixels beside the real one of colour, a store in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.feed import RowProblem, open_feed
from indexer.journal import open_journal
from indexer.pipeline import Rows, index_rows
from indexer.report import IndexReport
from search.catalogue import Catalogue
from search.encoders.registry import open_encoder
from search.manifest import Manifest
from search.store import Point, Store
from search.stores.edge import open_edge_store
from search.thumbnails import Thumbnails
from tests.contracts.drawn_shop import Row
from tests.contracts.memory_store import MemoryStore
from tests.contracts.no_tagger import refuse_tagger
from tests.contracts.pixel_encoder import PixelEncoder


@dataclass(kw_only=True)
class Shop:
    """A catalogue and what is needed to index into it."""

    folder: Path
    catalogue: Catalogue
    pixels: PixelEncoder

    @property
    def store(self) -> Store:
        """The catalogue's store."""
        return self.catalogue.store

    def index(self, feed: Path, **settings) -> IndexReport:
        """Index a feed as the command line does."""
        opened = open_feed(feed, schema=self.catalogue.manifest.attributes)
        self.catalogue.adopt_attributes(opened.schema)
        return self.index_rows(Rows(name=str(feed), root=opened.root, rows=opened), **settings)

    def index_rows(self, rows: Rows, **settings) -> IndexReport:
        """Index these rows."""
        with open_journal(self.folder) as journal:
            return index_rows(rows, self.catalogue, journal=journal, reports=self.folder / "reports", **settings)


def open_memory_store(*, spaces, schema) -> MemoryStore:
    """An opener of the store in memory, for `open_shop`."""
    return MemoryStore({space.name: space.dimension for space in spaces})


def open_shop(folder: Path, opener: Callable[..., Store], open_tagger=refuse_tagger) -> Shop:
    """An empty catalogue in this folder."""
    pixels = PixelEncoder()
    encoders = (pixels, open_encoder("color", models=folder / "models"))
    spaces = tuple(encoder.space for encoder in encoders)
    manifest = Manifest(spaces=spaces, weights={"pixels": 0.5, "color": 0.5}, attributes={})
    catalogue = Catalogue(
        folder=folder,
        manifest=manifest,
        store=opener(spaces=spaces, schema={}),
        open_encoders=lambda: encoders,
        open_tagger=open_tagger,
        thumbnails=Thumbnails(folder / "thumbnails"),
    )
    return Shop(folder=folder, catalogue=catalogue, pixels=pixels)


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[[str], Shop]:
    """Empty catalogues, each in a folder of its own, their stores in memory."""

    def make(name: str) -> Shop:
        return open_shop(tmp_path / name, open_memory_store)

    return make


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    """An empty catalogue."""
    return make_shop("data")


@pytest.fixture
def edge_shop(tmp_path: Path) -> Iterator[Shop]:
    """An empty catalogue on the embedded engine."""
    shop = open_shop(
        tmp_path / "edge",
        lambda *, spaces, schema: open_edge_store(tmp_path / "edge" / "shard", spaces=spaces, schema=schema),
    )
    yield shop
    shop.store.close()


@pytest.fixture
def read_problems() -> Callable[[IndexReport], list[RowProblem]]:
    """The problems in a report's file, in its order."""

    def read(report: IndexReport) -> list[RowProblem]:
        assert report.problems_file is not None
        lines = Path(report.problems_file).read_text("utf-8").splitlines()
        return [RowProblem(**json.loads(line)) for line in lines]

    return read


def read_points(shop) -> dict[tuple[str, int], Point]:
    """Everything in a store in memory."""
    return dict(shop.store._points)


def assert_same_points(found: dict, expected: dict) -> None:
    """Two catalogues hold the same."""
    assert found.keys() == expected.keys()
    for key, point in expected.items():
        assert replace(found[key], vectors={}) == replace(point, vectors={})
        for space in ("pixels", "color"):
            np.testing.assert_allclose(found[key].vectors[space], point.vectors[space], atol=1e-6)


def assert_adds_up(report) -> None:
    """Every row read is in one of the counts."""
    assert report.read == report.indexed + report.updated + report.unchanged + report.failed


def spoil(rows: list[Row], folder: Path) -> list[tuple[int, str | None, str, str]]:
    """Make one row of each kind unusable; returns (row, id, field, code), in order."""
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo at all")
    (folder / "photos" / "page.jpg").write_bytes(b"<html>404</html>")
    (folder / "photos" / "empty.jpg").write_bytes(b"")
    Image.new("1", (7_000, 7_000)).save(folder / "photos" / "huge.png")
    rows[3] |= {"image_link": "photos/nowhere.jpg"}
    rows[5] |= {"id": ""}
    rows[8] |= {"image_link": "photos/broken.jpg"}
    rows[9] |= {"id": "item-2"}
    rows[12] |= {"price": "about ten"}
    rows[15] |= {"image_link": "https://shop.example/15.jpg"}
    rows[20] |= {"image_link": "photos/page.jpg"}
    rows[21] |= {"image_link": ""}
    rows[22] |= {"image_link": "photos/empty.jpg"}
    rows[23] |= {"image_link": "photos/huge.png"}
    rows[24] |= {"image_link": "photos"}
    return [
        (4, "item-3", "image_link", "missing_photo"),
        (6, None, "id", "missing_id"),
        (9, "item-8", "image_link", "unreadable_photo"),
        (10, "item-2", "id", "duplicate_id"),
        (13, "item-12", "price", "wrong_type"),
        (16, "item-15", "image_link", "remote_photo"),
        (21, "item-20", "image_link", "unsupported_format"),
        (22, "item-21", "image_link", "missing_photo"),
        (23, "item-22", "image_link", "empty_photo"),
        (24, "item-23", "image_link", "photo_too_large"),
        (25, "item-24", "image_link", "unreadable_photo"),
    ]
