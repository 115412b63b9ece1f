"""Answers: what comes back over the wire.

Pydantic models, strict and closed, and a source of `openapi.json`. Knows nothing of how a question is answered:
`api.wire` turns results into these. Questions are in `api.questions`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.engines import EngineName
from api.questions import EXAMPLE_HASH, WireModel

_OUTSIDE_NOTE = "Probability, 0 to 1, that the photo shows nothing of the catalogue's kind; null without a classifier."
_PREDICTED_NOTE = "What the classifier sees in this photo, apart from what the shop says; by attribute."
_MODEL_NOTE = "Version of the classifier that has seen the photo; null where none has."


class PredictedValueModel(WireModel):
    """A label, and how probable it is: 0 to 1, calibrated."""

    value: str
    confidence: float


class PredictionModel(WireModel):
    """What the classifier makes of one attribute."""

    values: list[PredictedValueModel] = Field(description="Best first, also where none of them is accepted.")
    accepted: list[str] = Field(description="Values above their thresholds: what filters and facets go by.")
    abstained: bool = Field(description="No value is above its threshold: the classifier leaves it open.")


class PaletteColorModel(WireModel):
    """A colour, and its share of the product, 0 to 1."""

    color: str = Field(examples=["#a02030"])
    share: float


class ExampleModel(WireModel):
    """One example of a question; `weight` is negative for what hits should be unlike."""

    kind: Literal["photo", "item", "text", "color"]
    weight: float
    photo: str | None = Field(examples=[EXAMPLE_HASH])
    photo_url: str | None
    item_id: str | None
    text: str | None
    colors: list[PaletteColorModel] | None
    region: list[float] | None


class AskedModel(WireModel):
    """What was asked, as understood, and what the classifier says of the photo."""

    kind: Literal["photo", "item", "text", "color", "several", "browse"]
    photo: str | None = Field(examples=[EXAMPLE_HASH])
    photo_url: str | None
    item_id: str | None
    text: str | None
    colors: list[PaletteColorModel] | None = Field(description="The colours asked for, main one first.")
    region: list[float] | None = Field(description="The part of the photo that was asked about.")
    examples: list[ExampleModel] = Field(description="Everything that hits should be like or unlike, in order.")
    attributes: dict[str, PredictionModel] | None = Field(description="What is seen in the photo, where asked for.")
    out_of_catalogue: float | None = Field(description=_OUTSIDE_NOTE)
    outside: bool | None = Field(description="Whether that is more probable than not.")
    model: str | None = Field(description="Version of the classifier that said so.")


class PhotoModel(WireModel):
    """One photo of an item; the picture at `url` is a small JPEG."""

    url: str = Field(examples=["/v1/items/SKU-1/photo?index=0&v=9f86d081"])
    index: int
    width: int
    height: int
    palette: list[PaletteColorModel] = Field(description="Colours of the product, main one first.")


class HitModel(WireModel):
    """One item found, the best of its group where hits are grouped; `photo` is the one that is nearest."""

    id: str
    score: float | None
    item: dict[str, Any] = Field(description="The shop's own attributes, flat, under their Google Merchant names.")
    predicted: dict[str, PredictionModel] = Field(description=_PREDICTED_NOTE)
    model: str | None = Field(description=_MODEL_NOTE)
    parts: dict[str, float] = Field(
        description="Similarity in each space, of one photo or item the cosine, -1 to 1; `words`: the BM25 score."
    )
    relevance: float | None = Field(description="Probability of being relevant; null where it is not calibrated.")
    group: str | int | None = Field(description="Value of the attribute that hits are grouped by; null without one.")
    delta_e: float | None = Field(description="Difference (CIEDE2000) to the first colour asked for.")
    photo: PhotoModel


class TotalModel(WireModel):
    """How many items the filter lets through."""

    value: int
    relation: Literal["eq"] = "eq"


class BinModel(WireModel):
    """Items with a value from `start` to below `end`; in the last bin `end` is inside."""

    start: float
    end: float
    count: int


class SuggestionModel(WireModel):
    """A filter that the words of the question name, to be offered."""

    attribute: str
    values: list[str]
    whole: bool = Field(description="The question has all the words of the values; else only some.")


class NoteModel(WireModel):
    """Something to know of the answer, such as a space that has no vectors yet."""

    code: str
    message: str


class FacetValueModel(WireModel):
    """How many items have this value."""

    value: str | int
    count: int


class TookModel(WireModel):
    """Milliseconds of each stage; 0 for one that did not happen."""

    decode: float
    embed: float
    classify: float
    search: float
    total: float


class SearchAnswer(WireModel):
    """Items by falling score, or in a stable order where nothing was compared."""

    query_id: str = Field(description="The same for every page of the same question.")
    query: AskedModel
    hits: list[HitModel]
    total: TotalModel
    groups: int | None = Field(description="Groups the filter lets through; null where that cannot be told.")
    close: bool | None = Field(description="Whether anything reaches min_relevance; null where none was asked for.")
    facets: dict[str, list[FacetValueModel]]
    facets_over: Literal["filter", "nearest"] = Field(description="What the facets count.")
    histograms: dict[str, list[BinModel]]
    suggestions: list[SuggestionModel]
    notes: list[NoteModel]
    weights: dict[str, float]
    next_cursor: str | None
    took_ms: TookModel


class ClassifyTookModel(WireModel):
    """Milliseconds of each stage; 0 for one that did not happen."""

    decode: float
    embed: float
    classify: float
    total: float


class SpikingModel(WireModel):
    """What a spiking answer took."""

    steps: int = Field(description="Time steps after which it was decided.")
    most_steps: int = Field(description="Time steps it takes at most.")
    spikes: int = Field(description="Of all neurons.")
    operations: int = Field(description="Synaptic operations: each spike as often as it has synapses.")


class ClassifyAnswer(WireModel):
    """What the classifier sees in a photo."""

    photo: str | None = Field(examples=[EXAMPLE_HASH], description="Ask again by it; null where an item was asked.")
    photo_url: str | None
    item_id: str | None
    attributes: dict[str, PredictionModel]
    out_of_catalogue: float | None = Field(
        description=f"{_OUTSIDE_NOTE} Null also for an item, which is in it, and from an engine that looks at pixels."
    )
    outside: bool | None = Field(description="Whether that is more probable than not.")
    model: str = Field(description="Version of the classifier that said so.")
    engine: EngineName
    spiking: SpikingModel | None = Field(description="Null but from the engine `snn`.")
    took_ms: ClassifyTookModel


class ItemAnswer(WireModel):
    """One item."""

    id: str
    item: dict[str, Any]
    predicted: dict[str, PredictionModel] = Field(description=_PREDICTED_NOTE)
    model: str | None = Field(description=_MODEL_NOTE)
    photo: PhotoModel
    spaces: list[str]


class PutAnswer(WireModel):
    """What became of an item."""

    id: str
    outcome: Literal["created", "updated", "unchanged"]


class FacetsAnswer(WireModel):
    """Values of attributes by falling count; each attribute leaves its own condition out."""

    facets: dict[str, list[FacetValueModel]]
    facets_scope: Literal["catalogue"] = "catalogue"
    total: TotalModel


class StatusAnswer(WireModel):
    """It is well."""

    status: Literal["ok"] = "ok"


class EncoderModel(WireModel):
    """One space of the catalogue."""

    name: str
    dimension: int
    weights_sha256: str


class PredictedAttributeModel(WireModel):
    """An attribute the classifier names."""

    labels: int = Field(description="How many labels it chooses from.")
    multi_valued: bool


class ClassifierModel(WireModel):
    """The classifier whose predictions the items carry."""

    version: str
    attributes: dict[str, PredictedAttributeModel]


class LimitsModel(WireModel):
    """What is taken at most."""

    body_bytes: int
    limit: int
    facets: int
    facet_values: int
    photos_per_item: int
    filter_attributes: int


class InfoAnswer(WireModel):
    """What this server holds."""

    name: Literal["vitrine"] = "vitrine"
    version: str
    items: int
    encoders: list[EncoderModel]
    classifier: ClassifierModel | None
    text_encoder: str | None = Field(
        description="Version of the text tower, or name of the CLIP space, that embeds texts; null where words "
        "find items by their titles and attributes alone. Where it cannot be used, a search's `notes` say so."
    )
    calibrated: list[Literal["photo", "text"]] = Field(
        description="Questions whose hits have a relevance: by a photo or an item, by a text."
    )
    engines: list[str] = Field(description="What `/v1/classify` may be asked of by `engine`, besides `heads`.")
    weights: dict[str, float]
    attributes: dict[str, str]
    facets: list[str] = Field(description="Attributes with few enough values to choose from.")
    limits: LimitsModel
    auth: bool


class FaultModel(WireModel):
    """One thing that is wrong with a request."""

    detail: str
    pointer: str = Field(description="JSON pointer into the body, or `/name` of a parameter.")


class ProblemAnswer(WireModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FaultModel] = Field(default_factory=list)
