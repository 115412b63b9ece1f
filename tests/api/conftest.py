"""A small real catalogue behind the application: drawn photos, an encoder of colours, the embedded engine."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from api.app import create_app
from indexer.items import put_item
from search.attributes import AttributeKind
from search.catalogue import Catalogue
from search.embedder import EmbeddedPhoto
from search.item import Item
from search.manifest import ClassifierRecord, Manifest
from search.region import Box
from search.stores.edge import open_edge_store
from search.thumbnails import Thumbnails
from tests.contracts.color_tagger import ColorTagger
from tests.contracts.no_tagger import refuse_tagger
from tests.contracts.pixel_encoder import PixelEncoder

COLORS = {"Red": (200, 30, 40), "Green": (40, 160, 60), "Blue": (40, 60, 190)}
SHAPES = ("circle", "square")
SCHEMA = {
    "title": AttributeKind.TEXT,
    "color": AttributeKind.KEYWORD,
    "product_type": AttributeKind.KEYWORD,
    "price": AttributeKind.NUMBER,
    "year": AttributeKind.INTEGER,
}


ENCODERS = (PixelEncoder("shape", 8), PixelEncoder("color", 1))
TAGGER = ColorTagger(COLORS, encoder="shape")
"""What the classified catalogue starts with."""

OTHER_TAGGER = ColorTagger(COLORS, encoder="shape", seed=1)
"""Agrees with it, in vectors that are turned: the two cannot be compared."""


class SlowCatalogue(Catalogue):
    """A catalogue whose photos wait at a gate, so that a test decides how long one takes."""

    gate: threading.Event

    def embed_photo(self, data: bytes, region: Box | None = None) -> EmbeddedPhoto:
        assert self.gate.wait(20)
        return super().embed_photo(data, region)


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


def find_tagger(record: ClassifierRecord) -> ColorTagger:
    """The one of the two a catalogue says it has."""
    return next(tagger for tagger in (TAGGER, OTHER_TAGGER) if tagger.version == record.version)


def build_catalogue(folder: Path, tagger: ColorTagger | None = None) -> Catalogue:
    """Twelve items: three colours, two shapes, two of each. With a classifier the last six have no colour."""
    spaces = tuple(encoder.space for encoder in ENCODERS)
    weights = {"shape": 0.5, "color": 0.5}
    if tagger is not None:
        spaces, weights = (*spaces, tagger.space), {"shape": 0.4, "color": 0.4, "classifier": 0.2}
    catalogue = Catalogue(
        folder=folder,
        manifest=Manifest(
            spaces=spaces, weights=weights, attributes=SCHEMA, classifier=tagger.record if tagger else None
        ),
        store=open_edge_store(folder / "shard", spaces=spaces, schema=SCHEMA),
        open_encoders=lambda: ENCODERS,
        open_tagger=refuse_tagger if tagger is None else find_tagger,
        thumbnails=Thumbnails(folder / "thumbnails"),
    )
    for number in range(12):
        color, shape = tuple(COLORS)[number % 3], SHAPES[number % 2]
        attributes = {
            "title": f"{color} {shape} {number}",
            "product_type": shape,
            "price": 10.0 + number,
            "year": 2010 + number % 4,
        }
        if tagger is None or number < 6:
            attributes["color"] = color
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


@pytest.fixture(scope="session")
def classified_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """The twelve items with a classifier, for tests that write nothing; the shop has named six colours only."""
    catalogue = build_catalogue(tmp_path_factory.mktemp("classified"), TAGGER)
    yield catalogue
    catalogue.close()


@pytest.fixture
def own_classified_catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """The same, for one test to give another classifier."""
    catalogue = build_catalogue(tmp_path / "classified", TAGGER)
    yield catalogue
    catalogue.close()


@pytest.fixture
def slow_catalogue(catalogue: Catalogue, tmp_path: Path) -> Iterator[SlowCatalogue]:
    """The twelve items; photos that are asked with wait until `gate` is set."""
    slow = SlowCatalogue(
        folder=tmp_path,
        manifest=catalogue.manifest,
        store=catalogue.store,
        open_encoders=lambda: ENCODERS,
        open_tagger=refuse_tagger,
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
def classifying_client(make_client: Callable[..., TestClient], classified_catalogue: Catalogue) -> TestClient:
    """The application over the classified catalogue."""
    return make_client(catalogue=classified_catalogue)


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    """The application with the tests' settings."""
    return make_client()
