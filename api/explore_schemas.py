"""Answers about a catalogue as a whole: its looks and its map.

Pydantic models of the wire; a source of `openapi.json`. Knows nothing of how looks or maps are made.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.questions import WireModel
from api.schemas import PhotoModel

STALE_NOTE = "Whether the catalogue was indexed or tagged another way since; what is said may not be right any more."


class TraitModel(WireModel):
    """A value that tells a look from the rest of the catalogue."""

    attribute: str
    value: str
    inside: float = Field(description="Share of the look's items that have it, 0 to 1.")
    outside: float = Field(description="Share of all others that have it, 0 to 1.")
    weight: float = Field(description="Log-odds ratio in standard deviations (Monroe et al., 2008).")


class LookModel(WireModel):
    """Items that look alike."""

    number: int
    name: str = Field(examples=["Blue Jeans"])
    size: int = Field(description="How many items it has.")
    cover_id: str = Field(description="The item in the middle of it.")
    cover: PhotoModel
    traits: list[TraitModel]
    url: str = Field(examples=["/v1/looks/1"])


class LooksAnswer(WireModel):
    """The catalogue's looks, largest first."""

    looks: list[LookModel]
    items: int = Field(description="How many items the looks are made of.")
    stale: bool = Field(description=STALE_NOTE)


class LookItemModel(WireModel):
    """An item of a look."""

    id: str
    item: dict[str, Any] = Field(description="The shop's own attributes, flat, under their Google Merchant names.")
    photo: PhotoModel


class LookAnswer(WireModel):
    """One look: a page of its items, and how to ask for more like them."""

    look: LookModel
    items: list[LookItemModel] = Field(description="Nearest to the look's centre first; deleted ones are left out.")
    next_offset: int | None = Field(description="Give it as `offset` for the next page; null after the last one.")
    search: dict[str, Any] = Field(
        description="Body of a POST to /v1/search for what is like the items in the middle of the look; filters, "
        "facets and a limit can be added to it.",
        examples=[{"examples": [{"item_id": "SKU-1"}, {"item_id": "SKU-7"}]}],
    )
    stale: bool = Field(description=STALE_NOTE)


class AxisModel(WireModel):
    """What an axis goes from and to; null where it has no meaning of its own."""

    low: str | None
    high: str | None


class MapPointModel(WireModel):
    """One item of the map."""

    id: str
    x: float = Field(description="0 to 1, left to right.")
    y: float = Field(description="0 to 1, bottom to top.")
    value: str | None = Field(description="Its value of the attribute asked for; the predicted one where it has none.")
    photo_url: str = Field(examples=["/v1/items/SKU-1/photo?index=0&v=9f86d081"])


class MapAnswer(WireModel):
    """The catalogue's last map."""

    points: list[MapPointModel] = Field(description="All that match, or as many of them from all over the map.")
    total: int = Field(description="How many points of the map match.")
    method: str = Field(examples=["tsne"])
    space: str = Field(examples=["fused"])
    x_axis: AxisModel
    y_axis: AxisModel
    trustworthiness: float = Field(
        description="1 where neighbours on it are neighbours in truth (Venna and Kaski, 2001)."
    )
    color_by: str | None = Field(description="Attribute the values are of.")
    stale: bool = Field(description=STALE_NOTE)
