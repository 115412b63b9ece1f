"""`/v1/items/{id}`: read, write and remove one item."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.backend import CurrentBackend
from api.item_paths import ItemId
from api.predictions import to_predictions
from api.problems import PHOTO_BODY, document_problems
from api.questions import MAX_PHOTOS
from api.request_body import JSON, MULTIPART, FormBody, read_form, read_json_body, read_media_type
from api.schemas import ItemAnswer, PutAnswer
from api.wire import answer_json, quote_item_path, to_photo
from indexer.items import delete_item, put_item
from search.attributes import PHOTO_COLUMNS
from search.errors import InputError, NotFoundError
from search.item import AttributeValue, Item

router = APIRouter(tags=["items"])

MAX_ATTRIBUTES = 256
MAX_TEXT_LENGTH = 20_000
MAX_VALUES = 256

_NAME = re.compile(r'[^"\\\x00-\x1f\x7f]{1,128}')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_ATTRIBUTES = {
    "type": "object",
    "description": "The shop's attributes, flat, under their Google Merchant names.",
    "maxProperties": MAX_ATTRIBUTES,
    "additionalProperties": {
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "array", "items": {"type": "string"}, "maxItems": MAX_VALUES},
        ]
    },
    "examples": [{"title": "Red shirt", "color": "Red", "price": 12.5}],
}
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": _ATTRIBUTES},
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {
                    "item": {"type": "string", "contentMediaType": JSON, "contentSchema": _ATTRIBUTES},
                    "photo": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "maxItems": MAX_PHOTOS,
                        "description": "Photos' files, main photo first.",
                    },
                },
                "additionalProperties": False,
            }
        },
    },
}
_LOCATION = {"Location": {"description": "Path of the item.", "schema": {"type": "string"}}}


@router.get(
    "/v1/items/{item_id}",
    operation_id="readItem",
    summary="Read an item",
    response_model=ItemAnswer,
    responses=document_problems(404, 422),
)
async def read_item(backend: CurrentBackend, item_id: ItemId) -> Response:
    """Its attributes, its main photo, and the spaces it can be compared in."""
    found = (await backend.ask_store(backend.catalogue.store.read_items, [item_id])).get(item_id)
    if found is None:
        raise _not_found(item_id)
    return answer_json(
        ItemAnswer(
            id=item_id,
            item=found.item.to_wire(),
            predicted=to_predictions(found.predictions),
            model=found.model or None,
            photo=to_photo(item_id, found.photo),
            spaces=[space.name for space in backend.catalogue.manifest.spaces],
        )
    )


@router.put(
    "/v1/items/{item_id}",
    operation_id="putItem",
    summary="Write an item",
    response_model=PutAnswer,
    responses={
        200: {"description": "The item was there; it is as sent now.", "headers": _LOCATION},
        201: {"description": "The item is new.", "model": PutAnswer, "headers": _LOCATION},
        **document_problems(*PHOTO_BODY, 404),
    },
    openapi_extra={"requestBody": _BODY},
)
async def write_item(request: Request, backend: CurrentBackend, item_id: ItemId) -> Response:
    """A form with photos writes everything; JSON, or a form without photos, changes only the attributes.

    Without photos the item has to be there. The attributes sent replace those it had; the same request again
    changes nothing: `unchanged`.
    """
    if _CONTROL.search(item_id):
        raise InputError(f"the id {item_id!r} has a control character", code="invalid_id", pointer="/item_id")
    if read_media_type(request) == JSON:
        form = FormBody(value=await read_json_body(request), photos=())
    else:
        backend.admission.refuse_if_full()
        form = await read_form(request, field="item", max_photos=MAX_PHOTOS)
    item = Item(id=item_id, attributes=read_attributes(form.value, item_id), photos=())
    work = backend.do_photo_work if form.photos else backend.ask_store
    outcome = await work(put_item, backend.catalogue, item, form.photos)
    return answer_json(
        PutAnswer.model_validate({"id": item_id, "outcome": outcome}),
        status=201 if outcome == "created" else 200,
        headers={"Location": quote_item_path(item_id)},
    )


@router.delete(
    "/v1/items/{item_id}",
    operation_id="deleteItem",
    summary="Remove an item",
    status_code=204,
    response_class=Response,
    responses=document_problems(404, 422),
)
async def remove_item(backend: CurrentBackend, item_id: ItemId) -> Response:
    """With all of its photos."""
    if not await backend.ask_store(delete_item, backend.catalogue, item_id):
        raise _not_found(item_id)
    return Response(status_code=204)


def read_attributes(value: object, item_id: str) -> Mapping[str, AttributeValue]:
    """Attributes from the JSON of an item; null leaves one out, and photos come as files, not as links.

    Raises:
        InputError: with a pointer to what is no attribute.
    """
    if not isinstance(value, dict):
        raise InputError("an item is a JSON object of attributes", code="invalid_request", pointer="")
    if len(value) > MAX_ATTRIBUTES:
        raise InputError(f"an item has at most {MAX_ATTRIBUTES} attributes, this one {len(value)}", pointer="")
    if value.get("id", item_id) != item_id:
        raise InputError(
            f"the item's id is {value['id']!r} and the address says {item_id!r}; they are the same or there is no id",
            code="id_mismatch",
            pointer="/id",
        )
    attributes: dict[str, AttributeValue] = {}
    for name, spec in value.items():
        if name == "id" or name in PHOTO_COLUMNS or spec is None:
            continue
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        if not _NAME.fullmatch(name):
            raise InputError(
                f"the attribute name {name[:140]!r} is empty, longer than 128 characters, or has a quote, a backslash "
                "or a control character",
                pointer=pointer,
            )
        attributes[name] = _read_value(name, spec, pointer)
    return attributes


def _read_value(name: str, spec: object, pointer: str) -> AttributeValue:
    if isinstance(spec, bool):
        return "true" if spec else "false"
    if isinstance(spec, (int, float)) and math.isfinite(spec) and abs(spec) < 2**53:
        return spec
    if isinstance(spec, str) and len(spec) <= MAX_TEXT_LENGTH:
        return spec
    if isinstance(spec, list) and len(spec) <= MAX_VALUES:
        words = tuple(word for word in spec if isinstance(word, str) and len(word) <= MAX_TEXT_LENGTH)
        if len(words) == len(spec):
            return words
    raise InputError(
        f"{name!r} is a text of at most {MAX_TEXT_LENGTH} characters, a number below 2^53, true, false, or a list of "
        f"at most {MAX_VALUES} texts",
        code="invalid_value",
        pointer=pointer,
    )


def _not_found(item_id: str) -> NotFoundError:
    return NotFoundError(f"there is no item {item_id!r} in this catalogue", code="item_not_found")
