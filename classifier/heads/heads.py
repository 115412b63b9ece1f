"""Trained heads: the model, what makes its probabilities honest, and what is to be known of it.

Plain values and arrays. Knows nothing of files or of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.heads.calibration import Calibration, bend_rows
from classifier.heads.model import HeadsModel
from classifier.heads.outliers import OutlierModel
from classifier.heads.schema import HeadSchema
from classifier.heads.vector import VectorRecipe
from search.embedding import Space
from search.errors import MismatchError
from search.pools import PoolBatch

NAME = "classifier"
"""Of the space of the heads' vectors."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heads:
    """All that tagging needs, and what a card says.

    Attributes:
        spaces: those whose pools were learnt from.
        calibrations: by attribute; the temperatures are in the model's weights already.
        thresholds: by attribute, one a label, shape (labels,).
        outliers: tells pictures of another world; None where it could not be fitted.
        weights_sha256: of the tensors, as they are saved.
        fusion_weights: how much each space should count in a search, the heads' own included; empty where not chosen.
        fingerprint: of the data learnt from.
        metrics: figures on validation photos, for the card.
        training: settings, for the card.
    """

    schema: HeadSchema
    spaces: tuple[Space, ...]
    model: HeadsModel
    calibrations: Mapping[str, Calibration]
    thresholds: Mapping[str, NDArray[np.float64]]
    recipe: VectorRecipe
    outliers: OutlierModel | None = None
    weights_sha256: str = ""
    fusion_weights: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """First digits of the weights' hash."""
        return self.weights_sha256[:8]

    def predict(self, pools: PoolBatch) -> dict[str, NDArray[np.float32]]:
        """Calibrated probabilities by attribute, shape (photos, labels).

        Raises:
            InputError: pools of an encoder are missing, or of another shape.
        """
        return self.predict_components(self.model.prepare(pools))

    def predict_components(self, components: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The same of photos that are prepared already."""
        found = self.model.compute_probabilities(components)
        for attribute in self.schema.attributes:
            curve = self.calibrations[attribute.name].curve
            if curve:
                found[attribute.name] = bend_rows(found[attribute.name], curve, multi_valued=attribute.multi_valued)
        return found

    def check_encoders(self, spaces: Sequence[Space]) -> None:
        """See that these encoders are those the heads were trained on.

        Raises:
            MismatchError: one is missing, or has other weights.
        """
        there = {space.name: space for space in spaces}
        for space in self.spaces:
            found = there.get(space.name)
            if found is None or found.weights_sha256 != space.weights_sha256:
                other = f"weights {found.weights_sha256[:12]}" if found else "none of that name"
                raise MismatchError(
                    f"classifier {self.version} was trained on {space.name} with weights {space.weights_sha256[:12]}, "
                    f"here there is {other}: bring back that encoder, or train again with 'vitrine train heads'"
                )
