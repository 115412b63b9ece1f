"""A query and its result: what is asked of a catalogue, and what comes back.

Plain values. Knows nothing of how they are written on the wire or found in a store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search.embedding import Embeddings
from search.filters import Filter, Source
from search.item import Item, PhotoRecord
from search.store import FacetCount
from search.tagging import Prediction

MAX_LIMIT = 250
MAX_FACETS = 32
MAX_FACET_VALUES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked. Near an embedded photo, or near an item, or (neither) every item the filter lets through.

    Attributes:
        embeddings: of the photo asked about, by space.
        photo_sha256: hash of that photo's bytes; ties a cursor to its query.
        item_id: item to be similar to; it is not among its own hits.
        weights: how much each space counts; empty for the catalogue's own.
        conditions: what every hit fulfils.
        facets: attributes to count values of.
        facet_limit: values counted of each, 1 to `MAX_FACET_VALUES`.
        source: whose values are counted of an attribute that is predicted; a condition has its own source.
        limit: hits on a page, 1 to `MAX_LIMIT`.
        cursor: where a former result said to go on.
        exact: compare with every photo rather than ask the HNSW index.
    """

    embeddings: Embeddings | None = None
    photo_sha256: str | None = None
    item_id: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    conditions: Filter = ()
    facets: Sequence[str] = ()
    facet_limit: int = 20
    source: Source = Source.EITHER
    limit: int = 24
    cursor: str | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One item found.

    Attributes:
        photo: the photo of the item that is nearest.
        score: weighted mean of the parts, in [-1, 1]; None where nothing was compared.
        parts: cosine similarity in each space, in [-1, 1]; 0 in a space the photo has no embedding in.
        predictions: what the classifier said of that photo, by attribute.
        model: version of that classifier; empty where none has seen the photo.
    """

    item: Item
    photo: PhotoRecord
    score: float | None
    parts: Mapping[str, float]
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came back.

    Attributes:
        total: number of items the filter lets through.
        facets: counts by attribute; each leaves out the attribute's own condition, so that its other values show.
        next_cursor: give it to the same query for the next page; None after the last one.
        weights: how much each space counted, summing to 1.
        search_ms: milliseconds spent in the store.
    """

    hits: Sequence[Hit]
    total: int
    facets: Mapping[str, Sequence[FacetCount]]
    next_cursor: str | None
    weights: Mapping[str, float]
    search_ms: float
