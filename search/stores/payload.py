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
from search.errors import QueryError, SetupError
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


def list_dimensions(spaces: Sequence[Space]) -> dict[str, int]:
    """Numbers in each named vector of a point: one vector a space, and the joint one.

    Raises:
        SetupError: a space has the joint vector's name.
    """
    sizes = {space.name: space.dimension for space in spaces}
    if FUSION in sizes:
        raise SetupError(f"an encoder cannot be called {FUSION!r}: that vector holds all the others; rename it")
    return sizes | {FUSION: sum(sizes.values())}


def to_named_vectors(vectors: Embeddings, spaces: Sequence[Space]) -> dict[str, list[float]]:
    """A point's vectors by name, the joint one among them: all of them in the order of the spaces.

    The dot product of a joint vector with one that `choose_vector` made is the weighted sum of the cosines, whatever
    the weights: the query carries them, so one stored vector serves every way to weigh the spaces.
    """
    lists: dict[str, list[float]] = {space.name: vectors[space.name].tolist() for space in spaces}
    return lists | {FUSION: [number for numbers in lists.values() for number in numbers]}


def choose_vector(legs: Sequence[Leg], spaces: Sequence[Space]) -> tuple[str, list[float]]:
    """Which named vector a query looks at, and what it looks for there.

    One leg is asked of its own space, unweighted. Several are asked of the joint vector: each times its weight, zeros
    for a space without a leg.
    """
    if len(legs) == 1:
        return legs[0].space, legs[0].vector.tolist()
    weighted = {leg.space: leg.weight * leg.vector for leg in legs}
    joint = [weighted.get(space.name, np.zeros(space.dimension, np.float32)) for space in spaces]
    return FUSION, np.concatenate(joint).tolist()


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
