"""Fashion-MNIST's files, from wherever this machine can have them.

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

from classifier.data.fetching import Fetch, Say, fetch_from_debian, fetch_from_mirror
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
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"

# Of the unpacked files: packages compress them anew.
_CONTENT_SHA256 = {
    IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FashionMnistPart:
    """One of the two parts it is published in: where its files are kept, and what they are called."""

    kept_as: str
    images: str
    labels: str


TRAINING = FashionMnistPart(kept_as="fashion-mnist", images=IMAGES, labels=LABELS)
TEST = FashionMnistPart(kept_as="fashion-mnist-test", images=TEST_IMAGES, labels=TEST_LABELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FashionMnist:
    """One part: `images` of shape (n, 28, 28), 0 to 255, and `labels` of shape (n,), 0 to 9.

    n is 60,000 for training and 10,000 for the test.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


_INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package puts them

# In the order they are tried.
_SOURCES = (("Debian's package", fetch_from_debian), ("the download", fetch_from_mirror))


def load_fashion_mnist(
    part: FashionMnistPart = TRAINING,
    *,
    cache: Path,
    folder: Path | None = None,
    say: Say | None = None,
    sources: Sequence[tuple[str, Fetch]] = _SOURCES,
) -> FashionMnist:
    """The images of a part; the first time they are fetched into `cache`, aside and then renamed into place.

    Args:
        part: which; the other one is neither fetched nor read.
        cache: folder of our own, made where it is missing.
        folder: where the files already are, if anywhere: the files themselves, or torchvision's tree around them.
        say: told what is being tried.
        sources: how to fetch them, with a name for messages, in the order to try.

    Raises:
        NotFoundError: they are not in `folder`, or cannot be had at all; the message says what was tried.
    """
    names = (part.images, part.labels)
    if folder is not None:
        place = find_fashion_mnist(folder, part)
        if place is not None:
            return _read_files(part, place)
        raise NotFoundError(f"{folder} has no {' and '.join(names)}; leave the folder out to have them fetched")
    kept = cache / part.kept_as
    if kept.is_dir():
        try:
            return _read_files(part, kept)
        except IntegrityError:
            shutil.rmtree(kept)  # ours, and worthless: fetched anew below
    if (_INSTALLED / part.images).is_file():
        return _read_files(part, _INSTALLED)
    cache.mkdir(parents=True, exist_ok=True)
    tried = []
    for name, fetch in sources:
        with tempfile.TemporaryDirectory(dir=cache, prefix="fashion-mnist-") as aside:
            try:
                fetch(names, Path(aside), say or _say_nothing)
                loaded = _read_files(part, Path(aside))
            except (NotFoundError, IntegrityError) as error:
                tried.append(f"{name}: {error}")
                continue
            _keep_files(names, Path(aside), kept)
            return loaded
    raise NotFoundError("Fashion-MNIST cannot be had here (" + "; ".join(tried) + ")")


def find_fashion_mnist(folder: Path, part: FashionMnistPart = TRAINING) -> Path | None:
    """Where the files of a part are: in the folder, or in torchvision's tree below it; None where they are not."""
    for place in (folder, folder / "FashionMNIST" / "raw", folder / "raw"):
        if (place / part.images).is_file() and (place / part.labels).is_file():
            return place
    return None


def _say_nothing(_: str) -> None:
    pass


def _read_files(part: FashionMnistPart, folder: Path) -> FashionMnist:
    images = _read_content(folder / part.images)
    labels = _read_content(folder / part.labels)
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


def _keep_files(names: Sequence[str], aside: Path, kept: Path) -> None:
    """Move the two files into place; where another process was faster, its files stay."""
    ready = aside / "ready"
    ready.mkdir()
    for name in names:
        (aside / name).rename(ready / name)
    try:
        ready.rename(kept)
    except OSError:
        if not kept.is_dir():
            raise
