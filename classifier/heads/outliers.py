"""Is this picture of the catalogue's world at all? How far it is from everything the shop has photographed.

A catalogue is summed up by at most `CENTROIDS` centroids of its photos' embeddings (spherical k-means: Dhillon and
Modha, Machine Learning 42, 2001). A picture's score is its cosine distance to the nearest one, measured by how far the
shop's own unseen photos lie: no picture from outside is needed to fit it. Numpy only. Knows nothing of heads, labels
or files.

Chosen on the validation photos of `../shared/catalogue` and pictures of anything but garments; `python -m
bench.outliers` prints it again. Distances to the catalogue's own photos tell the two apart (AUROC 0.9999 and more:
centroids, nearest photos, what principal axes leave over), a head's energy nearly does (0.9995), its highest
probability less (0.993). Centroids leave the widest gap, and cost little: at most 128 rows to compare with, whatever
the catalogue's size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from search.embedding import normalise_rows
from search.errors import InputError, IntegrityError
from search.pools import PoolBatch

CENTROIDS = 128
PHOTOS_OF_A_CENTROID = 4
"""A catalogue of fewer than 512 photos has fewer centroids: one for this many."""

MAX_PHOTOS = 10_000
"""Of a larger catalogue so many photos, drawn by chance, are summed up: the time to fit has an end."""

STEPS = 10
TAIL = 0.99
SMALLEST_SPREAD = 0.02
"""Cosine distance. Photos that are all alike have no spread of their own, and any difference would be an outlier."""

MIDDLE, STEEPNESS = 1.2, 8.0
"""Where the probability is a half, and how fast it rises, in spreads: 0 is the distance of the shop's median photo, 1
that of the one in a hundred farthest off.

