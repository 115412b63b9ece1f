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


class AskedModel(WireModel):
    """What was asked, as understood, and what the classifier says of the photo."""

    kind: Literal["photo", "item", "browse"]
    photo: str | None = Field(examples=[EXAMPLE_HASH])
    photo_url: str | None
    item_id: str | None
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


class HitModel(WireModel):
    """One item found; `photo` is the one that is nearest."""

    id: str
    score: float | None
    item: dict[str, Any] = Field(description="The shop's own attributes, flat, under their Google Merchant names.")
    predicted: dict[str, PredictionModel] = Field(description=_PREDICTED_NOTE)
    model: str | None = Field(description=_MODEL_NOTE)
    parts: dict[str, float] = Field(description="Cosine similarity in each space, -1 to 1.")
    photo: PhotoModel


class TotalModel(WireModel):
    """How many items the filter lets through."""

    value: int
    relation: Literal["eq"] = "eq"


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
    facets: dict[str, list[FacetValueModel]]
    facets_scope: Literal["catalogue"] = "catalogue"
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
