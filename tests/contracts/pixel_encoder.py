"""An encoder that is only pixels, for tests that need embeddings and no network; it counts what it is given.

The same picture always has the same embedding, and pictures that look alike have embeddings that are alike.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.embedding import Space
from search.encoder import Picture, PictureMap
from search.pools import PARTS

CENTRE = 120.3
"""What is taken off each pixel, so that pictures are not all alike."""


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

    def pool(self, prepared: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """The grids, centred; a band is the grid with all that is not of its rows left out."""
        with self._lock:
            self.embedded += len(prepared)
        if not prepared:
            return np.zeros((0, len(PARTS), self._space.dimension), dtype=np.float32)
        whole = np.stack(prepared).astype(np.float32) - CENTRE
        pools = np.zeros((len(prepared), len(PARTS), self._space.dimension), dtype=np.float32)
        pools[:, 0] = whole
        for part, numbers in enumerate(np.array_split(np.arange(self._space.dimension), len(PARTS) - 1), start=1):
            pools[:, part, numbers] = whole[:, numbers]
        return pools

    def map_picture(self, picture: Picture) -> PictureMap:
        """Each point of the grid with its own three numbers, and zeros for those of the others."""
        side, points = self._side, self._side**2
        whole = np.asarray(picture.resize((side, side)), dtype=np.float32).reshape(-1) - np.float32(CENTRE)
        cells = np.zeros((3 * points, points), np.float32)
        cells[np.arange(3 * points), np.arange(3 * points) // 3] = points * whole
        return PictureMap(cells=cells.reshape(-1, side, side), frame=(0.0, 0.0, 1.0, 1.0))
