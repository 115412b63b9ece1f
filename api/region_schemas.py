"""Regions on the wire: the question for suggestions, and its answer.

Pydantic models, strict and closed. Knows nothing of how regions are found.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ConfigDict, Field

from api.questions import EXAMPLE_HASH, PhotoBase64, PhotoHash, RegionBox, WireModel
from api.schemas import ClassifyTookModel
from search.region_suggestions import Region


class RegionsRequest(WireModel):
    """A photo to suggest regions of: one of the two."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"photo": EXAMPLE_HASH}]})

    photo: PhotoHash | None = None
    photo_base64: PhotoBase64 | None = None


class RegionModel(WireModel):
    """A part of the photo that is worth asking about."""

    name: str = Field(
        description="`whole product`; `object`, `object 2` ...; `upper body`, `lower body`, `feet`.",
        examples=["upper body"],
    )
    box: RegionBox = Field(description="What `region` of a search takes.")
    share: float = Field(description="Of all that stands out from the background, how much is in the box, 0 to 1.")


class RegionsAnswer(WireModel):
    """The whole product first; then parts of a person from above, or else separate things by falling size."""

    photo: str = Field(examples=[EXAMPLE_HASH], description="Ask by it, with a region.")
    photo_url: str
    regions: list[RegionModel]
    took_ms: ClassifyTookModel


def to_regions(regions: Sequence[Region]) -> list[RegionModel]:
    """Suggestions as an answer has them."""
    return [RegionModel(name=each.name, box=each.box.to_wire(), share=round(each.share, 4)) for each in regions]
