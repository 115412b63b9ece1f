"""One photo through every encoder: the one function that both searching and indexing embed with.

A catalogue photo asked for again therefore finds itself first. Knows nothing of stores or feeds.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.embedding import Embeddings
from search.encoder import Encoder
from search.photo import decode_photo, encode_thumbnail

Prepared = Mapping[str, NDArray[np.generic]]
"""One photo as each encoder wants it, by name of its space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyPhoto:
    """A photo decoded and prepared, ahead of the encoders.

    Attributes:
        sha256: hex digest of the file's bytes.
        width, height: pixels of the original, upright.
        thumbnail: re-encoded JPEG, without metadata.
    """

    sha256: str
    width: int
    height: int
    prepared: Prepared
    thumbnail: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPhoto:
    """A photo and its embeddings, with what it took: milliseconds of decoding and of the encoders."""

    sha256: str
    width: int
    height: int
    thumbnail: bytes
    embeddings: Embeddings
    decode_ms: float
    embed_ms: float


class Embedder:
    """The encoders of a catalogue. Safe to use from several threads.

    Args:
        open_encoders: called once, at the first photo, so that what embeds nothing starts without loading a model.
    """

    def __init__(self, open_encoders: Callable[[], Sequence[Encoder]]) -> None:
        self._open = open_encoders
        self._lock = threading.Lock()
        self._opened: tuple[Encoder, ...] | None = None

    def load(self) -> tuple[Encoder, ...]:
        """The encoders, opened now if they were not yet."""
        with self._lock:
            if self._opened is None:
                self._opened = tuple(self._open())
            return self._opened

    def prepare(self, data: bytes) -> ReadyPhoto:
        """Decode once and prepare for every encoder: the part that runs ahead, in workers.

        Raises:
            PhotoError: the photo cannot be read, or is refused.
        """
        decoded = decode_photo(data)
        return ReadyPhoto(
            sha256=hashlib.sha256(data).hexdigest(),
            width=decoded.width,
            height=decoded.height,
            prepared={encoder.space.name: encoder.prepare(decoded.picture) for encoder in self.load()},
            thumbnail=encode_thumbnail(decoded.picture),
        )

    def embed(self, batch: Sequence[Prepared]) -> list[Embeddings]:
        """Embeddings of each prepared photo, in the order given."""
        rows: list[dict[str, NDArray[np.float32]]] = [{} for _ in batch]
        for encoder in self.load():
            name = encoder.space.name
            for row, vector in zip(rows, encoder.embed([prepared[name] for prepared in batch]), strict=True):
                row[name] = vector
        return list(rows)

    def embed_photo(self, data: bytes) -> EmbeddedPhoto:
        """One photo, start to end.

        Raises:
            PhotoError: the photo cannot be read, or is refused.
        """
        started = time.perf_counter()
        ready = self.prepare(data)
        decoded = time.perf_counter()
        embeddings = self.embed([ready.prepared])[0]
        return EmbeddedPhoto(
            sha256=ready.sha256,
            width=ready.width,
            height=ready.height,
            thumbnail=ready.thumbnail,
            embeddings=embeddings,
            decode_ms=1e3 * (decoded - started),
            embed_ms=1e3 * (time.perf_counter() - decoded),
        )
