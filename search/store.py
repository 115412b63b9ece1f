"""The port to a vector store, and the plain values that cross it.

A store holds one point per photo, with one vector per space and the whole item as its payload. The adapters are in
`search/stores/`; each one passes the same contract suite. Knows nothing of photos' pixels, encoders or HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from search.attributes import AttributeSchema
from search.embedding import Embeddings, Vector
from search.filters import Filter
from search.item import Item, PhotoRecord

NEAREST_DEPTH = 2_000
"""How deep a ranking can be asked for; its pages end there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One photo on its way into the store."""

    item: Item
    photo: PhotoRecord
    vectors: Embeddings
    photos_sha256: str
    row_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPoint:
    """One photo as the store holds it; `vectors` has the spaces that were asked for."""

    item: Item
    photo: PhotoRecord
    photos_sha256: str
    row_sha256: str
    vectors: Embeddings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPoint:
    """A point found by `Store.find_nearest`.

    Attributes:
        score: weighted sum of the parts.
        parts: cosine similarity in each space asked, in [-1, 1].
    """

    point: StoredPoint
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One space's side of a query: what to be near to, and how much it counts.

    Attributes:
        vector: unit length, shape (dimension of the space,).
        weight: factor of this space's cosine similarity in the score.
    """

    space: str
    vector: Vector
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetCount:
    """How many items have this value."""

    value: str | int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some items in a stable order, and where the next page starts; None after the last one."""

    points: Sequence[StoredPoint]
    next_after: str | None


class Store(Protocol):
    """One catalogue's points. Every method may raise `StoreUnavailableError`.

    What a method acknowledges by returning has been written to the engine's log and survives the end of the process.
    """

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points; a point of the same item and photo index is replaced."""

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        """New attributes for items by id, on all of their photos; the vectors stay as they are."""

    def delete_items(self, item_ids: Collection[str]) -> int:
        """Remove items with all of their photos; returns how many of them were there."""

    def delete_photos_from(self, item_id: str, index: int) -> None:
        """Remove the photos of an item from this index on."""

    def read_items(
        self, item_ids: Sequence[str], *, index: int = 0, spaces: Sequence[str] = ()
    ) -> Mapping[str, StoredPoint]:
        """One photo of each item that has it, by item id, with the vectors of the spaces asked for.

        Args:
            index: which photo; 0 is the main one, which every item has.
        """

    def read_fingerprints(self, item_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """(photos_sha256, row_sha256) of each item that is there: the one question an indexing batch asks."""

    def find_nearest(
        self,
        legs: Sequence[Leg],
        conditions: Filter,
        *,
        limit: int,
        offset: int = 0,
        exact: bool = False,
        without: Sequence[str] = (),
    ) -> Sequence[ScoredPoint]:
        """Points by falling score, the sum over legs of weight times cosine similarity.

        Two photos of one item are two points.

        Args:
            exact: compare with every point instead of asking the HNSW index.
            without: items that are not to be found.
        """

    def scan(self, conditions: Filter, *, limit: int, after: str | None = None, spaces: Sequence[str] = ()) -> Page:
        """Items in a stable order that does not depend on when they were written, main photos only."""

    def count_items(self, conditions: Filter = ()) -> int:
        """Exact number of items that match."""

    def count_facet(self, attribute: str, conditions: Filter, *, limit: int) -> Sequence[FacetCount]:
        """Values of a keyword or integer attribute by falling count of matching items."""

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Make the attribute indexes that are missing; filters are slow and facets refused without."""

    def optimize(self) -> None:
        """Build or rebuild indexes now; may take minutes on a large catalogue and nothing else happens meanwhile."""

    def close(self) -> None:
        """Release the store; nothing acknowledged is lost without it."""
