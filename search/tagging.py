"""What a trained classifier says of a photo, and the port to one.

Plain values. Knows nothing of heads, training or artefacts: `classifier/` implements the port, `vitrine/wiring.py` puts
the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.embedding import Space, Vector
from search.pools import PoolBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the classifier makes of one attribute.

    Attributes:
        values: (label, calibrated probability), best first.
        accepted: the labels whose probability is above their threshold; empty where the classifier abstains.
    """

    values: tuple[tuple[str, float], ...]
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """All a classifier says of one photo.

    Attributes:
        vector: the photo in the classifier's own space, unit length.
        predictions: by attribute.
        out_of_catalogue: probability, 0 to 1, that the picture shows nothing of the catalogue's kind.
        model: version of the classifier that said so.
    """

    vector: Vector
    predictions: Mapping[str, Prediction]
    out_of_catalogue: float
    model: str

    @property
    def outside(self) -> bool:
        """Whether the picture is more probably outside the catalogue's world than in it."""
        return self.out_of_catalogue > 0.5


class Tagger(Protocol):
    """A trained classifier, ready to tag. Safe to call from several threads."""

    @property
    def space(self) -> Space:
        """The space its vectors are in; its hash is that of the classifier's weights."""

    @property
    def version(self) -> str:
        """What tells this classifier from another one."""

    def tag(self, pools: PoolBatch) -> Sequence[Tagging]:
        """One tagging a photo, in the order given. A photo's tagging does not depend on its batch.

        Args:
            pools: by encoder, float32, shape (photos, parts, dimension).
        """
