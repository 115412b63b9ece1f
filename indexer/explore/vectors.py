"""The items of a catalogue as rows of numbers: one matrix a space, and the fusion of them.

Works with a store through its port. Knows nothing of what is done with the rows.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.embedding import Embeddings
from search.errors import QueryError
from search.filters import Filter
from search.manifest import Manifest
from search.paging import read_points
from search.store import Store, StoredPoint

Matrix = NDArray[np.float32]

FUSED = "fused"
"""Stands, among the names of spaces, for all of them as the catalogue weighs them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorTable:
    """Items and their embeddings, one row an item, ordered by id.

    Attributes:
        points: main photos, their vectors left out.
        blocks: by space, shape (items, dimension of the space); zeros where an item has no embedding in it.
        weights: how much each space counts in `fuse`, summing to 1.
        space: what was asked for: `FUSED`, or the name of a space.
        total: items the filter lets through, of which these are all or a sample.
        state: of the catalogue when it was read.
    """

    points: tuple[StoredPoint, ...]
    blocks: Mapping[str, Matrix]
    weights: Mapping[str, float]
    space: str
    total: int
    state: str

    def __len__(self) -> int:
        return len(self.points)

    def fuse(self) -> Matrix:
        """One row an item, whose dot product with another row is the score of the two: the weighted sum of cosines."""
        parts = [np.float32(weight**0.5) * self.blocks[name] for name, weight in self.weights.items()]
        return parts[0] if len(parts) == 1 else np.hstack(parts)


def read_table(
    store: Store,
    manifest: Manifest,
    conditions: Filter,
    *,
    space: str = FUSED,
    also: Sequence[str] = (),
    limit: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> VectorTable:
    """The items the filter lets through with their embeddings; a sample of them where they are more than `limit`.

    The sample is drawn by the items' ids, so that it does not depend on the store's order, and stays mostly the same
    while the catalogue grows. Items without an embedding in any of the spaces are left out.

    Args:
        space: `FUSED`, or the name of one space.
        also: further spaces to read, which `fuse` leaves out.
        progress: told how many items were read.

    Raises:
        QueryError: a space the catalogue does not have, or nothing that matches.
    """
    weights = weigh_spaces(space, manifest)
    names = tuple(dict.fromkeys((*weights, *also)))
    kept: list[tuple[int, str, StoredPoint]] = []
    total = 0
    for total, point in enumerate(read_points(store, conditions, spaces=names), 1):
        if not point.vectors.keys() & weights.keys():
            continue
        # Python's heap gives up its smallest entry first: of negated numbers, the largest.
        entry = (-_draw(point.item.id, seed), point.item.id, point)
        if len(kept) < limit:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)
        if progress is not None and total % 500 == 0:
            progress(total)
    points = sorted((point for _, _, point in kept), key=lambda point: point.item.id)
    if not points:
        raise QueryError(_say_why_none(total, space), code="no_items", pointer="/filter")
    dimensions = {each.name: each.dimension for each in manifest.spaces}
    return VectorTable(
        points=tuple(replace(point, vectors={}) for point in points),
        blocks={name: _stack([point.vectors for point in points], name, dimensions[name]) for name in names},
        weights=weights,
        space=space,
        total=total,
        state=manifest.name_state(),
    )


def weigh_spaces(space: str, manifest: Manifest) -> Mapping[str, float]:
    """How much each space counts, summing to 1: all of it the one named, or as the catalogue weighs them.

    Raises:
        QueryError: a space the catalogue does not have.
    """
    known = [each.name for each in manifest.spaces]
    if space != FUSED and space not in known:
        raise QueryError(
            f"this catalogue has no space {space!r}; it has {FUSED}, {', '.join(known)}",
            code="unknown_space",
            pointer="/space",
        )
    if space != FUSED:
        return {space: 1.0}
    counting = {name: weight for name, weight in manifest.weights.items() if weight > 0}
    total = sum(counting.values())
    return {name: weight / total for name, weight in counting.items()}


def _draw(item_id: str, seed: int) -> int:
    """A number that says, from the id alone, when an item is drawn."""
    digest = hashlib.sha256(f"{seed}\n{item_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def _stack(vectors: Sequence[Embeddings], name: str, dimension: int) -> Matrix:
    block = np.zeros((len(vectors), dimension), dtype=np.float32)
    for row, there in zip(block, vectors, strict=True):
        if name in there:
            row[:] = there[name]
    return block


def _say_why_none(total: int, space: str) -> str:
    if total:
        return f"none of the {total} items has an embedding in {space!r} yet; choose another one, or run 'vitrine tag'"
    return "no item matches the filter; leave some of it out"
