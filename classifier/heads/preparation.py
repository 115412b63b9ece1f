"""Pools to components: the numbers the heads see of a photo.

Of each encoder the values' power evens out a few loud channels, each part is scaled to unit length, and the principal
components of all parts together are taken. Numpy only. Knows nothing of labels or networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

MAX_PHOTOS = 10_000
"""Of a larger catalogue so many photos, drawn by chance, say what the components are."""

_OVERSAMPLING = 32
_ITERATIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preparation:
    """How the pools of one encoder become components.

    Attributes:
        power: of the values, their sign kept.
        parts: numbers of the parts it takes, see `search.pools.PARTS`.
        projection: shape (parts taken * dimension, components).
        offset: what the mean of the photos projects to, shape (components,).
    """

    power: float
    parts: tuple[int, ...]
    projection: Matrix
    offset: Matrix

    def prepare(self, pools: NDArray[np.floating[Any]]) -> Matrix:
        """Components of pools (photos, parts, dimension), shape (photos, components)."""
        components = _flatten(pools, self.parts, self.power) @ self.projection
        components -= self.offset
        return components


def fit_preparation(
    pools: NDArray[np.floating[Any]], *, parts: tuple[int, ...], power: float, components: int, seed: int
) -> Preparation:
    """The preparation that keeps most of what differs between these photos.

    By randomised subspace iteration: N. Halko et al., "Finding structure with randomness", SIAM Review 53 (2011),
    algorithm 4.4.

    Args:
        pools: of training photos, shape (photos, parts, dimension).
        components: at most; fewer where there are fewer photos or numbers.
    """
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(pools))[:MAX_PHOTOS])
    rows = _flatten(pools[chosen], parts, power)
    mean = rows.mean(axis=0)
    rows -= mean
    count = max(1, min(components, min(rows.shape) - 1))
    width = min(count + _OVERSAMPLING, *rows.shape)
    basis = random.standard_normal((rows.shape[1], width)).astype(np.float32)
    for _ in range(_ITERATIONS):
        basis, _ = np.linalg.qr(rows.T @ (rows @ basis))
    _, spreads, turns = np.linalg.svd(rows @ basis, full_matrices=False)
    directions = (basis @ turns.T)[:, :count]
    # So that a component's variance is 1 in the mean, whatever the encoder.
    scale = np.sqrt(len(rows) * count) / max(float(np.linalg.norm(spreads[:count])), 1e-12)
    projection = (directions * scale).astype(np.float32)
    return Preparation(power=power, parts=parts, projection=projection, offset=mean @ projection)


def _flatten(pools: NDArray[np.floating[Any]], parts: tuple[int, ...], power: float) -> Matrix:
    """The parts, each scaled to unit length, side by side; shape (photos, parts * dimension)."""
    values = np.asarray(pools[:, parts], dtype=np.float32)
    if power == 0.5:
        signs = np.sign(values) if values.size and values.min() < 0 else None
        values = np.sqrt(np.abs(values))
        values = values if signs is None else values * signs
    lengths = np.sqrt(np.einsum("npd,npd->np", values, values))
    values /= np.maximum(lengths, 1e-12)[:, :, None]
    return values.reshape(len(values), -1)
