"""Values of items beside a classifier's labels: which of them it can be right about at all.

Works with words. Knows nothing of feeds, photos or probabilities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.data.labels import LabelSet, Values, encode_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of one attribute of some items.

    Attributes:
        labels: int64 label numbers of shape (items,), -1 where there is none; of a multi-valued attribute uint8
            many-hot, shape (items, labels).
        known: which items have a label of the classifier's, shape (items,).
        left_out: how many items have values, but none that is a label of the classifier's.
        foreign: values that are no label of the classifier's, with how many items have each, by falling count.
    """

    labels: NDArray[Any]
    known: NDArray[np.bool_]
    left_out: int
    foreign: Mapping[str, int]


def number_values(
    items: Sequence[Values], attributes: Mapping[str, Sequence[str]], multi: frozenset[str]
) -> dict[str, Truth]:
    """Label numbers of items' values, by attribute.

    An item of a multi-valued attribute keeps those values that are labels, and counts while it has one of them.

    Args:
        items: the values of each.
        attributes: labels of the classifier, in the order of their numbers.
        multi: the attributes of which an item may have several.
    """
    wanted = LabelSet(attributes={name: tuple(texts) for name, texts in attributes.items()}, multi=multi, left_out={})
    encoded = encode_labels(items, wanted)
    truths: dict[str, Truth] = {}
    for name, texts in wanted.attributes.items():
        numbers, own = encoded[name], set(texts)
        known = np.asarray(numbers.any(axis=1) if name in multi else numbers >= 0, dtype=np.bool_)
        valued = np.array([bool(values.get(name)) for values in items], dtype=bool)
        foreign = Counter(value for values in items for value in set(values.get(name, ())) - own)
        truths[name] = Truth(
            labels=numbers,
            known=known,
            left_out=int((valued & ~known).sum()),
            foreign=dict(sorted(foreign.items(), key=lambda pair: (-pair[1], pair[0]))),
        )
    return truths
