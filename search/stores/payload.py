"""How a point is laid out in the store: its id, its payload, and the paths filters use.

    {"item_id": "A1", "index": 0, "primary": "yes", "photos": ["a1.jpg"], "photos_sha256": ..., "row_sha256": ...,
     "photo": {"link": ..., "sha256": ..., "width": ..., "height": ...}, "item": {"title": ..., "color": [...]}}

Shared by every adapter; knows nothing of either engine's classes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from search.embedding import Embeddings, Space
from search.errors import QueryError
from search.item import AttributeValue, Item, PhotoRecord
from search.store import Leg, Point, StoredPoint

_NAMESPACE = uuid.UUID("6b0e5a52-9a0f-5d5e-8f3e-76697472696e")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")

ITEM_ID = "item_id"
INDEX = "index"
PRIMARY = "primary"
YES, NO = "yes", "no"
"""Text rather than booleans: the embedded engine's boolean filters match nothing."""

FUSION = "fusion"
"""Named vector that holds all the others, one after the other; no space can be called so."""

FINGERPRINT_KEYS = ["item_id", "photos_sha256", "row_sha256"]


def compute_point_id(item_id: str, index: int) -> str:
    """The UUID (version 5) of an item's photo: the same item and index always give the same point."""
    text = f"{index}\n{item_id}"
    # A byte of the command line that is no UTF-8 becomes half a surrogate pair: no item's id, but it can be asked for.
    return str(uuid.uuid5(_NAMESPACE, text.encode("utf-8", "backslashreplace").decode()))


def check_place(after: str | None) -> str | None:
    """Where a scan goes on: the id of a point, or None for the start.

    Raises:
        QueryError: it is no id of a point.
    """
    try:
        return None if after is None else str(uuid.UUID(after))
    except ValueError:
        raise QueryError(
            "the cursor is not one of ours; give back next_cursor of a result unchanged",
            code="invalid_cursor",
            pointer="/cursor",
        ) from None


def attribute_path(name: str) -> str:
    """JSON path of an attribute in the payload, quoted where its name is not a plain word.

    Raises:
        QueryError: a name the engine's path syntax cannot hold.
    """
    if _PLAIN_NAME.fullmatch(name):
        return f"item.{name}"
    if '"' in name or "\\" in name:
        raise QueryError(f"attribute name {name!r} has a quote or a backslash; rename the column in the feed")
    return f'item."{name}"'


def to_payload(point: Point) -> dict[str, Any]:
    """The JSON payload of a point."""
    photo = point.photo
    return {
        ITEM_ID: point.item.id,
        INDEX: photo.index,
        PRIMARY: YES if photo.index == 0 else NO,
        "photos_sha256": point.photos_sha256,
        "photo": {"link": photo.link, "sha256": photo.sha256, "width": photo.width, "height": photo.height},
        **to_item_payload(point.item, point.row_sha256),
    }


def to_item_payload(item: Item, row_sha256: str) -> dict[str, Any]:
    """The part of a payload that an item's row decides, the same on all of its photos."""
    attributes = {name: list(value) if isinstance(value, tuple) else value for name, value in item.attributes.items()}
    return {"row_sha256": row_sha256, "photos": list(item.photos), "item": attributes}


def from_payload(payload: Mapping[str, Any], vectors: Mapping[str, Any] | None = None) -> StoredPoint:
    """The point a payload (and the vectors that came with it) stands for."""
    photo = payload["photo"]
    attributes: dict[str, AttributeValue] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in payload["item"].items()
    }
    return StoredPoint(
        item=Item(id=payload[ITEM_ID], attributes=attributes, photos=tuple(payload["photos"])),
        photo=PhotoRecord(
            index=payload[INDEX],
            link=photo["link"],
            sha256=photo["sha256"],
            width=photo["width"],
            height=photo["height"],
        ),
        photos_sha256=payload["photos_sha256"],
        row_sha256=payload["row_sha256"],
        vectors=to_vectors(vectors),
    )


def join_vectors(vectors: Embeddings, spaces: Sequence[Space]) -> list[float]:
    """A point's vectors, one after the other in the order of the spaces: what `FUSION` holds.

    The dot product of a joint vector with one that `join_legs` made is the weighted sum of the cosines, whatever the
    weights: the query carries them, so one stored vector serves every way to weigh the spaces.
    """
    return [number for space in spaces for number in vectors[space.name].tolist()]


def join_legs(legs: Sequence[Leg], spaces: Sequence[Space]) -> list[float]:
    """The legs' vectors, each times its weight, in the order of the spaces; zeros for a space without a leg."""
    weighted = {leg.space: leg.weight * leg.vector for leg in legs}
    joint = [weighted.get(space.name, np.zeros(space.dimension, np.float32)) for space in spaces]
    return np.concatenate(joint).tolist()  # type: ignore[no-any-return]


class Found(Protocol):
    """A point as both engines give it in an answer."""

    @property
    def id(self) -> object: ...

    @property
    def score(self) -> float: ...


def collect_parts(
    legs: Sequence[Leg], points: Sequence[Found], answers: Sequence[Sequence[Found]]
) -> list[dict[str, float]]:
    """Cosine in each leg's space for every point, from one answer a leg that scores these points."""
    scores = [{found.id: found.score for found in answer} for answer in answers]
    ids = [point.id for point in points]
    return [{leg.space: of_leg[i] for leg, of_leg in zip(legs, scores, strict=True)} for i in ids]


def to_vectors(vectors: Mapping[str, Any] | None) -> Embeddings:
    """Vectors as the engines give them (lists of floats by name) as float32 arrays."""
    return {name: np.asarray(vector, dtype=np.float32) for name, vector in (vectors or {}).items()}
