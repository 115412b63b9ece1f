"""Fashion-MNIST's training images, from wherever this machine can have them.

In this order: a folder that holds them, the cache, Debian's package (installed, else fetched), the mirror torchvision
knows. What is used is checked by the SHA-256 of its content. Knows nothing of colours, photos or catalogues.
Xiao, Rasul, Vollgraf: "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017. MIT.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.demo.fetching import Fetch, Say, fetch_from_debian, fetch_from_mirror
from search.errors import IntegrityError, NotFoundError

CATEGORIES = (
    "T-shirts",
    "Trousers",
    "Pullovers",
    "Dresses",
    "Coats",
    "Sandals",
    "Shirts",
    "Sneakers",
    "Bags",
    "Ankle boots",
)
"""By label, 0 to 9."""

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"

# Of the unpacked files: packages compress them anew.
_CONTENT_SHA256 = {
    IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FashionMnist:
    """The training images: `images` of shape (60000, 28, 28), 0 to 255, and `labels` of shape (60000,), 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


_INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package puts them

# In the order they are tried.
_SOURCES = (("Debian's package", fetch_from_debian), ("the download", fetch_from_mirror))


def load_fashion_mnist(
    *,
    cache: Path,
    folder: Path | None = None,
    say: Say | None = None,
    sources: Sequence[tuple[str, Fetch]] = _SOURCES,
) -> FashionMnist:
    """The training images; the first time they are fetched into `cache`, aside and then renamed into place.

    Args:
        cache: folder of our own, made where it is missing.
        folder: where the files already are, if anywhere: the files themselves, or torchvision's tree around them.
        say: told what is being tried.
        sources: how to fetch them, with a name for messages, in the order to try.

    Raises:
        NotFoundError: they are not in `folder`, or cannot be had at all; the message says what was tried.
    """
    if folder is not None:
        for place in (folder, folder / "FashionMNIST" / "raw", folder / "raw"):
            if (place / IMAGES).is_file() and (place / LABELS).is_file():
                return _read_files(place)
        raise NotFoundError(f"{folder} has no {IMAGES} and {LABELS}; leave the folder out to have them fetched")
    kept = cache / "fashion-mnist"
    if kept.is_dir():
        try:
            return _read_files(kept)
        except IntegrityError:
            shutil.rmtree(kept)  # ours, and worthless: fetched anew below
    if (_INSTALLED / IMAGES).is_file():
        return _read_files(_INSTALLED)
    cache.mkdir(parents=True, exist_ok=True)
    tried = []
    for name, fetch in sources:
        with tempfile.TemporaryDirectory(dir=cache, prefix="fashion-mnist-") as aside:
            try:
                fetch((IMAGES, LABELS), Path(aside), say or _say_nothing)
                loaded = _read_files(Path(aside))
            except (NotFoundError, IntegrityError) as error:
                tried.append(f"{name}: {error}")
                continue
            _keep_files(Path(aside), kept)
            return loaded
    raise NotFoundError("Fashion-MNIST cannot be had here (" + "; ".join(tried) + ")")


def _say_nothing(_: str) -> None:
    pass


def _read_files(folder: Path) -> FashionMnist:
    images = _read_content(folder / IMAGES)
    labels = _read_content(folder / LABELS)
    # IDX: 16 bytes of header before pixels, 8 before labels (yann.lecun.org/exdb/mnist).
    return FashionMnist(
        images=np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28),
        labels=np.frombuffer(labels, np.uint8, offset=8),
    )


def _read_content(path: Path) -> bytes:
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise IntegrityError(f"{path} cannot be unpacked ({error}); remove it") from error
    found = hashlib.sha256(content).hexdigest()
    if found != _CONTENT_SHA256[path.name]:
        raise IntegrityError(f"{path} is not Fashion-MNIST's: its content has SHA-256 {found[:12]}...; remove it")
    return content


def _keep_files(aside: Path, kept: Path) -> None:
    """Move the two files into place; where another process was faster, its files stay."""
    ready = aside / "ready"
    ready.mkdir()
    for name in (IMAGES, LABELS):
        (aside / name).rename(ready / name)
    try:
        ready.rename(kept)
    except OSError:
        if not kept.is_dir():
            raise
