"""The port to labelled images, and images that lie in an array.

Works with uint8 pixels and label numbers. Knows nothing of files, of feeds or of what is learnt from them.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.errors import InputError

UNKNOWN = -1
"""Label number of an image whose value of a single-valued attribute is not known."""

Labels = Mapping[str, NDArray[Any]]
"""By attribute. Single-valued: int64, shape (n,), `UNKNOWN` where there is none. Multi-valued: uint8, shape
(n, labels), 1 where the image has the label."""

Batch = Sequence[int] | NDArray[np.int64]
"""Numbers of images, in the order they are wanted."""


class LabelledImages(Protocol):
    """Images of one size, each with labels. Safe to read from several threads."""

    @property
    def name(self) -> str:
        """What they are, for a report."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""

    @property
    def attributes(self) -> Mapping[str, Sequence[str]]:
        """The labels of every attribute, in the order of their numbers."""

    @property
    def multi(self) -> frozenset[str]:
        """The attributes of which an image may have several labels; of the others it has at most one."""

    @property
    def ids(self) -> Sequence[str]:
        """One text an image that tells it from the others."""

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over ids, labels and what is known of the pixels: the same data, the same text."""

    def __len__(self) -> int: ...

    def read_image(self, index: int) -> NDArray[np.uint8]:
        """One image, shape (height, width, channels)."""

    def read_batch(self, indices: Batch) -> NDArray[np.uint8]:
        """Images in the order of `indices`, shape (n, height, width, channels); never a view."""

    def read_labels(self) -> Labels:
        """The labels of all images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """Images apart: to learn from, to choose by, and to measure once.

    Attributes:
        train, val, test: with the same labels under the same numbers.
        left_out: by attribute, labels that are not learnt, with how many training images have them.
        problems: one sentence an image that could not be used.
    """

    train: LabelledImages
    val: LabelledImages
    test: LabelledImages
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of what a model may be learnt and chosen from; the test images are not read for it."""
        return hashlib.sha256(f"{self.train.fingerprint} {self.val.fingerprint}".encode()).hexdigest()


class ArrayImages:
    """Images in one array, in memory or mapped from a file: all of it, or some rows in an order.

    Args:
        pixels: uint8, shape (m, height, width, channels); kept as it is, never written to.
        labels: of every attribute and for each row taken, as `Labels` says; kept as they are.
        ids: one for each row taken; their numbers where none are given.
        rows: which of `pixels`, int64, shape (n,); all of them where none are given.
        hashes: of the pixels of each row taken, for the fingerprint, where the ids do not say all.

    Raises:
        InputError: shapes or label numbers that do not fit each other.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        labels: Labels,
        *,
        name: str,
        attributes: Mapping[str, Sequence[str]],
        multi: frozenset[str] = frozenset(),
        ids: Sequence[str] | None = None,
        rows: NDArray[np.int64] | None = None,
        hashes: Sequence[str] = (),
    ) -> None:
        if pixels.ndim != 4 or pixels.dtype != np.uint8:
            raise InputError(f"{name}: images have shape {pixels.shape} and type {pixels.dtype}; uint8 (n, h, w, c)")
        self.name = name
        self.shape = (pixels.shape[1], pixels.shape[2], pixels.shape[3])
        self.attributes = {attribute: tuple(texts) for attribute, texts in attributes.items()}
        self.multi = multi
        self._pixels = pixels
        self._rows = rows
        self._count = len(pixels) if rows is None else len(rows)
        self.ids: Sequence[str] = ids if ids is not None else [str(n) for n in range(self._count)]
        self._labels = dict(labels)
        self._hashes = hashes
        if len(self.ids) != self._count:
            raise InputError(f"{name}: {len(self.ids)} ids for {self._count} images; give one an image")
        _check_labels(self)
        self._fingerprint = ""

    @property
    def fingerprint(self) -> str:
        """As the port says; computed when it is first asked for."""
        if not self._fingerprint:
            self._fingerprint = compute_fingerprint(self, self._hashes)
        return self._fingerprint

    @property
    def images(self) -> NDArray[np.uint8]:
        """All images at once, shape (n, height, width, channels); a copy where only some rows were taken."""
        return self._pixels if self._rows is None else self._pixels[self._rows]

    def __len__(self) -> int:
        return self._count

    def read_image(self, index: int) -> NDArray[np.uint8]:
        """One image, a copy."""
        return np.array(self._pixels[index if self._rows is None else self._rows[index]])

    def read_batch(self, indices: Batch) -> NDArray[np.uint8]:
        """One fancy index into the array."""
        wanted = np.asarray(indices, np.int64)
        return np.array(self._pixels[wanted if self._rows is None else self._rows[wanted]])

    def read_labels(self) -> Labels:
        """The arrays given."""
        return self._labels


