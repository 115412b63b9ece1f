"""Where on a picture its similarity to another one comes from.

An encoder's embedding is the mean of a map over places, scaled; the cosine with another embedding is linear in it, so
it falls apart into what each place gives: B. Zhou et al., "Learning deep features for discriminative localization",
CVPR 2016 (class activation maps), with the other picture's embedding in the place of a class's weights, as in
A. Stylianou, R. Souvenir and R. Pless, "Visualizing deep similarity networks", WACV 2019. One forward pass, no second
model, and nothing is estimated: the parts sum to the cosine.

A classifier's embedding is not linear in what it sees. There each place is left out once (M. Zeiler and R. Fergus,
"Visualizing and understanding convolutional networks", ECCV 2014), in the map and not on the photo, and what the cosine
loses is told. Works with maps and embeddings. Knows nothing of colours on a screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from search.embedding import Embeddings, Vector
from search.encoder import Encoder, MapEncoder, Picture, PictureMap
from search.encoders.network import pool_bands
from search.pools import PARTS, round_pools
from search.tagging import Tagger


class HeatKind(StrEnum):
    """What the values of a heat map are.

    PARTS: what each place gives; they sum to the cosine.
    LOSSES: what the cosine loses without each place; they sum to nothing in particular.
    """

    PARTS = "parts"
    LOSSES = "losses"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """What each place of a picture has to do with its similarity in one space.

    Attributes:
        values: shape (rows, columns); negative where a place speaks against the other picture.
        frame: left, top, right and bottom of the values in shares of the picture's sides; beyond 0 and 1 where the
            encoder sees more than the picture, namely the white that it is fitted on.
        cosine: the similarity of the picture at hand.
    """

    space: str
    kind: HeatKind
    values: NDArray[np.float32]
    frame: tuple[float, float, float, float]
    cosine: float


def map_heat(
    picture: Picture, other: Embeddings, encoders: Sequence[Encoder], tagger: Tagger | None = None
) -> tuple[HeatMap, ...]:
    """The heat of a picture in every space that the other side has an embedding in and that can say where.

    Args:
        other: unit length, by space.
        tagger: the live classifier, whose space is told of too where the first encoder can say where.
    """
    classified = tagger is not None and tagger.space.name in other
    looking = [e for e in encoders if isinstance(e, MapEncoder) and (e.space.name in other or e is encoders[0])]
    seen = {e.space.name: e.map_picture(picture) for e in looking if classified or e.space.name in other}
    heat = [_to_heat(space, seen[space], other[space]) for space in seen if space in other]
    if tagger is not None and classified and encoders[0] in looking:
        pools = {encoder.space.name: encoder.pool([encoder.prepare(picture)]) for encoder in encoders[1:]}
        backbone = encoders[0].space.name
        heat.append(_lose_places(seen[backbone], backbone, pools, tagger, other[tagger.space.name]))
    return tuple(heat)


def measure_heat(cells: NDArray[np.float32], other: Vector) -> NDArray[np.float32]:
    """What each cell gives to the cosine of the cells' mean with another embedding: shape (rows, columns).

    With m the mean of n cells, cosine = m . other / |m| = sum of cell . other / (n |m|).

    Args:
        cells: shape (dimension, rows, columns).
        other: unit length.
    """
    dimension, rows, columns = cells.shape
    flat = cells.reshape(dimension, rows * columns).astype(np.float64)
    length = float(np.linalg.norm(flat.mean(axis=1)))
    values = other.astype(np.float64) @ flat / (rows * columns * max(length, 1e-12))
    return np.asarray(values.reshape(rows, columns), dtype=np.float32)


def _to_heat(space: str, seen: PictureMap, other: Vector) -> HeatMap:
    values = measure_heat(seen.cells, other)
    cosine = float(values.sum(dtype=np.float64))
    return HeatMap(space=space, kind=HeatKind.PARTS, values=values, frame=seen.frame, cosine=cosine)


def _lose_places(
    seen: PictureMap, backbone: str, pools: Mapping[str, NDArray[np.float32]], tagger: Tagger, other: Vector
) -> HeatMap:
    """What the cosine in the classifier's space loses where a place of the backbone's map has nothing in it, and its
    neighbours have half: a single place of 49 hardly tells, and what it tells is mostly noise."""
    dimension, rows, columns = seen.cells.shape
    places = rows * columns
    across, down = _fade(columns), _fade(rows)
    kept = np.ones((places + 1, 1, rows, columns), np.float32)  # the first one keeps everything
    kept[1:, 0] -= np.einsum("ar,bc->abrc", down, across).reshape(places, rows, columns)
    maps = seen.cells * kept
    parts = np.empty((places + 1, len(PARTS), dimension), np.float32)
    parts[:, 0], parts[:, 1:] = maps.mean(axis=(2, 3)), pool_bands(maps)
    batch = {name: np.repeat(pool, places + 1, axis=0) for name, pool in pools.items()} | {backbone: parts}
    cosines = np.array([float(tagging.vector @ other) for tagging in tagger.tag(round_pools(batch))])
    values = np.asarray((cosines[0] - cosines[1:]).reshape(rows, columns), dtype=np.float32)
    return HeatMap(
        space=tagger.space.name, kind=HeatKind.LOSSES, values=values, frame=seen.frame, cosine=float(cosines[0])
    )


def _fade(length: int) -> NDArray[np.float32]:
    """For each of so many places in a row, how much of each is left out: shape (length, length)."""
    place = np.arange(length)
    return np.asarray(np.clip(1 - np.abs(place[:, None] - place) / 2, 0, 1), dtype=np.float32)
