"""Which photo goes into which split, so that nothing that is measured by was learnt from.

Works with texts: groups of photos that belong together, and what the data itself says. Knows nothing of images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TRAIN, VAL, TEST = "train", "val", "test"
SPLITS = (TRAIN, VAL, TEST)

SPELLINGS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VAL),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""What data sets call their splits, in small letters."""

VAL_SHARE, TEST_SHARE = 0.1, 0.1


def assign_splits(
    groups: Sequence[str],
    photos: Sequence[str],
    declared: Sequence[str | None] | None = None,
    *,
    seed: int = 0,
    val_share: float = VAL_SHARE,
    test_share: float = TEST_SHARE,
) -> list[str]:
    """`train`, `val` or `test` for each photo; the same for the same data, whatever its order.

    Photos of one group, and equal photos, are never in two splits: groups that share a photo count as one. Where the
    data says a split, that is taken, and the earliest of train, val and test where it says several of what belongs
    together; so nothing of the test is ever learnt. The others are placed by a hash of their group.

    Args:
        groups: by photo: the item, or the group of items, it shows.
        photos: by photo: its content, as a hash.
        declared: by photo: the split the data says, in any of `SPELLINGS`; None or another text where it says none.
        seed: another one deals the groups another way.
        val_share, test_share: of the groups nobody has placed.
    """
    together = _join_groups(groups, photos)
    said: dict[str, str] = {}
    if declared is not None:
        for name, text in zip(together, declared, strict=True):
            split = SPELLINGS.get(text.strip().lower()) if text else None
            if split is not None and (name not in said or SPLITS.index(split) < SPLITS.index(said[name])):
                said[name] = split
    dealt = {name: said.get(name) or _deal(name, seed, val_share, test_share) for name in set(together)}
    return [dealt[name] for name in together]


def pick_stratified(labels: NDArray[np.integer[Any]], share: float, *, seed: int) -> NDArray[np.bool_]:
    """True for a random share of each label's rows, rounded to whole rows: bool, shape (n,)."""
    random = np.random.default_rng(seed)
    picked = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        picked[random.permutation(rows)[: round(len(rows) * share)]] = True
    return picked


def _join_groups(groups: Sequence[str], photos: Sequence[str]) -> list[str]:
    """By photo, the smallest name of all groups that hang together with its own by equal photos."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        root = name
        while parent.setdefault(root, root) != root:
            root = parent[root]
        while parent[name] != root:  # the next look-up is one step
            parent[name], name = root, parent[name]
        return root

    first: dict[str, str] = {}
    for group, photo in zip(groups, photos, strict=True):
        here, there = find(group), find(first.setdefault(photo, group))
        parent[max(here, there)] = min(here, there)
    return [find(group) for group in groups]


def _deal(name: str, seed: int, val_share: float, test_share: float) -> str:
    digest = hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < test_share:
        return TEST
    return VAL if place < test_share + val_share else TRAIN


def list_rows(splits: Iterable[str], wanted: str) -> NDArray[np.int64]:
    """Numbers of the photos in one split, in order."""
    return np.array([row for row, split in enumerate(splits) if split == wanted], np.int64)
