"""Pools: what one forward pass gives of a photo beyond its embedding, the raw material of a classifier.

Plain arrays. Knows nothing of encoders or of where pools are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from search.embedding import normalise_rows

PARTS = ("whole", "top", "middle", "bottom")
"""What an encoder pools over: the whole picture, then its upper, middle and lower third."""

Pools = Mapping[str, NDArray[np.float32]]
"""One photo, by encoder: shape (parts, dimension), not scaled; the first row at unit length is the embedding."""

PoolBatch = Mapping[str, NDArray[np.float32]]
"""Several photos, by encoder: shape (photos, parts, dimension)."""


def to_embeddings(pools: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embeddings of one encoder's pools: shape (photos, parts, dimension) to unit rows (photos, dimension)."""
    return normalise_rows(pools[:, 0])


@cache
def weigh_bands(rows: int) -> NDArray[np.float32]:
    """How much each row of pixels or of a map counts in each band, shape (bands, rows), a band's weights summing to 1.

    The bands are equally high; a row that two of them share counts in each by the part that is in it.
    """
    edges = np.linspace(0, rows, len(PARTS))
    row = np.arange(rows)
    inside = np.minimum(edges[1:, None], row + 1) - np.maximum(edges[:-1, None], row)
    weights = np.asarray(np.clip(inside, 0, 1) * (len(PARTS) - 1) / rows, dtype=np.float32)
    weights.setflags(write=False)  # one array for all who ask
    return weights


def round_pools(pools: PoolBatch) -> PoolBatch:
    """The pools as a cache of float16 gives them back, so that a photo is tagged alike when it is asked with, when it
    is indexed, and when all that is kept is tagged."""
    return {name: batch.astype(np.float16).astype(np.float32) for name, batch in pools.items()}
