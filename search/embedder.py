"""One photo through every encoder, and its pools through the live classifier: what both searching and indexing call.

A catalogue photo asked for again therefore finds itself first. Knows nothing of stores, feeds, or of what a classifier
is.
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
from search.pools import PoolBatch, Pools, round_pools, to_embeddings
from search.tagging import Tagger, Tagging

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
class Embedded:
    """What the encoders and the classifier make of one photo.

    Attributes:
        embeddings: one for each encoder, and the classifier's own where there is one.
        tagging: what the classifier says; None without one.
    """

    embeddings: Embeddings
    pools: Pools
    tagging: Tagging | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPhoto:
    """A photo with all that is made of it, see `Embedded`, and what it took.

    Attributes:
        sha256: hex digest of the file's bytes.
        width, height: pixels of the original, upright.
        thumbnail: re-encoded JPEG, without metadata.
        decode_ms, embed_ms, tag_ms: milliseconds of decoding, of the encoders and of the classifier.
    """

    sha256: str
    width: int
    height: int
    thumbnail: bytes
    embeddings: Embeddings
    pools: Pools
    tagging: Tagging | None
    decode_ms: float
    embed_ms: float
    tag_ms: float


class Embedder:
    """The encoders of a catalogue and its classifier. Safe to use from several threads.

    Args:
        open_encoders: called once, at the first photo, so that what embeds nothing starts without loading a model.
        find_tagger: asked for the live classifier at every batch, as another may become the live one; None for none.
    """

    def __init__(
        self, open_encoders: Callable[[], Sequence[Encoder]], find_tagger: Callable[[], Tagger | None] = lambda: None
    ) -> None:
        self._open = open_encoders
        self._find_tagger = find_tagger
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

    def pool(self, batch: Sequence[Prepared]) -> PoolBatch:
        """The pools of prepared photos, in the order given: one forward pass of each encoder."""
        encoders = {encoder.space.name: encoder for encoder in self.load()}
        return {name: encoder.pool([prepared[name] for prepared in batch]) for name, encoder in encoders.items()}

    def embed(self, batch: Sequence[Prepared]) -> list[Embedded]:
        """Pools, embeddings and tagging of each prepared photo, in the order given."""
        return self._embed_pools(self.pool(batch), photos=len(batch)) if batch else []

    def _embed_pools(self, pools: PoolBatch, *, photos: int) -> list[Embedded]:
        vectors = {name: to_embeddings(batch) for name, batch in pools.items()}
        tagger = self._find_tagger()
        taggings: Sequence[Tagging | None] = [None] * photos if tagger is None else tagger.tag(round_pools(pools))
        embedded = []
        for row, tagging in enumerate(taggings):
            embeddings = {name: batch[row] for name, batch in vectors.items()}
            if tagger is not None and tagging is not None:
                embeddings[tagger.space.name] = tagging.vector
            own = {name: batch[row] for name, batch in pools.items()}
            embedded.append(Embedded(embeddings=embeddings, pools=own, tagging=tagging))
        return embedded

    def embed_photo(self, data: bytes) -> EmbeddedPhoto:
        """One photo, start to end.

        Raises:
            PhotoError: the photo cannot be read, or is refused.
        """
        started = time.perf_counter()
        ready = self.prepare(data)
        decoded = time.perf_counter()
        pools = self.pool([ready.prepared])
        pooled = time.perf_counter()
        (embedded,) = self._embed_pools(pools, photos=1)
        return EmbeddedPhoto(
            sha256=ready.sha256,
            width=ready.width,
            height=ready.height,
            thumbnail=ready.thumbnail,
            embeddings=embedded.embeddings,
            pools=embedded.pools,
            tagging=embedded.tagging,
            decode_ms=1e3 * (decoded - started),
            embed_ms=1e3 * (pooled - decoded),
            tag_ms=1e3 * (time.perf_counter() - pooled),
        )
