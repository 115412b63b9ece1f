"""The wire: what a request may say and what an answer looks like.

Pydantic models, strict and closed: a number in quotes or a field nobody knows is refused. They are the source of
`openapi.json`. Knows nothing of how a question is answered: `api.wire` turns these into queries, results into these.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from search.filters import MAX_CONDITIONS
from search.query import MAX_FACET_VALUES, MAX_FACETS, MAX_LIMIT

DEFAULT_LIMIT = 24
DEFAULT_FACET_LIMIT = 20
MAX_ID_LENGTH = 512
MAX_CURSOR_LENGTH = 4_096
MAX_PHOTOS = 10

SHA256 = r"^[0-9a-f]{64}$"
PHOTO_HASH = r"^sha256:[0-9a-f]{64}$"

_EXAMPLE_HASH = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_VALUES: dict[str, Any] = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
_FILTER_SPEC: dict[str, Any] = {
    "anyOf": [
        *_VALUES["anyOf"],
        {
            "type": "object",
            "properties": {"not": _VALUES, **{bound: {"type": "number"} for bound in ("gt", "gte", "lt", "lte")}},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}


class WireModel(BaseModel):
    """Closed and strict; no infinity and no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class SearchRequest(WireModel):
    """A question.

    At most one of `item_id`, `photo` and `photo_base64`; none of them: everything the filter lets through.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"item_id": "SKU-1", "filter": {"color": ["Red", "Blue"], "price": {"gte": 10, "lt": 50}}, "limit": 24},
                {"photo": _EXAMPLE_HASH, "facets": ["color", "product_type"]},
                {"filter": {"brand": {"not": ["Acme"]}}},
            ]
        }
    )

    item_id: Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)] | None = None
    photo: Annotated[str, Field(pattern=PHOTO_HASH)] | None = Field(
        default=None, description="A photo sent before, by the hash its answer gave; kept for a while."
    )
    photo_base64: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="A photo's file in Base64 (RFC 4648, section 4), where multipart cannot be had."
    )
    filter: Annotated[dict[str, Any], Field(max_length=MAX_CONDITIONS)] = Field(
        default_factory=dict,
        description="Attribute to value, values (any of them), bounds (gt, gte, lt, lte) or exclusion (not).",
        json_schema_extra={"additionalProperties": _FILTER_SPEC},
    )
    facets: Annotated[list[str], Field(max_length=MAX_FACETS)] = Field(
        default_factory=list, description="Attributes to count the values of."
    )
    facet_limit: Annotated[int, Field(ge=1, le=MAX_FACET_VALUES)] = DEFAULT_FACET_LIMIT
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(min_length=1, max_length=MAX_CURSOR_LENGTH)] | None = Field(
        default=None, description="`next_cursor` of the same question's last page."
    )
    weights: Annotated[dict[str, Annotated[float, Field(ge=0, le=1e6)]], Field(max_length=16)] = Field(
        default_factory=dict, description="How much each space counts; the catalogue's own weights where left out."
    )
    exact: bool = Field(default=False, description="Compare with every photo instead of asking the index.")


class AskedModel(WireModel):
    """What was asked, as understood."""

    kind: Literal["photo", "item", "browse"]
    photo: str | None = Field(examples=[_EXAMPLE_HASH])
    photo_url: str | None
    item_id: str | None


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


class ItemAnswer(WireModel):
    """One item."""

    id: str
    item: dict[str, Any]
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
