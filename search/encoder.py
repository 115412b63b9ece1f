"""The port to an encoder, and the card that describes one before anything heavy is loaded.

Knows nothing of files, stores or batching; `search/encoders/` has the encoders themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.embedding import Space

Picture = Image.Image
"""A decoded photo as `search.photo.decode_photo` gives it: mode RGB, upright, alpha composited on white."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderCard:
    """What there is to know of an encoder without loading it.

    Attributes:
        name: name of the encoder, of its space and of its named vector.
        dimension: number of components of an embedding.
        input_size: side of the square the network sees, pixels; 0 where there is no network.
        mean, std: per channel RGB, on values in [0, 1].
        interpolation: Pillow resampling filter, `bilinear` or `bicubic`.
        licence: SPDX identifier of the weights' licence.
        source: where the weights come from, for a reader.
        weights_sha256: of the weights' file, first 8 digits or more; empty where nothing is loaded.
        summary: one line for listings.
    """

    name: str
    dimension: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    licence: str
    source: str
    weights_sha256: str
    summary: str


class Encoder(Protocol):
    """Photos to pools, and so to embeddings. Safe to call from several threads."""

    @property
    def space(self) -> Space:
        """Which space the embeddings are in."""

    def prepare(self, picture: Picture) -> NDArray[np.generic]:
        """One photo as the array `pool` takes: the part that can run ahead, in workers, one photo at a time."""

    def pool(self, prepared: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """What one forward pass gives of each photo and its bands: shape (photos, parts, dimension), not scaled.

        The parts are `search.pools.PARTS`; the first, scaled to unit length, is the photo's embedding. A part without
        anything to see in it is zeros; the whole never is. A photo's pools do not depend on its batch.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMap:
    """What an encoder sees where on one picture, before it pools.

    Attributes:
        cells: shape (dimension, rows, columns); their mean, scaled to unit length, is the picture's embedding.
        frame: left, top, right and bottom of the cells in shares of the picture's sides; beyond 0 and 1 where a picture
            is fitted into a square.
    """

    cells: NDArray[np.float32]
    frame: tuple[float, float, float, float]


@runtime_checkable
class MapEncoder(Encoder, Protocol):
    """An encoder that can say where on a picture it saw what it saw."""

    def map_picture(self, picture: Picture) -> PictureMap:
        """What is pooled to the picture's embedding, place by place."""
