"""Which items of a feed belong together, and which part of the data the shop puts them in.

For `classifier.data.splitting.assign_splits`. Works with items; knows nothing of photos.
"""

from __future__ import annotations

from indexer.relevance import list_labels
from search.item import Item

SPLIT = "split"
"""Attribute that says which part an item belongs to, where the shop has one: train, val or test."""

GROUP = "item_group_id"


def name_group(item: Item, *, alone: bool = False) -> str:
    """The item's group, or the item where it has none. An item and a group of the same name are two things.

    Args:
        alone: take the item for itself, whatever group it is in.
    """
    groups = () if alone else list_labels(item, GROUP)
    return f"group {groups[0]}" if groups else f"item {item.id}"


def read_split(item: Item) -> str | None:
    """What the shop says of the item's part; None where it says nothing."""
    return next(iter(list_labels(item, SPLIT)), None)
