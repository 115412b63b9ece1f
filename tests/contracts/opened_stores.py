"""Every store opened empty, and the points that the contract suites write into it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from qdrant_client import QdrantClient

from search.attributes import AttributeKind
from search.embedding import Space, normalise_rows
from search.item import Item, PhotoRecord
from search.manifest import Manifest
from search.store import Leg, Point, Store
from search.stores.edge import open_edge_store
from search.stores.process import ProcessStore, StoreProcess
from search.stores.server import open_server_store
from tests.contracts.memory_store import MemoryStore

# Read at import: a fixture takes the caller's settings away from every test.
QDRANT_URL = os.environ.get("VITRINE_QDRANT_URL", "")
SPACES = (
    Space(name="shape", dimension=16, weights_sha256="a" * 64),
    Space(name="color", dimension=8, weights_sha256="b" * 64),
)
SCHEMA = {
    "title": AttributeKind.TEXT,
    "color": AttributeKind.KEYWORD,
    "Body (HTML)": AttributeKind.KEYWORD,
    "price": AttributeKind.NUMBER,
    "year": AttributeKind.INTEGER,
}
MANIFEST = Manifest(spaces=SPACES, weights={}, attributes=SCHEMA)
COLORS = ("Red", "Blue", "Grün ☃", 'say "hi"')


def open_edge(folder: Path) -> Iterator[Store]:
    store = open_edge_store(folder / "shard", spaces=SPACES, schema=SCHEMA)
    yield store
    store.close()


def open_edge_process(folder: Path) -> Iterator[Store]:
    process = StoreProcess(folder / "shard", folder, read_manifest=lambda: MANIFEST)
    store = ProcessStore(folder / "store.json")
    yield store
    store.close()
    process.close()


def open_local(folder: Path) -> Iterator[Store]:
    store = open_server_store(QdrantClient(":memory:"), "contract", spaces=SPACES, schema=SCHEMA)
    yield store
    store.close()


def open_memory(folder: Path) -> Iterator[Store]:
    store = MemoryStore({space.name: space.dimension for space in SPACES})
    store.index_attributes(SCHEMA)
    yield store


def open_server(folder: Path) -> Iterator[Store]:
    client = QdrantClient(url=QDRANT_URL)
    name = f"vitrine-contract-{uuid.uuid4().hex[:8]}"
    store = open_server_store(client, name, spaces=SPACES, schema=SCHEMA)
    yield store
    client.delete_collection(name)
    store.close()


OPENERS: dict[str, Callable[[Path], Iterator[Store]]] = {
    "edge": open_edge,
    "edge-process": open_edge_process,
    "client-local": open_local,
    "memory": open_memory,
} | ({"server": open_server} if QDRANT_URL else {})


def make_points(count: int, *, seed: int = 0) -> list[Point]:
    rng = np.random.default_rng(seed)
    shape = normalise_rows(rng.normal(size=(count, 16)).astype(np.float32))
    color = normalise_rows(rng.random(size=(count, 8)).astype(np.float32))
    return [make_point(f"item {n}", n, shape[n], color[n]) for n in range(count)]


def make_point(item_id: str, n: int, shape: np.ndarray, color: np.ndarray, *, index: int = 0) -> Point:  # type: ignore[type-arg]
    attributes = {
        "title": f"title {n}",
        "color": (COLORS[n % 4], "Many") if n % 5 == 0 else COLORS[n % 4],
        "Body (HTML)": f"x{n % 3}",
        "price": n + 0.5,
        "year": 2000 + n % 7,
    }
    if n % 10 == 9:
        del attributes["price"]
    return Point(
        item=Item(id=item_id, attributes=attributes, photos=(f"{n}.jpg",)),  # type: ignore[arg-type]
        photo=PhotoRecord(index=index, link=f"{n}.jpg", sha256=f"{n:064d}", width=10, height=20),
        vectors={"shape": shape, "color": color},
        photos_sha256=f"p{n}",
        row_sha256=f"r{n}",
    )


def legs(point: Point, weight: float = 0.7) -> list[Leg]:
    return [
        Leg(space="shape", vector=point.vectors["shape"], weight=weight),
        Leg(space="color", vector=point.vectors["color"], weight=1 - weight),
    ]
