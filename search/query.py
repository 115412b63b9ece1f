"""A query and its result: what is asked of a catalogue, and what comes back.

Plain values. Knows nothing of how they are written on the wire or found in a store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from search.embedding import Embeddings
from search.filters import Filter, Source
from search.item import Item, PhotoRecord
from search.region import Box
from search.store import FacetCount
from search.tagging import Prediction

MAX_LIMIT = 250
MAX_FACETS = 32
MAX_FACET_VALUES = 100
MAX_EXAMPLES = 64
MAX_TEXT_LENGTH = 1_000
MAX_BINS = 100
MAX_WEIGHT = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoExample:
    """A photo, or a region of one.

    Attributes:
        embeddings: of the photo (of the region, where there is one), by space.
        sha256: hash of the photo's bytes; ties a cursor to its query.
        region: which part of it is asked about; None for all of it.
        weight: how much it counts; negative for what hits should be unlike.
    """

    embeddings: Embeddings
    sha256: str
    region: Box | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemExample:
    """An item of the catalogue, by its main photo; it is not among the hits."""

    item_id: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextExample:
    """Words.

    Attributes:
        embeddings: the text in spaces of photos, as a text encoder gives it; empty where there is none. Not of unit
            length: their sum's product with a photo's vectors is the text's score.
    """

    text: str
    embeddings: Embeddings = field(default_factory=dict)
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorExample:
    """A colour, or several with their shares.

    Attributes:
        colors: ("#rrggbb", share); the shares sum to 1.
        embeddings: the palette in the space of measured colour.
    """

    colors: tuple[tuple[str, float], ...]
    embeddings: Embeddings
    weight: float = 1.0


Example = PhotoExample | ItemExample | TextExample | ColorExample


class FacetsOver(StrEnum):
    """What facets count.

    FILTER: every item the filter lets through, whatever it looks like.
    NEAREST: the first hits of the ranking, see `search.facets.NEAREST_ITEMS`.
    """

    FILTER = "filter"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked: near to these examples and far from those, among the items the filter lets through.

    Attributes:
        examples: what hits should be like or unlike; without any, every item the filter lets through is a hit.
        weights: how much each space counts where photos and items are compared, and `words` beside all that is
            compared by embeddings; empty for the catalogue's own.
        conditions: what every hit fulfils.
        facets: attributes to count values of.
        facet_limit: values counted of each, 1 to `MAX_FACET_VALUES`.
        facets_over: what they count.
        histograms: numeric attributes, and into how many bins they are counted, 1 to `MAX_BINS`.
        source: whose values are counted of an attribute that is predicted; a condition has its own source.
        limit: hits on a page, 1 to `MAX_LIMIT`.
        cursor: where a former result said to go on.
        exact: compare with every photo rather than ask the HNSW index.
        diversity: 0 for the nearest, towards 1 for hits that differ from each other (maximal marginal relevance).
        group_by: attribute whose values have one hit each.
        collapse_duplicates: leave out photos that nearly repeat a better hit's.
        min_relevance: leave out what is less probably relevant, 0 to 1; needs a calibrated catalogue.
        tolerance: largest difference (CIEDE2000) of a hit's colour to the first colour asked for.
    """

    examples: Sequence[Example] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    conditions: Filter = ()
    facets: Sequence[str] = ()
    facet_limit: int = 20
    facets_over: FacetsOver = FacetsOver.FILTER
    histograms: Mapping[str, int] = field(default_factory=dict)
    source: Source = Source.EITHER
    limit: int = 24
    cursor: str | None = None
    exact: bool = False
    diversity: float = 0.0
    group_by: str | None = None
    collapse_duplicates: bool = False
    min_relevance: float | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One item found; where hits are grouped, the best one of its group.

    Attributes:
        photo: the photo of the item that is nearest.
        score: what the ranking goes by: for photos and items the weighted mean of the parts, in [-1, 1]; None where
            nothing was compared.
        parts: similarity in each space; for one photo or item its cosine, in [-1, 1]; 0 in a space the photo has no
            embedding in. `words` is the BM25 score of the words asked for.
        predictions: what the classifier said of that photo, by attribute.
        model: version of that classifier; empty where none has seen the photo.
        relevance: probability of being relevant, 0 to 1; None where the catalogue is not calibrated for the question.
        group: value of the attribute that hits are grouped by; None where the item has none.
        delta_e: difference (CIEDE2000) of its colours to the first colour asked for; None where no colour was.
    """

    item: Item
    photo: PhotoRecord
    score: float | None
    parts: Mapping[str, float]
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    model: str = ""
    relevance: float | None = None
    group: str | int | None = None
    delta_e: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bar of a histogram: items with a value from `start` to below `end`; in the last bar `end` is inside."""

    start: float
    end: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something the asker should know of the answer, such as a space that has no vectors yet."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came back.

    Attributes:
        total: number of items the filter lets through.
        groups: number of groups among those; None where it cannot be told, or nothing is grouped.
        facets: counts by attribute; each leaves out the attribute's own condition, so that its other values show.
        histograms: bins by attribute, with the same rule.
        next_cursor: give it to the same query for the next page; None after the last one.
        weights: how much each space counted, summing to 1.
        search_ms: milliseconds spent in the store.
        close: whether anything reaches `min_relevance`; None where none was asked for.
    """

    hits: Sequence[Hit]
    total: int
    facets: Mapping[str, Sequence[FacetCount]]
    next_cursor: str | None
    weights: Mapping[str, float]
    search_ms: float
    groups: int | None = None
    histograms: Mapping[str, Sequence[Bin]] = field(default_factory=dict)
    close: bool | None = None
    notes: Sequence[Note] = ()


def like_photo(embeddings: Embeddings, sha256: str) -> tuple[PhotoExample]:
    """The examples of a query for what looks like one photo."""
    return (PhotoExample(embeddings=embeddings, sha256=sha256),)


def like_item(item_id: str) -> tuple[ItemExample]:
    """The examples of a query for what looks like one item."""
    return (ItemExample(item_id=item_id),)
