"""The port to a vector store, and the plain values that cross it.

A store holds one point per photo, with one vector per space and the whole item as its payload. The adapters are in
`search/stores/`; each one passes the same contract suite. Knows nothing of photos' pixels, encoders or HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from search.attributes import AttributeSchema
from search.bm25 import Words
from search.embedding import Embeddings, Space, Vector
from search.filters import Filter, Source
from search.item import Item, PhotoRecord
from search.tagging import Prediction, Tagging

NEAREST_DEPTH = 2_000
"""How deep a ranking can be asked for; its pages end there."""

DIVERSE_DEPTH = 200
"""How many of the nearest points a diverse ranking chooses from; its pages end there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One photo on its way into the store.

    Attributes:
        vectors: one for every space; for a trained space only where there is a tagging of that very classifier.
        tagging: what the classifier says of the photo.
    """

    item: Item
    photo: PhotoRecord
    vectors: Embeddings
    photos_sha256: str
    row_sha256: str
    tagging: Tagging | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPoint:
    """One photo as the store holds it.

    Attributes:
        vectors: of the spaces that were asked for, as far as the photo has them.
        predictions: what a classifier said of the photo, by attribute.
        model: version of that classifier; empty where none has seen the photo.
    """

    item: Item
    photo: PhotoRecord
    photos_sha256: str
    row_sha256: str
    vectors: Embeddings = field(default_factory=dict)
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPoint:
    """A point found by `Store.find_nearest` or `Store.find_words`.

    Attributes:
        score: weighted sum of the parts.
        parts: product with the vector asked, in each space; of two unit vectors the cosine, in [-1, 1]; 0 in a space
            the point has no vector in. Of words, their BM25 score.
    """

    point: StoredPoint
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One space's side of a query: what to be near to, and how much it counts.

    Attributes:
        vector: shape (dimension of the space,); of unit length where it is one photo's embedding.
        weight: factor of this space's part in the score.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoKey:
    """Which photo a point is of; `sha256` is that of the photo's bytes."""

    item_id: str
    index: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoPage:
    """Some photos in a stable order, and where the next page starts; None after the last one."""

    photos: Sequence[PhotoKey]
    next_after: str | None


class Store(Protocol):
    """One catalogue's points. Every method may raise `StoreUnavailableError`.

    What a method acknowledges by returning has been written to the engine's log and survives the end of the process.
    """

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points; a point of the same item and photo index is replaced."""

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        """New attributes for items by id, on all of their photos; vectors and predictions stay as they are."""

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
        diversity: float = 0.0,
    ) -> Sequence[ScoredPoint]:
        """Points by falling score, the sum over legs of weight times the product with the leg's vector.

        Two photos of one item are two points. A leg counts 0 for a point without a vector in its space; where it is
        the only leg, such a point is not found.

        Args:
            exact: compare with every point instead of asking the HNSW index.
            without: items that are not to be found.
            diversity: above 0, up to 1: the order is that of maximal marginal relevance (Carbonell and Goldstein 1998)
                among the `DIVERSE_DEPTH` nearest, each point against those before it, and the list ends with those.
        """

    def find_words(
        self, words: Words, conditions: Filter, *, limit: int, without: Sequence[str] = ()
    ) -> Sequence[ScoredPoint]:
        """Points that have some of the words, by falling BM25 score; parts: `search.bm25.WORDS`."""

    def score_photos(
        self, legs: Sequence[Leg], words: Words | None, photos: Collection[tuple[str, int]]
    ) -> Mapping[tuple[str, int], Mapping[str, float]]:
        """The parts of photos, by item id and photo index, whether or not a search would have found them."""

    def scan(
        self,
        conditions: Filter,
        *,
        limit: int,
        after: str | None = None,
        spaces: Sequence[str] = (),
        lacking: str | None = None,
    ) -> Page:
        """Items in a stable order that does not depend on when they were written, main photos only.

        Args:
            lacking: only items that the merchant gave no value of this attribute.
        """

    def count_items(self, conditions: Filter = (), *, lacking: str | None = None) -> int:
        """Exact number of items that match; with `lacking`, of those that the merchant gave no value of it."""

    def read_bounds(self, attribute: str, conditions: Filter) -> tuple[float, float] | None:
        """Least and greatest value of a numeric attribute among matching items; None where none has one."""

    def count_facet(
        self, attribute: str, conditions: Filter, *, limit: int, source: Source = Source.MERCHANT
    ) -> Sequence[FacetCount]:
        """Values of a keyword or integer attribute by falling count of matching items, then by value.

        Args:
            source: whose values are counted: the merchant's, the predicted tags, or the tags of the items the merchant
                gave no value beside the merchant's values of the others.
        """

    def list_photos(self, *, limit: int, after: str | None = None) -> PhotoPage:
        """Every photo of every item in a stable order, without its item: what a classifier has to be asked about."""

    def prepare_space(self, space: Space) -> None:
        """Make room for the vectors of a trained space. Nothing reads them before `use_spaces`; twice is once."""

    def write_taggings(self, taggings: Mapping[tuple[str, int], Tagging], space: Space) -> None:
        """Write what a classifier says of photos that are there, by item id and photo index; others are left out.

        The predictions can be read and filtered by at once, the vectors count from `use_spaces` on.

        Args:
            space: the classifier's own, prepared.

        Raises:
            MismatchError: a tagging is of another classifier.
        """

    def use_spaces(self, spaces: Sequence[Space]) -> None:
        """Search in these spaces from now on, and drop the vectors of every other one; twice is once.

        A photo without a vector in a trained space is found by its other ones.
        """

    def index_attributes(self, schema: AttributeSchema) -> None:
        """Make the attribute indexes that are missing; filters are slow and facets refused without."""

    def optimize(self) -> None:
        """Build or rebuild indexes now; may take minutes on a large catalogue and nothing else happens meanwhile."""

    def close(self) -> None:
        """Release the store; nothing acknowledged is lost without it."""
