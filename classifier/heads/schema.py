"""Which attributes are learnt from a feed's own labels, and their labels as numbers.

Works with plain values. Knows nothing of photos, pools or networks.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classifier.data.images import UNKNOWN
from classifier.data.labels import MIN_PHOTOS
from search.attributes import AttributeKind
from search.errors import InputError, QueryError

MAX_LABELS = 200
"""An attribute with more labels is taken for a name or a code, unless it is asked for."""

MIN_COVERAGE = 0.5
"""Share of the training photos that must have a label that is learnt, unless the attribute is asked for."""

MULTI_SHARE = 0.01
"""Share of the labelled training photos that have several values, from which an attribute counts as multi-valued."""

NOT_LOOKS = frozenset(
    (
        *("id", "item_group_id", "availability", "condition", "price_currency", "adult", "is_bundle"),
        *("identifier_exists", "size", "size_type", "size_system", "split", "gtin", "mpn"),
        *(f"custom_label_{number}" for number in range(5)),
    )
)
"""Attributes that no photo shows: codes, terms of sale, sizes, and a feed's own division for experiments."""

Labels = Mapping[str, Sequence[tuple[str, ...]]]
"""By attribute, each photo's values; an empty tuple where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadAttribute:
    """An attribute that is learnt.

    Attributes:
        multi_valued: a photo may have several of the labels; otherwise exactly one.
        labels: sorted; the number of a label is its place.
        left_out: values that are not learnt, with how many training photos have them.
    """

    name: str
    multi_valued: bool
    labels: tuple[str, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSchema:
    """What is learnt.

    Attributes:
        passed_over: attributes that are not, with the reason.
    """

    attributes: tuple[HeadAttribute, ...]
    passed_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the attributes, in their order."""
        return tuple(attribute.name for attribute in self.attributes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """One attribute of some photos, as numbers.

    Attributes:
        values: int64 label numbers of shape (photos,), `UNKNOWN` where there is none; of a multi-valued attribute
            many-hot uint8 of shape (photos, labels).
        known: which photos say anything of the attribute, shape (photos,). A photo whose only values are left out
            does not, as none of the labels is right for it and nothing says which is wrong.
    """

    values: NDArray[np.int64] | NDArray[np.uint8]
    known: NDArray[np.bool_]


def learn_schema(
    labels: Labels,
    attributes: Sequence[str] | None = None,
    *,
    kinds: Mapping[str, AttributeKind] | None = None,
    min_photos: int = MIN_PHOTOS,
) -> HeadSchema:
    """What can be learnt from these labels.

    Args:
        labels: of the training photos only.
        attributes: those wanted, in that order. Where not given: every keyword attribute that a photo may show and
            that has 2 to 200 labels on enough photos, which together cover at least half of the photos. Of two
            attributes that say the same in other words, the first one.
        kinds: the catalogue's schema; an attribute it does not have counts as a keyword.
        min_photos: training photos a label needs.

    Raises:
        QueryError: an attribute is asked for that the photos do not have.
        InputError: one is asked for that cannot be learnt, or nothing can.
    """
    kinds = kinds or {}
    learnt: dict[str, HeadAttribute] = {}
    passed_over: dict[str, str] = {}
    for name in labels if attributes is None else dict.fromkeys(attributes):
        if name not in labels:
            raise QueryError(
                f"{name} is not an attribute of the training photos; they have {', '.join(sorted(labels))}",
                code="unknown_attribute",
            )
        attribute = _count_labels(name, labels[name], min_photos)
        reason = _find_obstacle(attribute, min_photos)
        if attributes is not None and reason:
            raise InputError(f"{name} cannot be learnt: {reason}; leave it out, or give more photos")
        if attributes is None:
            reason = reason or _find_objection(attribute, labels[name], kinds.get(name, AttributeKind.KEYWORD))
            twin = None if reason else _find_twin(labels[name], {other: labels[other] for other in learnt})
            reason = f"says the same as {twin}" if twin else reason
        if reason:
            passed_over[name] = reason
        else:
            learnt[name] = attribute
    if not learnt:
        reasons = "; ".join(f"{name} {reason}" for name, reason in passed_over.items()) or "they have no attributes"
        raise InputError(f"nothing can be learnt from these photos: {reasons}. Give more photos, or name attributes")
    return HeadSchema(attributes=tuple(learnt.values()), passed_over=passed_over)


def encode_labels(labels: Labels, schema: HeadSchema) -> dict[str, Targets]:
    """The labels of any photos as numbers; of values that are not learnt, nothing is said.

    A photo with several values of a single-valued attribute is unknown: which of them is meant cannot be told.
    """
    encoded = {}
    for attribute in schema.attributes:
        number = {label: place for place, label in enumerate(attribute.labels)}
        rows = [[number[value] for value in dict.fromkeys(row) if value in number] for row in labels[attribute.name]]
        known = np.array([bool(row) for row in rows], dtype=np.bool_)
        if attribute.multi_valued:
            many = np.zeros((len(rows), len(number)), dtype=np.uint8)
            for place, row in enumerate(rows):
                many[place, row] = 1
            encoded[attribute.name] = Targets(values=many, known=known)
        else:
            one = np.array([row[0] if len(row) == 1 else UNKNOWN for row in rows], dtype=np.int64)
            encoded[attribute.name] = Targets(values=one, known=one != UNKNOWN)
    return encoded


def compute_fingerprint(ids: Sequence[str], labels: Labels) -> str:
    """SHA-256, in hex, over ids and labels: the same data, the same text."""
    text = json.dumps([list(ids), {name: [list(row) for row in labels[name]] for name in sorted(labels)}])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _count_labels(name: str, rows: Sequence[tuple[str, ...]], min_photos: int) -> HeadAttribute:
    counts = Counter(value for row in rows for value in dict.fromkeys(row) if value)
    several = sum(len(set(row)) > 1 for row in rows)
    return HeadAttribute(
        name=name,
        multi_valued=several > 0 and several >= MULTI_SHARE * sum(bool(row) for row in rows),
        labels=tuple(sorted(label for label, count in counts.items() if count >= min_photos)),
        left_out={label: count for label, count in sorted(counts.items()) if count < min_photos},
    )


def _find_obstacle(attribute: HeadAttribute, min_photos: int) -> str:
    """Why it cannot be learnt, even if asked for."""
    needed = 1 if attribute.multi_valued else 2
    if len(attribute.labels) >= needed:
        return ""
    total = len(attribute.labels) + len(attribute.left_out)
    return f"has {total} values, {len(attribute.labels)} of them on {min_photos} training photos or more"


def _find_objection(attribute: HeadAttribute, rows: Sequence[tuple[str, ...]], kind: AttributeKind) -> str:
    """Why it is not learnt unless asked for."""
    if attribute.name in NOT_LOOKS:
        return "is nothing a photo shows"
    if kind is not AttributeKind.KEYWORD:
        return f"is a {kind.value}, not a keyword"
    if len(attribute.labels) > MAX_LABELS:
        return f"has {len(attribute.labels)} labels, more than {MAX_LABELS}"
    learnt = set(attribute.labels)
    covered = sum(not learnt.isdisjoint(row) for row in rows) / max(len(rows), 1)
    if covered < MIN_COVERAGE:
        return f"has labels to learn on {covered:.0%} of the photos only"
    return ""


def _find_twin(rows: Sequence[tuple[str, ...]], others: Labels) -> str | None:
    """One of the others whose values go with these one to one."""
    for name, theirs in others.items():
        pairs = set(zip(rows, theirs, strict=True))
        if len(pairs) == len(set(rows)) == len(set(theirs)):
            return name
    return None
