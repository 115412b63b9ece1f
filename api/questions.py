"""Questions: what a request may say.

Pydantic models, strict and closed: a number in quotes or a field nobody knows is refused. They are a source of
`openapi.json`. Knows nothing of answers, which are in `api.schemas`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from search.filters import MAX_CONDITIONS
from search.query import (
    MAX_BINS,
    MAX_EXAMPLES,
    MAX_FACET_VALUES,
    MAX_FACETS,
    MAX_LIMIT,
    MAX_TEXT_LENGTH,
    MAX_WEIGHT,
)

DEFAULT_LIMIT = 24
DEFAULT_FACET_LIMIT = 20
MAX_ID_LENGTH = 512
MAX_CURSOR_LENGTH = 4_096
MAX_PHOTOS = 10
MAX_COLOR_LENGTH = 200

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


QueryText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH, description="Words for what is looked for.")]
ColorText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_COLOR_LENGTH,
        description="A colour, as #rrggbb or by its name, or several with shares: `navy:0.7,white:0.3`.",
        examples=["#a02030", "navy", "navy:0.7,white:0.3"],
    ),
]
RegionBox = Annotated[
    list[Annotated[float, Field(ge=0, le=1)]],
    Field(
        min_length=4,
        max_length=4,
        description="Part of the photo: left, top, right, bottom, as shares of its sides from the upper left corner.",
        examples=[[0.1, 0.5, 0.9, 1.0]],
    ),
]


class ExampleRequest(WireModel):
    """One thing hits should be like, or with a negative weight unlike: exactly one of the first six."""

    item_id: ItemIdText | None = None
    photo: PhotoHash | None = None
    photo_base64: PhotoBase64 | None = None
    upload: Annotated[int, Field(ge=0, lt=MAX_PHOTOS)] | None = Field(
        default=None, description="Which file of the form it is, counted from 0."
    )
    text: QueryText | None = None
    color: ColorText | None = None
    region: RegionBox | None = Field(default=None, description="Of a photo; all of it where left out.")
    weight: Annotated[float, Field(ge=-MAX_WEIGHT, le=MAX_WEIGHT)] = Field(
        default=1.0, description="How much it counts; negative for what hits should be unlike."
    )


_Ids = Annotated[list[ItemIdText], Field(max_length=MAX_EXAMPLES)]


class SearchRequest(WireModel):
    """A question: what hits should be like and unlike, and what they have to fulfil.

    `item_id`, `photo`, `photo_base64`, `text` and `color` are each one more example of weight 1; so is a file of the
    form that no example names. Without any example: everything the filter lets through.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"item_id": "SKU-1", "filter": {"color": ["Red", "Blue"], "price": {"gte": 10, "lt": 50}}, "limit": 24},
                {"photo": EXAMPLE_HASH, "facets": ["color", "product_type"]},
                {"filter": {"brand": {"not": ["Acme"]}}},
                {"text": "red shoes for women", "less_like": ["SKU-7"], "group_by": "item_group_id"},
                {"examples": [{"photo": EXAMPLE_HASH, "region": [0, 0.5, 1, 1]}, {"text": "leather", "weight": -0.5}]},
            ]
        }
    )

    item_id: ItemIdText | None = None
    photo: PhotoHash | None = None
    photo_base64: PhotoBase64 | None = None
    region: RegionBox | None = Field(
        default=None, description="Of `photo` or `photo_base64`, or of the form's one file."
    )
    text: QueryText | None = None
    color: ColorText | None = None
    tolerance: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=None, description="Largest difference (CIEDE2000) of a hit's colours to the first colour asked for."
    )
    examples: Annotated[list[ExampleRequest], Field(max_length=MAX_EXAMPLES)] = Field(default_factory=list)
    more_like: _Ids = Field(default_factory=list, description="Ids of items: examples of weight 1.")
    less_like: _Ids = Field(default_factory=list, description="Ids of items: examples of weight -0.5.")
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
    facets_over: Literal["filter", "nearest"] = Field(
        default="filter", description="Count every item the filter lets through, or the nearest 500 hits."
    )
    histograms: Annotated[dict[str, Annotated[int, Field(ge=1, le=MAX_BINS)]], Field(max_length=MAX_FACETS)] = Field(
        default_factory=dict, description="Numeric attribute to number of bins."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(min_length=1, max_length=MAX_CURSOR_LENGTH)] | None = Field(
        default=None, description="`next_cursor` of the same question's last page."
    )
    weights: Annotated[dict[str, Annotated[float, Field(ge=0, le=1e6)]], Field(max_length=16)] = Field(
        default_factory=dict,
        description="How much each space counts, and `words` beside them; the catalogue's own weights where left out.",
    )
    diversity: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="0: the nearest; towards 1: hits that differ from each other."
    )
    group_by: Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)] | None = Field(
        default=None, description="Attribute whose values have one hit each, such as `item_group_id`."
    )
    collapse_duplicates: bool = Field(default=False, description="Leave out photos that nearly repeat a better hit's.")
    min_relevance: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Leave out hits that are less probably relevant; needs a calibrated catalogue."
    )
    exact: bool = Field(default=False, description="Compare with every photo instead of asking the index.")


class ClassifyRequest(WireModel):
    """A photo or an item to classify: exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"item_id": "SKU-1"}, {"photo": EXAMPLE_HASH}]})

    item_id: ItemIdText | None = None
    photo: PhotoHash | None = None
    photo_base64: PhotoBase64 | None = None
