"""Where the shop and the classifier disagree: labels of a catalogue that deserve a second look.

Works with any store and with plain values. Knows nothing of photos, heads, or of how a report is printed.

A classifier is trained on the shop's own labels. An item it was trained on was shown to it with the shop's label, so a
conflict there is the stronger sign: it disagrees although it was told. And no conflict is no proof of a right label: a
mistake that a shop makes often is learnt like anything else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from indexer.relevance import list_labels
from search.filters import Filter
from search.manifest import PredictedAttribute
from search.paging import ScannedStore, read_points
from search.store import StoredPoint

SLACK = 500
"""Conflicts gathered beyond twice those wanted before the mildest are let go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An attribute of an item that the shop and the classifier fill differently.

    Attributes:
        photo: where the main photo came from, as the feed gave it: what the classifier saw.
        shop_values: what the shop says; never empty.
        predicted: the label the classifier accepted.
        confidence: its calibrated probability, 0 to 1.
        shop_probability: the highest probability the classifier gave to a label of the shop's; None where they are not
            among those it kept.
        unknown_label: the classifier knows none of the shop's labels (too few photos had them), so it could not agree.
        model: version of the classifier.
    """

    item_id: str
    title: str
    photo: str
    attribute: str
    shop_values: tuple[str, ...]
    predicted: str
    confidence: float
    shop_probability: float | None
    unknown_label: bool
    model: str

    def to_wire(self) -> dict[str, object]:
        """The conflict as one flat JSON object."""
        return {
            "id": self.item_id,
            "title": self.title,
            "image_link": self.photo,
            "attribute": self.attribute,
            "shop": list(self.shop_values),
            "predicted": self.predicted,
            "confidence": round(self.confidence, 4),
            "shop_probability": None if self.shop_probability is None else round(self.shop_probability, 4),
            "unknown_label": self.unknown_label,
            "model": self.model,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictReport:
    """What a look through the catalogue found.

    Attributes:
        conflicts: worst first: by falling confidence, then by item and attribute; as many as were asked for.
        unknown: the same for items whose labels the classifier does not know.
        found, found_unknown: how many there are of each, shown or not.
        compared: by attribute, how many items have both a value of the shop's and an accepted prediction.
    """

    conflicts: Sequence[Conflict]
    unknown: Sequence[Conflict]
    found: int
    found_unknown: int
    compared: Mapping[str, int]

    def to_wire(self) -> dict[str, object]:
        """The report as one JSON object."""
        return {
            "found": self.found,
            "found_unknown": self.found_unknown,
            "compared": dict(self.compared),
            "conflicts": [conflict.to_wire() for conflict in self.conflicts],
            "unknown": [conflict.to_wire() for conflict in self.unknown],
        }


def find_conflicts(
    store: ScannedStore,
    attributes: Mapping[str, PredictedAttribute],
    conditions: Filter = (),
    *,
    min_confidence: float = 0.0,
    limit: int | None = None,
) -> ConflictReport:
    """The shop's labels that the classifier disagrees with.

    Only what it accepted counts, and only attributes with one value: of several labels that may all hold, one that
    the shop did not mention contradicts nothing.

    Args:
        attributes: what is predicted and with which labels; those with several values are passed over.
        conditions: which items are looked through.
        min_confidence: conflicts below it are not found.
        limit: how many of each sort are kept, the worst; None for all of them.
    """
    sure, unknown = _Worst(limit), _Worst(limit)
    compared = {name: 0 for name, each in attributes.items() if not each.multi_valued}
    for point in read_points(store, conditions):
        for name in compared:
            conflict = compare_labels(point, name, attributes[name].labels)
            if conflict is None:
                continue
            compared[name] += 1
            if conflict.predicted not in conflict.shop_values and conflict.confidence >= min_confidence:
                (unknown if conflict.unknown_label else sure).add(conflict)
    return ConflictReport(
        conflicts=sure.to_list(),
        unknown=unknown.to_list(),
        found=sure.seen,
        found_unknown=unknown.seen,
        compared=compared,
    )


def compare_labels(point: StoredPoint, attribute: str, labels: Collection[str]) -> Conflict | None:
    """The shop's values beside the prediction, agreeing or not; None where one of the two is missing."""
    prediction = point.predictions.get(attribute)
    shop_values = list_labels(point.item, attribute)
    if prediction is None or not prediction.accepted or not shop_values:
        return None
    probabilities = dict(prediction.values)
    predicted = max(prediction.accepted, key=lambda label: probabilities.get(label, 0.0))
    given = [probabilities[value] for value in shop_values if value in probabilities]
    return Conflict(
        item_id=point.item.id,
        title=str(point.item.attributes.get("title", "")),
        photo=point.photo.link,
        attribute=attribute,
        shop_values=shop_values,
        predicted=predicted,
        confidence=probabilities.get(predicted, 0.0),
        shop_probability=max(given, default=None),
        unknown_label=not any(value in labels for value in shop_values),
        model=point.model,
    )


class _Worst:
    """The conflicts with the highest confidence of those added; a catalogue of any size needs no more memory."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._kept: list[Conflict] = []
        self.seen = 0

    def add(self, conflict: Conflict) -> None:
        self.seen += 1
        self._kept.append(conflict)
        if self._limit is not None and len(self._kept) >= 2 * self._limit + SLACK:
            self._kept = self.to_list()

    def to_list(self) -> list[Conflict]:
        ranked = sorted(self._kept, key=lambda each: (-each.confidence, each.item_id, each.attribute))
        return ranked[: self._limit]
