"""Photos somebody asked about, kept for a while: their embeddings and a thumbnail, never the upload.

So that the next page, another filter or a reloaded browser needs no second upload. In memory, bounded in number and
in time, gone with the process. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from search.embedding import Embeddings
from search.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPhoto:
    """What is kept of one photo.

    Attributes:
        thumbnail: a small JPEG, made from the pixels and not from the file.
    """

    sha256: str
    embeddings: Embeddings
    thumbnail: bytes


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
        self._photos: OrderedDict[str, tuple[float, QueryPhoto]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._photos)

    def keep(self, photo: QueryPhoto) -> None:
        """Remember a photo, and forget what is too old or too much."""
        with self._lock:
            self._photos[photo.sha256] = (self._clock() + self._ttl_s, photo)
            self._photos.move_to_end(photo.sha256)
            self._forget()

    def read(self, sha256: str) -> QueryPhoto:
        """A photo asked about before; its time starts anew.

        Raises:
            NotFoundError: `photo_expired` where it is not kept, any more or at all.
        """
        with self._lock:
            self._forget()
            found = self._photos.get(sha256)
            if found is None:
                raise NotFoundError(
                    f"the photo sha256:{sha256} is not kept any more: send it again", code="photo_expired"
                )
            self._photos[sha256] = (self._clock() + self._ttl_s, found[1])
            self._photos.move_to_end(sha256)
            return found[1]

    def _forget(self) -> None:
        # Each use moves a photo to the end with a later time, so the oldest is always first.
        now = self._clock()
        while self._photos and (len(self._photos) > self._max_photos or next(iter(self._photos.values()))[0] <= now):
            self._photos.popitem(last=False)
