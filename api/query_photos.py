"""Photos somebody asked about, kept for a while: what the encoders made of them and small copies, never the upload.

So that the next page, another filter or region, or a reloaded browser needs no second upload. In memory, bounded in
number and in time (some 150 KB a photo), gone with the process. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from search.embedder import EmbeddedPhoto
from search.embedding import Embeddings
from search.errors import NotFoundError
from search.pools import Pools, round_pools
from search.region import Box
from search.tagging import Tagger, Tagging


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPhoto:
    """What is kept of one photo.

    Attributes:
        embeddings: of the encoders' spaces, and of the classifier's where there is a tagging.
        pools: what another classifier needs to tag the photo, once it is the live one.
        region: which part of the photo the rest is of; None for all of it.
        thumbnail: a small JPEG of the whole photo, made from the pixels and not from the file.
        picture: a larger one, from which other regions are embedded.
    """

    sha256: str
    region: Box | None
    embeddings: Embeddings
    pools: Pools
    tagging: Tagging | None
    thumbnail: bytes
    picture: bytes

    @classmethod
    def from_embedded(cls, embedded: EmbeddedPhoto) -> QueryPhoto:
        """What is kept of a photo that has just been embedded."""
        return cls(
            sha256=embedded.sha256,
            region=embedded.region,
            embeddings=embedded.embeddings,
            pools=embedded.pools,
            tagging=embedded.tagging,
            thumbnail=embedded.thumbnail,
            picture=embedded.picture,
        )

    def tag(self, tagger: Tagger | None) -> QueryPhoto:
        """The photo as this classifier sees it: itself where it did already, else without a trace of another one."""
        version = None if self.tagging is None else self.tagging.model
        if version == (None if tagger is None else tagger.version):
            return self
        embeddings = {name: vector for name, vector in self.embeddings.items() if name in self.pools}
        if tagger is None:
            return replace(self, embeddings=embeddings, tagging=None)
        [tagging] = tagger.tag(round_pools({name: pool[None] for name, pool in self.pools.items()}))
        return replace(self, embeddings={**embeddings, tagger.space.name: tagging.vector}, tagging=tagging)


class QueryPhotos:
    """The photos asked about last, by the SHA-256 of their bytes. Safe to use from several threads.

    Args:
        max_photos: how many are kept; the one not asked for longest goes first.
        ttl_s: seconds after the last use until a photo is forgotten.
        clock: seconds that only grow.
    """

    def __init__(self, *, max_photos: int, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_photos = max_photos
        self._ttl_s = ttl_s
        self._clock = clock
        self._photos: OrderedDict[tuple[str, Box | None], tuple[float, QueryPhoto]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._photos)

    def keep(self, photo: QueryPhoto) -> None:
        """Remember a photo, and forget what is too old or too much."""
        with self._lock:
            self._photos[photo.sha256, photo.region] = (self._clock() + self._ttl_s, photo)
            self._photos.move_to_end((photo.sha256, photo.region))
            self._forget()

    def find(self, sha256: str, region: Box | None) -> QueryPhoto | None:
        """A region that was asked about before; None where it was not. Its time starts anew."""
        with self._lock:
            return self._find(sha256, region)

    def read(self, sha256: str) -> QueryPhoto:
        """A photo asked about before; its time starts anew.

        Raises:
            NotFoundError: `photo_expired` where it is not kept, any more or at all.
        """
        found = self.find(sha256, None)
        if found is None:
            raise NotFoundError(f"the photo sha256:{sha256} is not kept any more: send it again", code="photo_expired")
        return found

    def _find(self, sha256: str, region: Box | None) -> QueryPhoto | None:
        self._forget()
        found = self._photos.get((sha256, region))
        if found is None:
            return None
        self._photos[sha256, region] = (self._clock() + self._ttl_s, found[1])
        self._photos.move_to_end((sha256, region))
        return found[1]

    def _forget(self) -> None:
        # Each use moves a photo to the end with a later time, so the oldest is always first.
        now = self._clock()
        while self._photos and (len(self._photos) > self._max_photos or next(iter(self._photos.values()))[0] <= now):
            self._photos.popitem(last=False)
