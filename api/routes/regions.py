"""`POST /v1/regions`: parts of a photo that are worth asking about.

The photo is embedded and kept as a search would, so that the question for a region of it needs no second upload.
"""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.asked_photo import AskedPhoto, embed_upload, find_kept_photo
from api.backend import Backend, CurrentBackend
from api.problems import PHOTO_BODY, document_problems
from api.region_schemas import RegionsAnswer, RegionsRequest, to_regions
from api.request_body import JSON, MULTIPART, decode_base64, read_form, read_json_body, read_media_type, read_model
from api.schemas import ClassifyTookModel
from api.wire import answer_json
from search.errors import QueryError
from search.photo import decode_photo
from search.region_suggestions import Region, suggest_regions

router = APIRouter(tags=["search"])

_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"$ref": f"#/components/schemas/{RegionsRequest.__name__}"}},
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {"photo": {"type": "string", "format": "binary", "description": "A photo's file."}},
                "required": ["photo"],
                "additionalProperties": False,
            }
        },
    },
}


@router.post(
    "/v1/regions",
    operation_id="suggestRegions",
    summary="Suggest regions of a photo to ask about",
    response_model=RegionsAnswer,
    responses=document_problems(*PHOTO_BODY, 404),
    openapi_extra={"requestBody": _BODY},
)
async def suggest(request: Request, backend: CurrentBackend) -> Response:
    """Boxes with names: the product, separate things, and on a person upper body, lower body and feet."""
    start = time.perf_counter()
    asked = await _find_photo(request, backend)
    regions = await backend.do_photo_work(_suggest, asked.photo.picture)
    photo = asked.photo
    decode, embed, tag = (round(took_ms or 0.0, 3) for took_ms in (asked.decode_ms, asked.embed_ms, asked.tag_ms))
    total = round((time.perf_counter() - start) * 1e3, 3)
    return answer_json(
        RegionsAnswer(
            photo=f"sha256:{photo.sha256}",
            photo_url=f"/v1/photos/{photo.sha256}",
            regions=to_regions(regions),
            took_ms=ClassifyTookModel(decode=decode, embed=embed, classify=tag, total=total),
        )
    )


async def _find_photo(request: Request, backend: Backend) -> AskedPhoto:
    if read_media_type(request) == MULTIPART:
        backend.admission.refuse_if_full()
        form = await read_form(request, field=None, max_photos=1)
        if not form.photos:
            raise QueryError("the form has no file part 'photo'", code="photo_missing", pointer="/photo")
        return await embed_upload(form.photos[0], None, backend)
    question = read_model(RegionsRequest, await read_json_body(request))
    if (question.photo is None) == (question.photo_base64 is None):
        given = "names no photo" if question.photo is None else "names photo and photo_base64"
        code = "photo_missing" if question.photo is None else "ambiguous_query"
        raise QueryError(f"the question {given}; send one of them", code=code, pointer="")
    if question.photo is not None:
        return await find_kept_photo(question.photo, None, backend)
    assert question.photo_base64 is not None
    return await embed_upload(decode_base64(question.photo_base64, "/photo_base64"), None, backend)


def _suggest(picture: bytes) -> tuple[Region, ...]:
    return suggest_regions(decode_photo(picture).picture)
