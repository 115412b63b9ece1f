"""Texts of attributes to label numbers: which labels there are enough photos of, and who has them.

Works with plain values. Knows nothing of images or of networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.data.images import UNKNOWN, Labels
from search.errors import InputError

MIN_PHOTOS = 10
"""Training photos a label needs: with fewer it can neither be learnt nor measured."""

Values = Mapping[str, tuple[str, ...]]
"""One photo's values by attribute; an attribute it has none of may be missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSet:
    """What is to be told apart.

    Attributes:
        attributes: the labels of each, sorted; the number of a label is its place.
        multi: attributes of which a photo may have several.
        left_out: by attribute, labels that are not learnt, with how many training photos have them.
    """

    attributes: Mapping[str, tuple[str, ...]]
    multi: frozenset[str]
    left_out: Mapping[str, Mapping[str, int]]


def choose_labels(
    training: Sequence[Values],
    attributes: Sequence[str],
    *,
    multi: Collection[str] = (),
    needed: Collection[str] = (),
    min_photos: int = MIN_PHOTOS,
) -> LabelSet:
    """The labels that at least `min_photos` training photos have.

    An attribute of which not two labels are left to tell apart (one, where photos may have several) is left out whole.

    Args:
        training: the values of each training photo.
        attributes: those wanted, in the order wanted.
        multi: attributes of which a photo may have several, whether or not one has; those where one has are found.
        needed: attributes that may not be left out.

    Raises:
        InputError: an attribute that is needed is left out, or all of them are.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    several = {n for n in attributes if n in multi or any(len(values.get(n, ())) > 1 for values in training)}
    left_out: dict[str, Mapping[str, int]] = {}
    for name in attributes:
        counts = Counter(value for values in training for value in set(values.get(name, ())))
        kept = {label for label, count in counts.items() if count >= min_photos}
        learnable = len(kept) >= (1 if name in several else 2)
        if not learnable and name in needed:
            raise InputError(
                f"{name} has {len(counts)} labels among {len(training)} training photos, and {len(kept)} of them on "
                f"{min_photos} photos or more; leave it out, or give more photos"
            )
        if learnable:
            chosen[name] = tuple(sorted(kept))
        if rare := {label: count for label, count in sorted(counts.items()) if not learnable or label not in kept}:
            left_out[name] = rare
    if not chosen:
        raise InputError(
            f"none of {', '.join(attributes)} has labels on {min_photos} of the {len(training)} training photos or "
            "more; give more photos, or name other attributes"
        )
    return LabelSet(attributes=chosen, multi=frozenset(several & chosen.keys()), left_out=left_out)


def encode_labels(photos: Sequence[Values], labels: LabelSet) -> Labels:
    """Label numbers as `LabelledImages.read_labels` gives them; of a label left out, nothing is said."""
    encoded: dict[str, NDArray[np.int64] | NDArray[np.uint8]] = {}
    for name, texts in labels.attributes.items():
        number = {text: n for n, text in enumerate(texts)}
        found = [[number[value] for value in values.get(name, ()) if value in number] for values in photos]
        if name in labels.multi:
            many = np.zeros((len(photos), len(texts)), np.uint8)
            for row, columns in enumerate(found):
                many[row, columns] = 1
            encoded[name] = many
        else:
            encoded[name] = np.array([numbers[0] if numbers else UNKNOWN for numbers in found], np.int64)
    return encoded
