"""How a point is laid out in the store: its id, its payload, and the paths filters use.

    {"item_id": "A1", "index": 0, "primary": "yes", "photos": ["a1.jpg"], "photos_sha256": ..., "row_sha256": ...,
     "photo": {"link": ..., "sha256": ..., "width": ..., "height": ..., "palette": [["#a02030", 0.8]], "phash": ...},
     "item": {"title": ..., "color": [...]},
     "tags": {"color": "Red"}, "predicted": '{"model": "1a2b3c4d", "values": {"color": [["Red", 0.93], ...]}}'}

The last two are there once a classifier has seen the photo: the labels it accepted, to filter by, and all it said, as
text. Shared by every adapter; knows nothing of either engine's classes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from search.attributes import AttributeKind, AttributeSchema
from search.embedding import Embeddings
from search.errors import QueryError
from search.item import AttributeValue, Item, PhotoRecord
from search.store import PhotoKey, Point, StoredPoint
from search.tagging import Prediction, Tagging

_NAMESPACE = uuid.UUID("6b0e5a52-9a0f-5d5e-8f3e-76697472696e")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=float)

ITEM_ID = "item_id"
INDEX = "index"
PRIMARY = "primary"
YES, NO = "yes", "no"
"""Text rather than booleans: the embedded engine's boolean filters match nothing."""

FINGERPRINT_KEYS = ["item_id", "photos_sha256", "row_sha256"]
PHOTO_KEYS = ["item_id", "index", "photo.sha256"]

TAGS = "tags"
PREDICTED = "predicted"


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
    return f"item.{_quote_name(name)}"


def tag_path(name: str) -> str:
    """JSON path of an attribute's accepted labels, quoted as the attribute's own path is.

    Raises:
        QueryError: a name the engine's path syntax cannot hold.
    """
    return f"{TAGS}.{_quote_name(name)}"


def _quote_name(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    if '"' in name or "\\" in name:
        raise QueryError(f"attribute name {name!r} has a quote or a backslash; rename the column in the feed")
    return f'"{name}"'


def list_indexes(schema: AttributeSchema) -> dict[str, AttributeKind]:
    """What is indexed, and as what; labels only once there are some, as an index takes its time to make."""
    words, whole, number = AttributeKind.KEYWORD, AttributeKind.INTEGER, AttributeKind.NUMBER
    wanted = {attribute_path(name): kind for name, kind in schema.items() if kind in (words, whole, number)}
    return {**wanted, ITEM_ID: words, PRIMARY: words, INDEX: whole}


def list_predicted(taggings: Iterable[Tagging | None]) -> set[str]:
    """Attributes that these taggings say something of."""
    return {name for tagging in taggings if tagging is not None for name in tagging.predictions}


def to_payload(point: Point) -> dict[str, Any]:
    """The JSON payload of a point."""
    photo = point.photo
    return {
        ITEM_ID: point.item.id,
        INDEX: photo.index,
        PRIMARY: YES if photo.index == 0 else NO,
        "photos_sha256": point.photos_sha256,
        "photo": {
            "link": photo.link,
            "sha256": photo.sha256,
            "width": photo.width,
            "height": photo.height,
            "palette": [list(color) for color in photo.palette],
            "phash": photo.phash,
        },
        **to_item_payload(point.item, point.row_sha256),
        **(to_tag_payload(point.tagging) if point.tagging else {}),
    }


def to_item_payload(item: Item, row_sha256: str) -> dict[str, Any]:
    """The part of a payload that an item's row decides, the same on all of its photos."""
    attributes = {name: list(value) if isinstance(value, tuple) else value for name, value in item.attributes.items()}
    return {"row_sha256": row_sha256, "photos": list(item.photos), "item": attributes}


def to_tag_payload(tagging: Tagging) -> dict[str, Any]:
    """The part of a payload that a classifier decides; the same tagging gives the same bytes."""
    said = sorted(tagging.predictions.items())
    tags = {
        name: each.accepted[0] if len(each.accepted) == 1 else list(each.accepted)
        for name, each in said
        if each.accepted
    }
    return {
        TAGS: tags,
        PREDICTED: _JSON.encode({"model": tagging.model, "values": {name: each.values for name, each in said}}),
    }


def from_payload(payload: Mapping[str, Any], vectors: Embeddings | None = None) -> StoredPoint:
    """The point a payload (and the vectors that came with it) stands for."""
    photo = payload["photo"]
    attributes: dict[str, AttributeValue] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in payload["item"].items()
    }
    predictions, model = _read_predictions(payload)
    return StoredPoint(
        item=Item(id=payload[ITEM_ID], attributes=attributes, photos=tuple(payload["photos"])),
        photo=PhotoRecord(
            index=payload[INDEX],
            link=photo["link"],
            sha256=photo["sha256"],
            width=photo["width"],
            height=photo["height"],
            palette=tuple((color, share) for color, share in photo.get("palette", ())),
            phash=photo.get("phash", ""),
        ),
        photos_sha256=payload["photos_sha256"],
        row_sha256=payload["row_sha256"],
        vectors=vectors or {},
        predictions=predictions,
        model=model,
    )


def _read_predictions(payload: Mapping[str, Any]) -> tuple[dict[str, Prediction], str]:
    if PREDICTED not in payload:
        return {}, ""
    said, tags = json.loads(payload[PREDICTED]), payload.get(TAGS, {})
    predictions = {}
    for name, values in said["values"].items():
        labels = tags.get(name, ())
        accepted = (labels,) if isinstance(labels, str) else tuple(labels)
        predictions[name] = Prediction(values=tuple((label, share) for label, share in values), accepted=accepted)
    return predictions, said["model"]


def to_photo_key(payload: Mapping[str, Any]) -> PhotoKey:
    """The photo that a payload, cut down to `PHOTO_KEYS`, is of."""
    return PhotoKey(item_id=payload[ITEM_ID], index=payload[INDEX], sha256=payload["photo"]["sha256"])