At 1.2 no photo of the validation split is called an outlier, every outlier of development is, and so is one in ten
altered garments of validation: turned, blurred, cropped, or pasted onto a photo (half of these). A catalogue of 600 of
the photos: 0.6 % of the unseen ones, 99 % of the outliers; of 150: 0.3 % and 80 %.
"""

THRESHOLD = 0.5

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutlierModel:
    """What a catalogue's photos look like, summed up. Safe to ask from several threads.

    Attributes:
        encoder: whose pools it looks at.
        centroids: unit length, shape (centroids, dimension).
        middle: cosine distance of the shop's median unseen photo to its centroid.
        spread: cosine distance from there to its one photo in a hundred farthest off.
    """

    encoder: str
    centroids: Matrix
    middle: float
    spread: float

    @property
    def threshold(self) -> float:
        """The probability from which a picture is called an outlier."""
        return THRESHOLD

    @property
    def settings(self) -> dict[str, object]:
        """What is not an array, for a card in JSON."""
        return {"encoder": self.encoder, "middle": self.middle, "spread": self.spread, "threshold": self.threshold}

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """What is to be kept beside `settings`."""
        return {"centroids": self.centroids}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]], settings: Mapping[str, object]) -> Self:
        """The inverse of `to_arrays` and `settings`.

        Raises:
            IntegrityError: something is missing, or is not of the kind that was written.
        """
        try:
            centroids = np.asarray(arrays["centroids"], dtype=np.float32)
            middle, spread = float(str(settings["middle"])), float(str(settings["spread"]))
            encoder = str(settings["encoder"])
        except (KeyError, ValueError) as error:
            raise IntegrityError(f"the outlier model is damaged ({error}); train the classifier again") from error
        if centroids.ndim != 2 or not len(centroids) or not spread > 0:
            raise IntegrityError(
                f"the outlier model is damaged (centroids {centroids.shape}, spread {spread}); "
                "train the classifier again"
            )
        return cls(encoder=encoder, centroids=centroids, middle=middle, spread=spread)

    def score(self, pools: PoolBatch) -> NDArray[np.float64]:
        """Probability, 0 to 1, that each picture is none of the catalogue's kind, shape (photos,).

        Sure at its ends, cautious between: with as many outliers as garments (half of these altered), 99 of 100
        pictures above 0.95 were outliers, and none below.
        """
        distances = measure_distances(to_embeddings(pools[self.encoder]), self.centroids)
        spreads = (distances.astype(np.float64) - self.middle) / self.spread
        # A clipped exponent: `exp` must not overflow, and a probability of 1e-13 is as good as a smaller one.
        return np.asarray(1 / (1 + np.exp(np.clip(STEEPNESS * (MIDDLE - spreads), -30, 30))))


def fit_outliers(
    train: NDArray[np.floating[Any]], val: NDArray[np.floating[Any]], *, encoder: str, seed: int = 0
) -> OutlierModel:
    """A model of the photos the shop has.

    Args:
        train: the encoder's pools, shape (photos, parts, dimension), of at least two photos.
        val: the same of photos that are not in `train`; may be empty. They say how far off an unseen photo lies,
            together with the photos of `train`, each compared with the centroids as they would be without it.
        encoder: name of the encoder the pools are of.

    Raises:
        InputError: fewer than two photos.
    """
    if len(train) < 2:
        raise InputError(f"{len(train)} photos do not tell what a catalogue looks like; train on two at least")
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(train))[:MAX_PHOTOS])
    photos = to_embeddings(train[chosen, :1])
    centroids = find_centroids(photos, max(1, min(CENTROIDS, len(photos) // PHOTOS_OF_A_CENTROID)), random)
    unseen = [measure_left_out(photos, centroids)]
    if len(val):
        unseen.append(measure_distances(to_embeddings(val), centroids))
    middle, tail = np.quantile(np.concatenate(unseen), (0.5, TAIL))
    spread = max(float(tail - middle), SMALLEST_SPREAD)
    return OutlierModel(encoder=encoder, centroids=centroids, middle=float(middle), spread=spread)


def to_embeddings(pools: NDArray[np.floating[Any]]) -> Matrix:
    """Unit-length embeddings of whole pictures, shape (photos, dimension)."""
    return normalise_rows(np.asarray(pools[:, 0], dtype=np.float32))


def find_centroids(photos: Matrix, count: int, random: np.random.Generator) -> Matrix:
    """Spherical k-means, begun as k-means++ has it (Arthur and Vassilvitskii, SODA 2007).

    Args:
        photos: unit length, shape (photos, dimension).
        count: of the centroids, at most; fewer come where photos repeat each other.
    """
    first = [photos[random.integers(len(photos))]]
    nearest = np.full(len(photos), np.inf)
    while len(first) < count:
        nearest = np.minimum(nearest, np.maximum(1 - photos @ first[-1], 0))
        total = float(nearest.sum())
        if total < 1e-5 * len(photos):
            break
        first.append(photos[random.choice(len(photos), p=nearest / total)])
    centroids = np.stack(first)
    for _ in range(STEPS):
        sums = _sum_members(photos, (photos @ centroids.T).argmax(axis=1), len(centroids))
        # A centroid that lost its last photo stays where it is.
        held = sums.any(axis=1)
        centroids[held] = normalise_rows(sums[held])
    return np.asarray(centroids, dtype=np.float32)


def measure_distances(embeddings: Matrix, centroids: Matrix) -> NDArray[np.float32]:
    """Cosine distance of each embedding to its nearest centroid, shape (photos,)."""
    return np.asarray(1 - (embeddings @ centroids.T).max(axis=1), dtype=np.float32)


def measure_left_out(photos: Matrix, centroids: Matrix) -> NDArray[np.float32]:
    """The same for photos that the centroids are made of, each as if it were not among them."""
    similar = photos @ centroids.T
    own = similar.argmax(axis=1)
    rest = _sum_members(photos, own, len(centroids))[own] - photos
    without = np.einsum("nd,nd->n", photos, normalise_rows(rest))
    if len(centroids) > 1:
        similar[np.arange(len(photos)), own] = -1
        without = np.maximum(without, similar.max(axis=1))
    return np.asarray(1 - without, dtype=np.float32)


def _sum_members(photos: Matrix, own: NDArray[np.intp], count: int) -> Matrix:
    """Sum of the photos of each centroid, shape (count, dimension)."""
    members = np.zeros((count, len(photos)), dtype=np.float32)
    members[own, np.arange(len(photos))] = 1
    return np.asarray(members @ photos, dtype=np.float32)
