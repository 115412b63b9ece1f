"""Questions: what a request may say.

Pydantic models, strict and closed: a number in quotes or a field nobody knows is refused. They are a source of
`openapi.json`. Knows nothing of answers, which are in `api.schemas`.
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

SourceName = Literal["merchant", "predicted", "either"]
"""Names of `search.filters.Source`."""

SOURCE_NOTE = (
    "Whose values filters and facets are about: the merchant's, those predicted from photos, or (either) the "
    "merchant's, and the predicted ones where the merchant gave none. Only for attributes that are predicted."
)
EXAMPLE_HASH = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_VALUES: dict[str, Any] = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
_FILTER_SPEC: dict[str, Any] = {
    "anyOf": [
        *_VALUES["anyOf"],
        {
            "type": "object",
            "properties": {
                "any": _VALUES,
                "not": _VALUES,
                **{bound: {"type": "number"} for bound in ("gt", "gte", "lt", "lte")},
                "source": {"enum": ["merchant", "predicted", "either"]},
            },
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}


class WireModel(BaseModel):
    """Closed and strict; no infinity and no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


ItemIdText = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
PhotoHash = Annotated[
    str,
    Field(pattern=PHOTO_HASH, description="A photo sent before, by the hash its answer gave; kept for a while."),
]
PhotoBase64 = Annotated[
    str,
    Field(min_length=1, description="A photo's file in Base64 (RFC 4648, section 4), where multipart cannot be had."),
]


class SearchRequest(WireModel):
    """A question.

    At most one of `item_id`, `photo` and `photo_base64`; none of them: everything the filter lets through.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"item_id": "SKU-1", "filter": {"color": ["Red", "Blue"], "price": {"gte": 10, "lt": 50}}, "limit": 24},
                {"photo": EXAMPLE_HASH, "facets": ["color", "product_type"]},
                {"filter": {"brand": {"not": ["Acme"]}}},
            ]
        }
    )

    item_id: ItemIdText | None = None
    photo: PhotoHash | None = None
    photo_base64: PhotoBase64 | None = None
    filter: Annotated[dict[str, Any], Field(max_length=MAX_CONDITIONS)] = Field(
        default_factory=dict,
        description="Attribute to value, values (any of them), bounds (gt, gte, lt, lte) or exclusion (not); "
        "{any, source} where one attribute's source is another one.",
        json_schema_extra={"additionalProperties": _FILTER_SPEC},
    )
    source: SourceName = Field(default="either", description=SOURCE_NOTE)
    classify: bool = Field(
        default=False, description="Say what the classifier sees in the photo asked about, from the same forward pass."
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


class ClassifyRequest(WireModel):
    """A photo or an item to classify: exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"item_id": "SKU-1"}, {"photo": EXAMPLE_HASH}]})

    item_id: ItemIdText | None = None
    photo: PhotoHash | None = None
    photo_base64: PhotoBase64 | None = None
