"""`POST /v1/explain`: why an item is a hit for a photo, another item or a text."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.asked_photo import embed_upload, find_kept_photo
from api.backend import Backend, CurrentBackend
from api.explain_schemas import ExplainAnswer, ExplainRequest
from api.explanations import to_explain_answer
from api.problems import PHOTO_BODY, document_problems
from api.query_photos import QueryPhoto
from api.request_body import JSON, MULTIPART, decode_base64, read_form, read_json_body, read_media_type, read_model
from api.wire import answer_json
from search.errors import QueryError
from search.explanation import AskedPicture, explain
from search.photo import decode_photo
from search.query import ItemExample, PhotoExample, TextExample
from search.region import Box, read_box

router = APIRouter(tags=["search"])

_REQUEST = {"$ref": f"#/components/schemas/{ExplainRequest.__name__}"}
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": _REQUEST},
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {
                    "photo": {"type": "string", "format": "binary", "description": "A photo's file."},
                    "query": {"type": "string", "contentMediaType": JSON, "contentSchema": _REQUEST},
                },
                "required": ["photo", "query"],
                "additionalProperties": False,
            }
        },
    },
}


@router.post(
    "/v1/explain",
    operation_id="explain",
    summary="Say why an item is a hit",
    response_model=ExplainAnswer,
    responses=document_problems(*PHOTO_BODY, 404),
    openapi_extra={"requestBody": _BODY},
)
async def explain_hit(request: Request, backend: CurrentBackend) -> Response:
    """The parts of its score, shared attributes or words, the difference of colours, and where it comes from.

    Heat maps and colours are of the pictures at hand: of an item its thumbnail, of a photo the copy that is kept.
    """
    start = time.perf_counter()
    question, upload = await _read_question(request, backend)
    region = _check_question(question, upload)
    about = await _find_asked(question, upload, region, backend)
    # Pictures are decoded and looked at either way, so an item's question stands in line as a photo's does.
    answer, tagged = await backend.do_photo_work(_explain, question, about, backend, start)
    if tagged is not None and tagged is not about:
        backend.photos.keep(tagged)
    return answer_json(answer)


async def _read_question(request: Request, backend: Backend) -> tuple[ExplainRequest, bytes | None]:
    if read_media_type(request) == JSON:
        return read_model(ExplainRequest, await read_json_body(request)), None
    backend.admission.refuse_if_full()
    form = await read_form(request, field="query", max_photos=1)
    if not form.photos:
        raise QueryError("the form has no file part 'photo'", code="photo_missing", pointer="/photo")
    return read_model(ExplainRequest, form.value), form.photos[0]


def _check_question(question: ExplainRequest, upload: bytes | None) -> Box | None:
    """The region that is asked about.

    Raises:
        QueryError: nothing or several things are asked about, or the region is none.
    """
    sources = {
        "item_id": question.item_id,
        "photo": question.photo,
        "photo_base64": question.photo_base64,
        "text": question.text,
        "the file": upload,
    }
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise QueryError(
            f"the question is about {' and '.join(given) or 'nothing'}; ask about one item, one photo or one text",
            code="ambiguous_query" if given else "photo_missing",
            pointer="" if not given or given[0] == "the file" else f"/{given[0]}",
        )
    if question.region is None:
        return None
    if question.item_id is not None or question.text is not None:
        raise QueryError("only a photo has a region", code="invalid_region", pointer="/region")
    return read_box(question.region, "/region")


async def _find_asked(
    question: ExplainRequest, upload: bytes | None, region: Box | None, backend: Backend
) -> QueryPhoto | ItemExample | TextExample:
    if question.item_id is not None:
        return ItemExample(item_id=question.item_id)
    if question.text is not None:
        embeddings, _ = await backend.embed_text(question.text)
        return TextExample(text=question.text, embeddings=embeddings)
    if question.photo is not None:
        return (await find_kept_photo(question.photo, region, backend)).photo
    if question.photo_base64 is not None:
        upload = decode_base64(question.photo_base64, "/photo_base64")
    assert upload is not None
    return (await embed_upload(upload, region, backend)).photo


def _explain(
    question: ExplainRequest, about: QueryPhoto | ItemExample | TextExample, backend: Backend, start: float
) -> tuple[ExplainAnswer, QueryPhoto | None]:
    """As the classifier that is live sees the photo, so that vectors of two classifiers are never compared."""
    catalogue = backend.catalogue
    while True:
        tagger = catalogue.find_tagger()
        tagged = None
        asked: AskedPicture | ItemExample | TextExample
        if isinstance(about, QueryPhoto):
            tagged = about.tag(tagger)
            asked = _to_asked(tagged)
        else:
            asked = about
        explanation = explain(
            asked,
            question.hit_id,
            catalogue,
            photo_index=question.photo_index,
            weights=question.weights,
            heat=question.heat,
        )
        if catalogue.find_tagger() is tagger:
            took_ms = 1e3 * (time.perf_counter() - start)
            answer = to_explain_answer(explanation, asked, took_ms=took_ms)
            return answer, tagged


def _to_asked(photo: QueryPhoto) -> AskedPicture:
    picture = decode_photo(photo.picture).picture
    return AskedPicture(
        example=PhotoExample(embeddings=photo.embeddings, sha256=photo.sha256, region=photo.region),
        picture=picture if photo.region is None else photo.region.crop(picture),
        predictions={} if photo.tagging is None else photo.tagging.predictions,
    )
