"""Embeddings and the spaces they live in.

An embedding is a unit-length float32 vector. A space says which encoder and which weights made it; embeddings of two
spaces are never compared. Knows nothing of photos, models or stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""Shape (dimension,), unit length."""

Embeddings = Mapping[str, Vector]
"""One photo's embedding in each space, by space name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Which encoder and weights made an embedding.

    Attributes:
        name: name of the encoder, and of the named vector in the store.
        dimension: number of components.
        weights_sha256: hash of the weights that made it; for a measured space, of the measurement's version.
        trained: learnt on this very catalogue, so replaced by another one while the catalogue lives; a photo may have
            no embedding in it.
    """

    name: str
    dimension: int
    weights_sha256: str
    trained: bool = False


def normalise_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to unit length, shape kept; a row of zeros stays zeros."""
    lengths = np.linalg.norm(matrix, axis=-1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-12), dtype=np.float32)
