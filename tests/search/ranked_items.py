"""Items with random embeddings and labels, for tests of ranking: a few kinds of embeddings mean many equal scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.attributes import AttributeKind
from search.embedding import Space, normalise_rows
from search.item import Item, PhotoRecord
from search.manifest import Manifest
from search.store import Point
from tests.contracts.memory_store import MemoryStore

MANIFEST = Manifest(
    spaces=(
        Space(name="shape", dimension=6, weights_sha256="0" * 64),
        Space(name="tint", dimension=3, weights_sha256="1" * 64),
    ),
    weights={"shape": 3.0, "tint": 1.0},
    attributes={
        "title": AttributeKind.TEXT,
        "color": AttributeKind.KEYWORD,
        "brand": AttributeKind.KEYWORD,
        "year": AttributeKind.INTEGER,
        "price": AttributeKind.NUMBER,
    },
)
DIMENSIONS = {space.name: space.dimension for space in MANIFEST.spaces}
COLORS = ("Red", "Blue", "Green")


def draw_vectors(rng: np.random.Generator, kinds: int) -> dict[str, np.ndarray]:
    """One of `kinds` embeddings in each space, so that few kinds mean many equal scores."""
    vectors = {}
    for name, dimension in DIMENSIONS.items():
        pool = np.random.default_rng(dimension).normal(size=(kinds, dimension)).astype(np.float32)
        vectors[name] = normalise_rows(pool)[rng.integers(kinds)]
    return vectors


def make_points(items: int, *, photos: int = 3, kinds: int = 1_000, seed: int = 0) -> list[Point]:
    """Items with 1 to `photos` photos each."""
    rng = np.random.default_rng(seed)
    points = []
    for number in rng.permutation(items):
        links = tuple(f"{number}-{index}.jpg" for index in range(rng.integers(1, photos + 1)))
        item = Item(
            id=f"item {number}",
            attributes={
                "title": f"no. {number}",
                "color": COLORS[number % 3] if number % 7 else (COLORS[number % 3], "Gold"),
                "brand": ("Acme", "Borea")[number % 2],
                "year": 2010 + int(number) % 4,
                "price": float(number),
            },
            photos=links,
        )
        for index, link in enumerate(links):
            record = PhotoRecord(index=index, link=link, sha256=f"{number}-{index}", width=9, height=9)
            points.append(
                Point(item=item, photo=record, vectors=draw_vectors(rng, kinds), photos_sha256="p", row_sha256="r")
            )
    return points


def make_store(points: Sequence[Point], kind: type[MemoryStore] = MemoryStore) -> MemoryStore:
    """A store in memory that holds these points."""
    store = kind(DIMENSIONS)
    store.upsert(points)
    return store
