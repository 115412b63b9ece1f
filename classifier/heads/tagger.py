"""The classifier as a catalogue uses it: pools in, vectors and predictions out. Numpy only; torch is never loaded.

A photo's tagging does not depend on its batch but for the last digits that a matrix product of another height rounds
differently: within 1e-6. Knows nothing of photos or stores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.heads.heads import NAME, Heads
from classifier.heads.vector import DIMENSION
from search.embedding import Space
from search.pools import PoolBatch
from search.tagging import Prediction, Tagging

SINGLE_SHOWN = 3
"""Labels named of a single-valued attribute, accepted or not."""

MULTI_SHOWN = 8
"""Labels named of a multi-valued attribute: those accepted, or the likeliest ones (at most 3) where none is."""

_AT_ONCE = 512


class HeadsTagger:
    """Tags photos. Holds nothing that changes: safe from any thread."""

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self.version = heads.version
        self.space = Space(name=NAME, dimension=DIMENSION, weights_sha256=heads.weights_sha256, trained=True)

    def tag(self, pools: PoolBatch) -> list[Tagging]:
        """One tagging a photo, in the order given.

        Args:
            pools: by encoder, shape (photos, parts, dimension); encoders the heads do not know are passed over.

        Raises:
            InputError: pools of an encoder the heads need are missing, or of another shape.
        """
        count = len(next(iter(pools.values()), ()))
        taggings: list[Tagging] = []
        for start in range(0, count, _AT_ONCE):
            part = {name: values[start : start + _AT_ONCE] for name, values in pools.items()}
            taggings.extend(self._tag_batch(part))
        return taggings

    def _tag_batch(self, pools: PoolBatch) -> Iterator[Tagging]:
        heads = self._heads
        components = heads.model.prepare(pools)
        probabilities = heads.predict_components(components)
        vectors = heads.recipe.make_vectors(probabilities, components)
        outside = np.zeros(len(vectors)) if heads.outliers is None else heads.outliers.score(pools)
        by_attribute = {
            attribute.name: to_predictions(
                attribute.labels,
                probabilities[attribute.name],
                heads.thresholds[attribute.name],
                attribute.multi_valued,
            )
            for attribute in heads.schema.attributes
        }
        for row, vector in enumerate(vectors):
            yield Tagging(
                vector=vector,
                predictions={name: each[row] for name, each in by_attribute.items()},
                out_of_catalogue=float(outside[row]),
                model=self.version,
            )


def to_predictions(
    labels: Sequence[str],
    probabilities: NDArray[np.floating[Any]],
    thresholds: NDArray[np.float64],
    multi_valued: bool,
) -> list[Prediction]:
    """What is said of one attribute of each photo.

    Args:
        probabilities: shape (photos, labels).
        thresholds: probability from which a label is stood by, shape (labels,).
    """
    shown = min(MULTI_SHOWN if multi_valued else SINGLE_SHOWN, len(labels))
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :shown]
    values = probabilities[np.arange(len(best))[:, None], best]  # `take_along_axis` is five times slower for one photo
    accepted = values >= thresholds[best]
    if not multi_valued:
        accepted[:, 1:] = False
    predictions = []
    for numbers, chances, stood_by in zip(best.tolist(), values.tolist(), accepted.tolist(), strict=True):
        named = tuple(labels[n] for n, holds in zip(numbers, stood_by, strict=True) if holds)
        pairs = [(labels[n], chance) for n, chance in zip(numbers, chances, strict=True)]
        if multi_valued:
            pairs = [pair for pair in pairs if pair[0] in named] or pairs[:SINGLE_SHOWN]
        predictions.append(Prediction(values=tuple(pairs), accepted=named))
    return predictions
