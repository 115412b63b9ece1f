"""Which items of a gallery are relevant to an item, by the shop's own attributes.

Works with items already read. Knows nothing of stores, vectors or measures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from search.filters import Scalar
from search.item import Item

Mark = NDArray[np.bool_]
"""Which rows of a gallery, shape (items of the gallery,)."""


class Gallery:
    """The labels of every item that can be found, one row an item.

    Args:
        items: those of the gallery; each is kept as a row number under each of its values, and not otherwise.
        attributes: those that decide what is relevant.
    """

    def __init__(self, items: Iterable[Item], attributes: Sequence[str]) -> None:
        self._rows: dict[str, int] = {}
        self._holders: dict[str, dict[Scalar, list[int]]] = {name: defaultdict(list) for name in attributes}
        for item in items:
            row = self._rows.setdefault(item.id, len(self._rows))
            for name, holders in self._holders.items():
                for value in list_values(item, name):
                    holders[value].append(row)

    def __len__(self) -> int:
        return len(self._rows)

    def find_rows(self, item_ids: Iterable[str]) -> Sequence[int]:
        """Row of each item; -1 for one that came into the store after the gallery was read."""
        return [self._rows.get(item_id, -1) for item_id in item_ids]

    def mark_relevant(self, item: Item, relevant: Sequence[str] | None = None) -> Mapping[str | None, Mark]:
        """The rows that share a value with the item, by attribute; under None those that do in every relevant one.

        The item's own row is never marked. What is marked under None is all there is to be found.

        Args:
            relevant: some of the gallery's attributes; all of them where None.
        """
        marks: dict[str | None, Mark] = {}
        joint = np.ones(len(self), dtype=bool)
        for name, holders in self._holders.items():
            mark = np.zeros(len(self), dtype=bool)
            for value in list_values(item, name):
                mark[holders.get(value, [])] = True
            if (own := self._rows.get(item.id)) is not None:
                mark[own] = False
            marks[name] = mark
            if relevant is None or name in relevant:
                joint &= mark
        marks[None] = joint
        return marks


def list_labels(item: Item, attribute: str) -> tuple[str, ...]:
    """The same values as words, which is how labels are written."""
    return tuple(str(value) for value in list_values(item, attribute))


def list_values(item: Item, attribute: str) -> tuple[Scalar, ...]:
    """The item's values of an attribute, an empty word not among them; none where it has no such attribute."""
    value = item.attributes.get(attribute, ())
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if one != "")
