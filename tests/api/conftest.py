"""A small real catalogue behind the application: drawn photos, an encoder of colours, the embedded engine."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from api.app import create_app
from indexer.items import put_item
from search.attributes import AttributeKind
from search.catalogue import Catalogue
from search.embedder import EmbeddedPhoto, Embedder
from search.embedding import Space, normalise_rows
from search.item import Item
from search.manifest import Manifest
from search.stores.edge import open_edge_store
from search.thumbnails import Thumbnails

COLORS = {"Red": (200, 30, 40), "Green": (40, 160, 60), "Blue": (40, 60, 190)}
SHAPES = ("circle", "square")
SCHEMA = {
    "title": AttributeKind.TEXT,
    "color": AttributeKind.KEYWORD,
    "product_type": AttributeKind.KEYWORD,
    "price": AttributeKind.NUMBER,
    "year": AttributeKind.INTEGER,
}


class PixelEncoder:
    """Photos by their pixels on a grid: tells colours and shapes apart, and nothing else."""

    def __init__(self, name: str, side: int) -> None:
        self._side = side
        self._space = Space(
            name=name, dimension=3 * side * side, weights_sha256=hashlib.sha256(name.encode()).hexdigest()
        )

    @property
    def space(self) -> Space:
        return self._space

    def prepare(self, picture: Image.Image) -> np.ndarray:
        return np.asarray(picture.resize((self._side, self._side)), dtype=np.float32).reshape(-1)

    def embed(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        return normalise_rows(np.stack(prepared) - 127.5)


ENCODERS = (PixelEncoder("shape", 8), PixelEncoder("color", 1))


class SlowCatalogue(Catalogue):
    """A catalogue whose photos wait at a gate, so that a test decides how long one takes."""

    gate: threading.Event

    def embed_photo(self, data: bytes) -> EmbeddedPhoto:
        assert self.gate.wait(20)
        return super().embed_photo(data)


def draw_photo(
    color: str = "Red", shape: str = "circle", *, size: int = 400, form: str = "JPEG", seed: int = 0
) -> bytes:
    """A photo's file: a coloured shape on white, smaller for each seed."""
    picture = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(picture)
    edge = size // 5 + seed % 20 * 4
    box = (edge, edge, size - edge, size - edge)
    (draw.ellipse if shape == "circle" else draw.rectangle)(box, fill=COLORS[color])
    out = io.BytesIO()
    picture.save(out, form, comment=f"seed {seed}".encode()) if form == "JPEG" else picture.save(out, form)
    return out.getvalue()


def build_catalogue(folder: Path) -> Catalogue:
    """Twelve items: three colours, two shapes, two of each."""
    spaces = tuple(encoder.space for encoder in ENCODERS)
    catalogue = Catalogue(
        folder=folder,
        manifest=Manifest(spaces=spaces, weights={"shape": 0.5, "color": 0.5}, attributes=SCHEMA),
        store=open_edge_store(folder / "shard", spaces=spaces, schema=SCHEMA),
        embedder=Embedder(lambda: ENCODERS),
        thumbnails=Thumbnails(folder / "thumbnails"),
    )
    for number in range(12):
        color, shape = tuple(COLORS)[number % 3], SHAPES[number % 2]
        attributes = {
            "title": f"{color} {shape} {number}",
            "color": color,
            "product_type": shape,
            "price": 10.0 + number,
            "year": 2010 + number % 4,
        }
        put_item(
            catalogue,
            Item(id=f"item-{number}", attributes=attributes, photos=()),
            [draw_photo(color, shape, seed=number)],
        )
    return catalogue


def write_item(catalogue: Catalogue, item_id: str, photos: Sequence[bytes] = (), **attributes: str) -> None:
    """One more item."""
    put_item(catalogue, Item(id=item_id, attributes=attributes, photos=()), list(photos) or [draw_photo(seed=99)])


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """The twelve items, for tests that write nothing."""
    catalogue = build_catalogue(tmp_path_factory.mktemp("catalogue"))
    yield catalogue
    catalogue.close()


@pytest.fixture
def own_catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """The twelve items, for one test to write."""
    catalogue = build_catalogue(tmp_path / "data")
    yield catalogue
    catalogue.close()


@pytest.fixture
def slow_catalogue(catalogue: Catalogue, tmp_path: Path) -> Iterator[SlowCatalogue]:
    """The twelve items; photos that are asked with wait until `gate` is set."""
    slow = SlowCatalogue(
        folder=tmp_path,
        manifest=catalogue.manifest,
        store=catalogue.store,
        embedder=catalogue.embedder,
        thumbnails=catalogue.thumbnails,
    )
    slow.gate = threading.Event()
    yield slow
    slow.gate.set()


@pytest.fixture
def ui_folder(tmp_path: Path) -> Path:
    """A page of three files."""
    folder = tmp_path / "ui"
    (folder / "parts").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Vitrine</title>")
    (folder / "app.js").write_text("export {};")
    (folder / "parts" / "grid.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("not for the page")
    return folder


@pytest.fixture
def make_client(catalogue: Catalogue, ui_folder: Path) -> Iterator[Callable[..., TestClient]]:
    """A client of the application, which is made with these settings instead of the tests' own."""
    opened: list[TestClient] = []

    def open_client(**settings) -> TestClient:
        client = TestClient(make_app(**settings))
        opened.append(client.__enter__())
        return client

    def make_app(**settings) -> FastAPI:
        own = {"version": "1.2.3", "ui": ui_folder, "max_body_bytes": 2 * 2**20, "body_timeout_s": 5.0}
        return create_app(settings.pop("catalogue", catalogue), **{**own, **settings})

    yield open_client
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def writing_client(make_client: Callable[..., TestClient], own_catalogue: Catalogue) -> TestClient:
    """The application over a catalogue of its own."""
    return make_client(catalogue=own_catalogue)


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    """The application with the tests' settings."""
    return make_client()
