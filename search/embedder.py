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
from search.encoder import Encoder, Picture
from search.palette import measure_palette
from search.perceptual_hash import compute_phash
from search.photo import decode_photo, encode_thumbnail
from search.pools import PoolBatch, Pools, round_pools, to_embeddings
from search.region import Box, crop_picture
from search.tagging import Tagger, Tagging

KEPT_SIDE = 640
"""Longest side of the picture that is kept of a photo asked about, pixels."""

Prepared = Mapping[str, NDArray[np.generic]]
"""One photo as each encoder wants it, by name of its space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyPhoto:
    """A photo decoded and prepared, ahead of the encoders.

    Attributes:
        sha256: hex digest of the file's bytes.
        width, height: pixels of the original, upright.
        thumbnail: re-encoded JPEG, without metadata.
        palette: colours of the product, see `search.palette.measure_palette`.
        phash: perceptual hash, see `search.perceptual_hash.compute_phash`.
    """

    sha256: str
    width: int
    height: int
    prepared: Prepared
    thumbnail: bytes
    palette: tuple[tuple[str, float], ...]
    phash: str


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
        region: which part of the photo was embedded; None for all of it.
        thumbnail: re-encoded JPEG of the whole photo, without metadata.
        picture: the whole photo re-encoded, `KEPT_SIDE` pixels at most: regions of it can be asked about later.
        decode_ms, embed_ms, tag_ms: milliseconds of decoding, of the encoders and of the classifier.
    """

    sha256: str
    width: int
    height: int
    region: Box | None
    thumbnail: bytes
    picture: bytes
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
            prepared=self.prepare_picture(decoded.picture),
            thumbnail=encode_thumbnail(decoded.picture),
            palette=measure_palette(decoded.picture),
            phash=compute_phash(decoded.picture),
        )

    def prepare_picture(self, picture: Picture) -> Prepared:
        """A decoded photo, or a part of one, as each encoder wants it."""
        return {encoder.space.name: encoder.prepare(picture) for encoder in self.load()}

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

    def embed_photo(self, data: bytes, region: Box | None = None) -> EmbeddedPhoto:
        """One photo, or what is in a region of it, start to end.

        Raises:
            PhotoError: the photo cannot be read, or is refused.
        """
        started = time.perf_counter()
        photo = decode_photo(data)
        seen = photo.picture if region is None else crop_picture(photo.picture, region)
        prepared = self.prepare_picture(seen)
        decoded = time.perf_counter()
        pools = self.pool([prepared])
        pooled = time.perf_counter()
        (embedded,) = self._embed_pools(pools, photos=1)
        return EmbeddedPhoto(
            sha256=hashlib.sha256(data).hexdigest(),
            width=photo.width,
            height=photo.height,
            region=region,
            thumbnail=encode_thumbnail(photo.picture),
            picture=encode_thumbnail(photo.picture, side=KEPT_SIDE),
            embeddings=embedded.embeddings,
            pools=embedded.pools,
            tagging=embedded.tagging,
            decode_ms=1e3 * (decoded - started),
            embed_ms=1e3 * (pooled - decoded),
            tag_ms=1e3 * (time.perf_counter() - pooled),
        )