class LazyImages:
    """Images that are loaded when somebody asks for one, for their labels or for their number, and not before.

    Args:
        load: gives them; called once.
        name, shape, attributes, multi: what is known of them without loading.
    """

    def __init__(
        self,
        load: Callable[[], LabelledImages],
        *,
        name: str,
        shape: tuple[int, int, int],
        attributes: Mapping[str, Sequence[str]],
        multi: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.shape = shape
        self.attributes = attributes
        self.multi = multi
        self._load = load
        self._lock = threading.Lock()
        self._loaded: LabelledImages | None = None

    @property
    def loaded(self) -> bool:
        """Whether somebody has asked."""
        return self._loaded is not None

    @property
    def ids(self) -> Sequence[str]:
        """As the port says."""
        return self._open().ids

    @property
    def fingerprint(self) -> str:
        """As the port says."""
        return self._open().fingerprint

    def __len__(self) -> int:
        return len(self._open())

    def read_image(self, index: int) -> NDArray[np.uint8]:
        """As the port says."""
        return self._open().read_image(index)

    def read_batch(self, indices: Batch) -> NDArray[np.uint8]:
        """As the port says."""
        return self._open().read_batch(indices)

    def read_labels(self) -> Labels:
        """As the port says."""
        return self._open().read_labels()

    def _open(self) -> LabelledImages:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


def stack_images(images: LabelledImages, indices: Batch) -> NDArray[np.uint8]:
    """A batch for a source that has nothing better than reading one image after another."""
    batch = np.empty((len(indices), *images.shape), np.uint8)
    for row, index in enumerate(indices):
        batch[row] = images.read_image(int(index))
    return batch


def compute_fingerprint(images: LabelledImages, hashes: Sequence[str] = ()) -> str:
    """SHA-256, in hex, over the ids and labels of images, what the numbers of the labels mean, and hashes of pixels."""
    labels = images.read_labels()
    meaning = {name: [list(texts), name in images.multi] for name, texts in sorted(images.attributes.items())}
    digest = hashlib.sha256(json.dumps(meaning, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    digest.update(json.dumps([*images.ids, *hashes], ensure_ascii=False).encode("utf-8", "surrogatepass"))
    for name in meaning:
        kind = np.dtype(np.uint8) if name in images.multi else np.dtype("<i8")
        digest.update(np.ascontiguousarray(labels[name], kind).tobytes())
    return digest.hexdigest()


def _check_labels(images: ArrayImages) -> None:
    labels = images.read_labels()
    if labels.keys() != images.attributes.keys():
        raise InputError(f"{images.name}: labels of {sorted(labels)} for attributes {sorted(images.attributes)}")
    for name, values in labels.items():
        count = len(images.attributes[name])
        wanted = (len(images), count) if name in images.multi else (len(images),)
        low, high = (0, 1) if name in images.multi else (UNKNOWN, count - 1)
        if values.shape != wanted:
            raise InputError(f"{images.name}: labels of {name} have shape {values.shape}; {wanted} is needed")
        if values.size and not (low <= int(values.min()) and int(values.max()) <= high):
            raise InputError(
                f"{images.name}: labels of {name} are numbers from {values.min()} to {values.max()}; "
                f"between {low} and {high} is right"
            )
