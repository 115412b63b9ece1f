"""Explanations on the wire: the question why an item is a hit, and its answer.

Pydantic models, strict and closed. Knows nothing of how a hit is explained; `api.explanations` makes the answers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api.questions import EXAMPLE_HASH, ItemIdText, PhotoBase64, PhotoHash, QueryText, RegionBox, WireModel
from api.schemas import PhotoModel

MAX_PHOTO_INDEX = 10_000


class ExplainRequest(WireModel):
    """What was asked about (exactly one of the first four, or the form's file), and which hit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"item_id": "SKU-1", "hit_id": "SKU-2"},
                {"photo": EXAMPLE_HASH, "hit_id": "SKU-2"},
                {"text": "red shoes for women", "hit_id": "SKU-2"},
            ]
        }
    )

    item_id: ItemIdText | None = None
    photo: PhotoHash | None = None
    photo_base64: PhotoBase64 | None = None
    text: QueryText | None = None
    region: RegionBox | None = Field(default=None, description="Of the photo; all of it where left out.")
    hit_id: ItemIdText
    photo_index: Annotated[int, Field(ge=0, le=MAX_PHOTO_INDEX)] | None = Field(
        default=None, description="Which photo of the hit, 0 for the main one; the nearest one where left out."
    )
    weights: Annotated[dict[str, Annotated[float, Field(ge=0, le=1e6)]], Field(max_length=16)] = Field(
        default_factory=dict, description="Those of the search; the catalogue's own where left out."
    )
    heat: bool = Field(default=True, description="Say where on both photos the similarity comes from.")


class PartModel(WireModel):
    """What one space gives to the score."""

    space: str
    weight: float = Field(description="Of the space; times the length of the embedding where a text is asked about.")
    cosine: float = Field(description="Similarity in this space, -1 to 1.")
    contribution: float = Field(description="Weight times cosine; the contributions sum to the score.")


class SaidModel(WireModel):
    """Values of an attribute, and on whose authority."""

    values: list[str | int | float]
    source: Literal["merchant", "predicted"]
    confidence: float | None = Field(description="Of the surest value, where it is predicted.")


class AttributePairModel(WireModel):
    """An attribute that both sides have."""

    name: str
    agrees: bool
    shared: list[str | int | float]
    asked: SaidModel
    found: SaidModel


class ColorModel(WireModel):
    """One colour of a palette."""

    color: str = Field(examples=["#a02030"])
    share: float


class ColorsModel(WireModel):
    """How far apart the colours are, in CIEDE2000 units: 1 is just seen, 100 is black to white."""

    asked: list[ColorModel]
    found: list[ColorModel]
    main: float = Field(description="Between the main colours, which come first.")
    palettes: float = Field(description="Between the palettes as wholes: the least work of turning one into the other.")


class HeatModel(WireModel):
    """Where the similarity in one space comes from."""

    space: str
    kind: Literal["parts", "losses"] = Field(
        description="`parts`: what each place gives; they sum to the cosine. `losses`: what it loses without one."
    )
    rows: int
    columns: int
    values: list[list[float]]
    frame: Annotated[list[float], Field(min_length=4, max_length=4)] = Field(
        description="Left, top, right and bottom of the values in shares of the picture's sides; may reach beyond them."
    )
    cosine: float = Field(description="Of the picture at hand, which is a smaller copy.")
    stored_cosine: float = Field(description="Of the embeddings, which the score is of.")


class HeatSideModel(WireModel):
    """The heat of one side's picture."""

    of: Literal["photo", "region", "thumbnail"] = Field(description="What the picture at hand is.")
    maps: list[HeatModel]
    overlay_url: str | None = Field(
        description="A PNG as a data URL, to lay over the picture: transparent where little comes from. "
        "All spaces together, each by its contribution."
    )


class ExplainNoteModel(WireModel):
    """Something that could not be told, and why."""

    code: str
    message: str


class ExplainAnswer(WireModel):
    """Why an item is as near to what is asked about as it is."""

    item_id: str | None
    photo: str | None = Field(examples=[EXAMPLE_HASH])
    text: str | None
    region: RegionBox | None
    hit_id: str
    hit_photo: PhotoModel
    score: float = Field(description="As in a search with the same question; of a text that by its embedding.")
    parts: list[PartModel]
    words: list[str] = Field(
        description="Those of the text that are in the item's title and attributes, by their stems."
    )
    attributes: list[AttributePairModel] = Field(description="Those both sides have, in the catalogue's order.")
    colors: ColorsModel | None
    asked_heat: HeatSideModel | None
    found_heat: HeatSideModel | None
    notes: list[ExplainNoteModel]
    took_ms: float
