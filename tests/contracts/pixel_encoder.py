"""An encoder that is only pixels, for tests that need embeddings and no network; it counts what it is given.

The same picture always has the same embedding, and pictures that look alike have embeddings that are alike.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.embedding import Space, normalise_rows
from search.encoder import Picture


class PixelEncoder:
    """Photos by their pixels on a grid: `side` * `side` points of three numbers.

    Attributes:
        prepared: how many photos were prepared.
        embedded: how many photos were embedded.
    """

    def __init__(self, name: str = "pixels", side: int = 6) -> None:
        self._side = side
        self._space = Space(
            name=name,
            dimension=3 * side * side,
            weights_sha256=hashlib.sha256(f"{name} {side}".encode()).hexdigest(),
        )
        self._lock = threading.Lock()
        self.prepared = 0
        self.embedded = 0

    @property
    def space(self) -> Space:
        """Named as asked; the grid decides the hash."""
        return self._space

    def prepare(self, picture: Picture) -> NDArray[np.generic]:
        """The picture on the grid."""
        with self._lock:
            self.prepared += 1
        return np.asarray(picture.resize((self._side, self._side)), dtype=np.float32).reshape(-1)

    def embed(self, prepared: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """The grids, centred and scaled to unit length."""
        with self._lock:
            self.embedded += len(prepared)
        if not prepared:
            return np.zeros((0, self._space.dimension), dtype=np.float32)
        return normalise_rows(np.stack(prepared).astype(np.float32) - 120.3)
