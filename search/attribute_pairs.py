"""What two sides say of the same attributes: which values, on whose authority, and whether they agree.

Works with items, predictions and a manifest's schema. Knows nothing of scores or pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search.attributes import AttributeKind
from search.filters import Scalar, Source
from search.item import Item
from search.manifest import Manifest
from search.tagging import Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Values of one attribute, and on whose authority.

    Attributes:
        source: `MERCHANT`, or `PREDICTED` where the merchant gave none and the classifier accepted these.
        confidence: of the surest accepted value; None where the merchant says so.
    """

    values: tuple[Scalar, ...]
    source: Source
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributePair:
    """An attribute that both sides have values of; they agree where they have one in common."""

    name: str
    asked: Said
    found: Said

    @property
    def shared(self) -> tuple[Scalar, ...]:
        """The values both have."""
        return tuple(value for value in self.asked.values if value in self.found.values)

    @property
    def agrees(self) -> bool:
        """Whether there is one."""
        return bool(self.shared)


def list_said(item: Item | None, predictions: Mapping[str, Prediction], manifest: Manifest) -> Mapping[str, Said]:
    """What is known of each attribute that has a set of values: the merchant's word, else what is predicted."""
    said = {}
    for name, kind in manifest.attributes.items():
        if kind not in (AttributeKind.KEYWORD, AttributeKind.INTEGER):
            continue
        value = None if item is None else item.attributes.get(name)
        prediction = predictions.get(name)
        if value not in (None, ()):
            values = value if isinstance(value, tuple) else (value,)
            said[name] = Said(values=tuple(values), source=Source.MERCHANT)
        elif prediction is not None and prediction.accepted:
            sure = max(chance for label, chance in prediction.values if label in prediction.accepted)
            said[name] = Said(values=prediction.accepted, source=Source.PREDICTED, confidence=sure)
    return said


def compare_attributes(
    asked: Mapping[str, Said], found: Mapping[str, Said], manifest: Manifest
) -> tuple[AttributePair, ...]:
    """The attributes both sides have."""
    names = [name for name in manifest.attributes if name in asked and name in found]
    return tuple(AttributePair(name=name, asked=asked[name], found=found[name]) for name in names)
