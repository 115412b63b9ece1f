"""What a catalogue's classifier is trained on: the shop's labels from its feed, the pools from beside the store.

Rows are joined to photos by the item's id, main photos only. No photo is read here. Knows nothing of how a classifier
is trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.data.splitting import assign_splits
from indexer.grouping import name_group, read_split
from indexer.relevance import list_labels
from search.catalogue import Catalogue
from search.errors import QueryError
from search.item import Item

MAX_PHOTOS = 30_000
"""More are not gathered: what is drawn of a larger catalogue, by the hash of the id, fits in half a gigabyte."""

_BATCH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPools:
    """Photos with their labels and pools, row by row.

    Attributes:
        items: the items whose main photos these are.
        hashes: SHA-256 of each photo.
        splits: `train`, `val` or `test` of each; equal photos and items of one group are in one split.
        labels: by attribute, the values the shop gives each item; none where it gives none.
        pools: by encoder, float16, shape (n, parts, dimension).
        without_pools: items of the feed that are in the catalogue, but whose pools are not kept.
        not_indexed: items of the feed that are not in the catalogue.
    """

    items: Sequence[str]
    hashes: Sequence[str]
    splits: Sequence[str]
    labels: Mapping[str, Sequence[tuple[str, ...]]]
    pools: Mapping[str, NDArray[np.float16]]
    without_pools: int
    not_indexed: int

    def __len__(self) -> int:
        return len(self.items)

    def list_rows(self, split: str) -> NDArray[np.int64]:
        """Numbers of the rows in one split."""
        return np.flatnonzero(np.array(self.splits) == split)


def gather_labelled_pools(
    catalogue: Catalogue, items: Iterable[Item], attributes: Sequence[str], *, max_photos: int = MAX_PHOTOS
) -> LabelledPools:
    """The feed's items with the pools of their main photos.

    Args:
        items: of the feed, with the shop's labels; of two with one id the later counts.
        attributes: whose values are taken as labels.

    Raises:
        QueryError: none of the items is in the catalogue with its pools.
    """
    rows = {item.id: item for item in items}
    photos = _find_photos(catalogue, list(rows))
    kept = catalogue.pool_cache.list_hashes()
    usable = sorted((i for i, sha256 in photos.items() if sha256 in kept), key=_draw)[:max_photos]
    usable.sort()
    if not usable:
        raise QueryError(
            f"of {len(rows)} items of the feed {len(photos)} are in the catalogue and none of those has its pools: "
            "index this feed first with 'vitrine index FEED'"
        )
    hashes = [photos[item_id] for item_id in usable]
    chosen = [rows[item_id] for item_id in usable]
    return LabelledPools(
        items=usable,
        hashes=hashes,
        splits=assign_splits([name_group(item) for item in chosen], hashes, [read_split(item) for item in chosen]),
        labels={name: [list_labels(item, name) for item in chosen] for name in attributes},
        pools=_read_pools(catalogue, hashes),
        without_pools=sum(sha256 not in kept for sha256 in photos.values()),
        not_indexed=len(rows) - len(photos),
    )


def _find_photos(catalogue: Catalogue, ids: Sequence[str]) -> dict[str, str]:
    """SHA-256 of each item's main photo."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), _BATCH):
        points = catalogue.store.read_items(ids[start : start + _BATCH])
        found |= {item_id: point.photo.sha256 for item_id, point in points.items()}
    return found


def _read_pools(catalogue: Catalogue, hashes: Sequence[str]) -> dict[str, NDArray[np.float16]]:
    rows: dict[str, list[int]] = {}
    for row, sha256 in enumerate(hashes):
        rows.setdefault(sha256, []).append(row)
    pools: dict[str, NDArray[np.float16]] = {}
    for batch in catalogue.pool_cache.read_batches(rows.keys()):
        for name, values in batch.pools.items():
            if name not in pools:
                pools[name] = np.zeros((len(hashes), *values.shape[1:]), np.float16)
            for sha256, value in zip(batch.hashes, values, strict=True):
                pools[name][rows[sha256]] = value
    return pools


def _draw(item_id: str) -> bytes:
    """A number without a pattern, so that a part of a large catalogue is a fair one."""
    return hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()
