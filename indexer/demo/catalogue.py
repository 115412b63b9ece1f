"""Makes the demo catalogue: photos of garments in a dozen colours, and a feed that says truly what they are.

Works with garments in grey, from Fashion-MNIST or drawn. Knows nothing of stores, encoders or settings.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from classifier.data.fashion_mnist_files import CATEGORIES, FashionMnist, load_fashion_mnist
from classifier.data.fetching import Say
from indexer.demo.drawing import draw_garment
from indexer.demo.palette import COLOURS, Rgb
from indexer.demo.rows import COLUMNS, write_row
from indexer.demo.tint import tint_garment
from search.errors import InputError, NotFoundError

FEED, MARKER, PHOTOS = "products.csv", "demo.json", "photos"
_VERSION = 1  # of what a seed makes; a new one makes old folders anew

Source = Literal["fashion-mnist", "drawn"]
Progress = Callable[[int, int], None]
"""Called with the number of photos made and the number wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCatalogue:
    """What was made.

    Attributes:
        feed: the CSV file; its photo links are relative to its folder.
        source: whose garments they are.
        note: the same as a sentence for a person, with the reason where they had to be drawn.
    """

    feed: Path
    source: Source
    note: str


def make_demo_catalogue(
    folder: Path,
    *,
    cache: Path,
    count: int = 2_000,
    seed: int = 0,
    fashion_mnist: Path | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
) -> DemoCatalogue:
    """A catalogue of Fashion-MNIST's garments, or of drawn ones where those cannot be had; the note says which.

    The same seed makes the same files. A folder that already holds this catalogue is left as it is.

    Args:
        folder: where the feed and its photos go.
        cache: where Fashion-MNIST is kept, once fetched.
        count: number of items, 1 or more; every category in every colour comes up equally often.
        fashion_mnist: a folder that has Fashion-MNIST's files; else the cache, else they are fetched.
        progress: called after each photo.
        say: told what is being fetched.

    Raises:
        InputError: a count below 1.
        NotFoundError: `fashion_mnist` is given and has no such files.
    """
    if count < 1:
        raise InputError(f"a demo catalogue of {count} items cannot be made; ask for 1 or more")
    made = _read_marker(folder, count=count, seed=seed)
    if made is not None and made.source == "fashion-mnist":
        return made
    try:
        photos = load_fashion_mnist(cache=cache, folder=fashion_mnist, say=say)
    except NotFoundError as error:
        if fashion_mnist is not None:
            raise
        return made or draw_catalogue(folder, count=count, seed=seed, reason=error.message, progress=progress)
    garments = _pick_garments(photos, np.random.default_rng(seed))
    note = f"{count} garments of Fashion-MNIST's training images, tinted in {len(COLOURS)} colours"
    return _write_catalogue(
        folder, garments, DemoCatalogue(feed=folder / FEED, source="fashion-mnist", note=note), count, seed, progress
    )


def draw_catalogue(
    folder: Path, *, count: int = 2_000, seed: int = 0, reason: str = "", progress: Progress | None = None
) -> DemoCatalogue:
    """The same kind of catalogue from garments drawn with Pillow; needs nothing from outside.

    Args:
        reason: why it is drawn, for the note.
    """
    garments = _draw_garments(np.random.default_rng(seed))
    note = f"{count} garments drawn with Pillow in {len(COLOURS)} colours" + (f"; {reason}" if reason else "")
    return _write_catalogue(
        folder, garments, DemoCatalogue(feed=folder / FEED, source="drawn", note=note), count, seed, progress
    )


def _plan_pairs(random: Generator) -> Iterator[tuple[str, str]]:
    """(category, colour) without end: every pair once before any comes again, shuffled each time."""
    pairs = [(category, colour) for category in CATEGORIES for colour in COLOURS]
    while True:
        for n in random.permutation(len(pairs)):
            yield pairs[n]


Garment = tuple[str, str, NDArray[np.float32]]


def _pick_garments(photos: FashionMnist, random: Generator) -> Iterator[Garment]:
    """Training images of each category in a shuffled order; from the start again when they are used up."""
    order = [random.permutation(np.flatnonzero(photos.labels == label)) for label in range(len(CATEGORIES))]
    used = [0] * len(CATEGORIES)
    for category, colour in _plan_pairs(random):
        label = CATEGORIES.index(category)
        index = order[label][used[label] % len(order[label])]
        used[label] += 1
        yield category, colour, photos.images[index].astype(np.float32) / 255.0


def _draw_garments(random: Generator) -> Iterator[Garment]:
    for category, colour in _plan_pairs(random):
        yield category, colour, draw_garment(category, random)


def _write_catalogue(
    folder: Path,
    garments: Iterator[Garment],
    catalogue: DemoCatalogue,
    count: int,
    seed: int,
    progress: Progress | None,
) -> DemoCatalogue:
    """Photos first, then the feed, then the marker, each written aside and renamed: what is there is whole."""
    (folder / PHOTOS).mkdir(parents=True, exist_ok=True)
    (folder / MARKER).unlink(missing_ok=True)
    random = np.random.default_rng([seed, 1])  # apart from the one that picks garments
    aside = folder / f"{FEED}.{os.getpid()}.tmp"
    try:
        with aside.open("w", encoding="utf-8", newline="") as out:
            feed = csv.DictWriter(out, COLUMNS)
            feed.writeheader()
            for n, (category, colour, grey) in zip(range(count), garments, strict=False):
                name = f"{PHOTOS}/D{n:05d}.jpg"
                _write_photo(folder / name, grey, _vary_colour(COLOURS[colour], random))
                feed.writerow(write_row(f"D{n:05d}", category, colour, name, random))
                if progress:
                    progress(n + 1, count)
        aside.replace(catalogue.feed)
        marker = {"version": _VERSION, "count": count, "seed": seed} | asdict(catalogue) | {"feed": FEED}
        aside.write_text(json.dumps(marker, indent=2), "utf-8")
        aside.replace(folder / MARKER)
    finally:
        aside.unlink(missing_ok=True)
    return catalogue


def _vary_colour(colour: Rgb, random: Generator) -> Rgb:
    """Two red shirts are not the same red."""
    red, green, blue = (int(np.clip(value + random.integers(-5, 6), 0, 250)) for value in colour)
    return red, green, blue


def _write_photo(path: Path, grey: NDArray[np.float32], colour: Rgb) -> None:
    aside = path.with_suffix(".tmp")
    tint_garment(grey, colour).save(aside, format="JPEG", quality=90, subsampling=0)
    aside.replace(path)


def _read_marker(folder: Path, *, count: int, seed: int) -> DemoCatalogue | None:
    """The catalogue this folder holds, if it is whole and the one wanted."""
    try:
        marker = json.loads((folder / MARKER).read_text("utf-8"))
        wanted = (_VERSION, count, seed)
        if (marker["version"], marker["count"], marker["seed"]) != wanted or not (folder / FEED).is_file():
            return None
        return DemoCatalogue(feed=folder / FEED, source=marker["source"], note=marker["note"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
