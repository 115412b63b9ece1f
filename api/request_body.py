"""Bodies: JSON, or a multipart form with photos and one JSON field.

Works with one request and gives plain values. Knows nothing of what they mean.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from api.json_body import read_json
from search.errors import InputError

JSON = "application/json"
MULTIPART = "multipart/form-data"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormBody:
    """A multipart form, read: the value of its JSON field, and the bytes of its photos in order."""

    value: object
    photos: tuple[bytes, ...]


def read_media_type(request: Request) -> str:
    """`application/json` or `multipart/form-data`.

    Raises:
        InputError: `unsupported_media_type` for anything else, or nothing.
    """
    given = request.headers.get("content-type", "")
    media_type = given.partition(";")[0].strip().lower()
    if media_type not in (JSON, MULTIPART):
        raise InputError(f"the Content-Type is {given!r}; send {JSON} or {MULTIPART}", code="unsupported_media_type")
    return media_type


async def read_json_body(request: Request) -> object:
    """The JSON value of a body.

    Raises:
        InputError: `malformed_json`.
    """
    return read_json(await request.body())


async def read_form(request: Request, *, field: str | None, max_photos: int) -> FormBody:
    """A form with file parts `photo` and, if there, one JSON field of this name (else its value is an empty object).

    Args:
        field: None for a form of photos alone.

    Raises:
        InputError: another part, a part twice, or a `photo` without a file name; `malformed_json` for the field.
        HTTPException: 400 for a form that cannot be parsed, or has too many parts.
    """
    photos: list[bytes] = []
    texts: list[str] = []
    async with request.form(max_files=max_photos, max_fields=1) as form:
        for name, part in form.multi_items():
            if name == "photo" and isinstance(part, UploadFile):
                photos.append(await part.read())
            elif name == field:
                texts.append(part if isinstance(part, str) else (await part.read()).decode("utf-8", "replace"))
            else:
                more = f" and one field {field!r} with JSON" if field else ""
                raise InputError(
                    f"the form has a part {name!r}; it takes files named 'photo' (with a file name){more}",
                    code="unknown_part",
                    pointer="/" + name.replace("~", "~0").replace("/", "~1"),
                )
    if len(texts) > 1:
        raise InputError(f"the form has the field {field!r} twice", code="unknown_part", pointer=f"/{field}")
    return FormBody(value=read_json(texts[0]) if texts else {}, photos=tuple(photos))


def read_model(kind: type[Model], value: object) -> Model:
    """A value as a wire model.

    Raises:
        ShapeError: it does not have the model's shape.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ShapeError(error) from None


def decode_base64(text: str, pointer: str) -> bytes:
    """The bytes of a Base64 text (RFC 4648, section 4).

    Raises:
        InputError: `invalid_base64`.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"the text is not Base64: {error}", code="invalid_base64", pointer=pointer) from None


class ShapeError(InputError):
    """A body that is JSON and not of the documented shape; `faults` are pydantic's."""

    code = "invalid_request"

    def __init__(self, error: ValidationError) -> None:
        super().__init__("the body does not have the documented shape")
        self.faults = error.errors(include_url=False, include_context=False, include_input=False)
