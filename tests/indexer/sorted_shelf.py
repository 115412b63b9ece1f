"""A catalogue in memory whose vectors show what its items are: types far apart, colours nearer, and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.attributes import AttributeKind
from search.embedding import Space, normalise_rows
from search.item import AttributeValue, Item, PhotoRecord
from search.manifest import Manifest
from search.store import Point, Store
from tests.contracts.memory_store import MemoryStore

SPACES = (
    Space(name="shape", dimension=12, weights_sha256="0" * 64),
    Space(name="tint", dimension=6, weights_sha256="1" * 64),
)
TYPES = ("Shoes", "Shirts", "Bags", "Hats")
COLORS = ("Red", "Blue", "Green")
MANIFEST = Manifest(
    spaces=SPACES,
    weights={"shape": 0.7, "tint": 0.3},
    attributes={
        "title": AttributeKind.TEXT,
        "color": AttributeKind.KEYWORD,
        "gender": AttributeKind.KEYWORD,
        "product_type": AttributeKind.KEYWORD,
        "split": AttributeKind.KEYWORD,
        "year": AttributeKind.INTEGER,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A catalogue as far as an evaluation needs one."""

    manifest: Manifest
    store: Store


def fill_shelf(count: int, *, seed: int = 0, noise: float = 0.9) -> Shelf:
    """Items of four types in three colours, three in five of them to learn from, and the rest split evenly."""
    store = MemoryStore({space.name: space.dimension for space in SPACES})
    store.upsert(draw_points(count, seed=seed, noise=noise))
    return Shelf(manifest=MANIFEST, store=store)


def draw_points(count: int, *, seed: int, noise: float) -> list[Point]:
    """The items, one photo each."""
    generator = np.random.default_rng(seed)
    centres = {name: generator.normal(size=12) / 3 for name in TYPES}
    tints = {name: generator.normal(size=6) / 2 for name in COLORS}
    points = []
    for number in range(count):
        kind, color = str(generator.choice(TYPES)), str(generator.choice(COLORS))
        attributes: dict[str, AttributeValue] = {
            "title": f"{color} {kind}",
            "color": color,
            "product_type": kind,
            "gender": str(generator.choice(["Women", "Men"])),
            "split": str(generator.choice(["train", "val", "test"], p=[0.6, 0.2, 0.2])),
            "year": 2000 + number % 100,
        }
        vectors = {
            "shape": centres[kind] + noise * generator.normal(size=12) / 3,
            "tint": tints[color] + noise * generator.normal(size=6) / 2,
        }
        points.append(
            Point(
                item=Item(id=f"item {number}", attributes=attributes, photos=(f"{number}.jpg",)),
                photo=PhotoRecord(index=0, link=f"{number}.jpg", sha256=f"photo {number}", width=9, height=9),
                vectors={n: normalise_rows(np.asarray([v], dtype=np.float32))[0] for n, v in vectors.items()},
                photos_sha256="p",
                row_sha256="r",
            )
        )
    return points
