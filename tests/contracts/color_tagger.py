"""A classifier that is only colours, for tests that need predictions and no training.

It looks for what stands out from white in the middle of `PixelEncoder`'s grid and names the nearest of a few colours.
Between two colours it is not sure and abstains; far from all of them the picture is none of the catalogue's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from search.embedding import Space, normalise_rows
from search.manifest import ClassifierRecord, PredictedAttribute
from search.pools import PoolBatch
from search.tagging import Prediction, Tagging
from tests.contracts.pixel_encoder import CENTRE

SHOWN = 3
SURE = 0.6
"""A colour this probable is accepted."""

STEP = 20.0
"""How far apart (0 to 255, mean over channels) two colours are that are clearly two."""

FAR = 45.0
"""Distance to the nearest colour from which a picture is more probably of none of them."""


class ColorTagger:
    """Names the colour of what is in the middle of a photo.

    Args:
        colors: the labels, and each one's red, green and blue, 0 to 255.
        encoder: name of the `PixelEncoder` whose pools it reads.
        seed: two classifiers that agree in all but this are two: the seed decides version and vectors.
    """

    def __init__(self, colors: Mapping[str, tuple[int, int, int]], encoder: str = "pixels", seed: int = 0) -> None:
        self._labels = tuple(colors)
        self._colors = np.array(list(colors.values()), dtype=np.float32)
        self._encoder = encoder
        facts = f"{sorted(colors.items())} {encoder} {seed}"
        weights_sha256 = hashlib.sha256(facts.encode()).hexdigest()
        self._turn = np.roll(np.eye(len(colors) + 1, dtype=np.float32), seed, axis=1)
        self._space = Space(name="classifier", dimension=len(colors) + 1, weights_sha256=weights_sha256, trained=True)

    @property
    def space(self) -> Space:
        """One number a colour, and one for none of them."""
        return self._space

    @property
    def version(self) -> str:
        """First digits of the hash."""
        return self._space.weights_sha256[:8]

    @property
    def record(self) -> ClassifierRecord:
        """What a manifest says of it."""
        return ClassifierRecord(
            version=self.version,
            weights_sha256=self._space.weights_sha256,
            attributes={"color": PredictedAttribute(labels=self._labels, multi_valued=False)},
        )

    def tag(self, pools: PoolBatch) -> Sequence[Tagging]:
        """The colour of what is in the middle of each photo."""
        middles = find_middles(pools[self._encoder][:, 0])
        return [self._tag(middle) for middle in middles]

    def _tag(self, middle: NDArray[np.float32]) -> Tagging:
        distances = np.abs(self._colors - middle).mean(axis=1)
        near = np.exp(-distances / (STEP / 4))
        shares = near / max(float(near.sum()), 1e-30)
        order = np.argsort(-shares)[:SHOWN]
        values = tuple((self._labels[i], float(shares[i])) for i in order)
        outside = 1 / (1 + float(np.exp((FAR - distances.min()) / 5)))
        vector = normalise_rows(np.append(shares, outside)[None].astype(np.float32))[0] @ self._turn
        accepted = tuple(label for label, share in values if share >= SURE and outside < SURE)
        return Tagging(
            vector=vector,
            predictions={"color": Prediction(values=values, accepted=accepted)},
            out_of_catalogue=outside,
            model=self.version,
        )


def find_middles(whole: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each grid's middle half the pixel that is least like white, shape (photos, 3), 0 to 255."""
    side = round((whole.shape[1] / 3) ** 0.5)
    grid = whole.reshape(-1, side, side, 3) + CENTRE
    edge = side // 4
    pixels = grid[:, edge : side - edge, edge : side - edge].reshape(len(whole), -1, 3)
    return pixels[np.arange(len(whole)), pixels.sum(axis=2).argmin(axis=1)]
