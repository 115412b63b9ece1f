"""`POST /v1/classify`: what the classifier sees in one photo, or has seen in an item's.

One decode and one forward pass at most, as in a search; a search with the photo's hash afterwards needs neither.
Engines that look at pixels are given the photo's thumbnail, so that an upload, its hash and an item are answered alike.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.asked_photo import AskedPhoto, find_photo, list_subjects
from api.backend import Backend, CurrentBackend
from api.engines import HEADS, EngineName
from api.predictions import refuse_classifying, to_predictions
from api.problems import PHOTO_BODY, document_problems
from api.questions import ClassifyRequest
from api.request_body import JSON, MULTIPART, read_form, read_json_body, read_media_type, read_model
from api.routes.photos import find_photo_hash
from api.schemas import ClassifyAnswer, ClassifyTookModel, SpikingModel
from api.wire import answer_json
from classifier.spiking.answering import PixelAnswer
from search.errors import InputError, NotFoundError, QueryError

router = APIRouter(tags=["search"])

_PHOTO_ALONE = {
    "type": "object",
    "properties": {"photo": {"type": "string", "format": "binary", "description": "A photo's file."}},
    "required": ["photo"],
    "additionalProperties": False,
}
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"$ref": f"#/components/schemas/{ClassifyRequest.__name__}"}},
        MULTIPART: {"schema": _PHOTO_ALONE},
    },
}


@router.post(
    "/v1/classify",
    operation_id="classify",
    summary="Say what is seen in a photo",
    response_model=ClassifyAnswer,
    responses=document_problems(*PHOTO_BODY, 404),
    openapi_extra={"requestBody": _BODY},
)
async def classify(
    request: Request,
    backend: CurrentBackend,
    engine: Annotated[
        EngineName,
        Query(description="`heads`: the catalogue's classifier; `cnn` and `snn`: a network on pixels and its spikes."),
    ] = "heads",
) -> Response:
    """Values of each attribute with their probabilities, of a photo or of an item's main photo.

    A catalogue without a classifier answers 404 with the code `no_classifier`; one without a converted network, asked
    for `cnn` or `snn`, with `no_engine`.
    """
    start = time.perf_counter()
    if engine == HEADS and backend.catalogue.manifest.classifier is None:
        raise refuse_classifying()
    question, upload = await _read_question(request, backend)
    if not list_subjects(question, upload):
        raise QueryError("the question names no photo and no item; send one of them", code="photo_missing", pointer="")
    if question.item_id is not None and engine == HEADS:
        return await _answer_item(question.item_id, start, backend)
    if question.item_id is not None:
        return await _look_at_item(engine, question.item_id, start, backend)
    asked = await find_photo(question, upload, backend)
    assert asked is not None
    if engine != HEADS:
        return await _look_at_photo(engine, asked, start, backend)
    before = time.perf_counter()
    photo = await backend.tag_photo(asked.photo)
    tag_ms = asked.tag_ms if photo is asked.photo else 1e3 * (time.perf_counter() - before)
    backend.metrics.observe_stages({"decode": asked.decode_ms, "embed": asked.embed_ms, "classify": tag_ms})
    tagging = photo.tagging
    assert tagging is not None
    return answer_json(
        ClassifyAnswer(
            photo=f"sha256:{photo.sha256}",
            photo_url=f"/v1/photos/{photo.sha256}",
            item_id=None,
            attributes=to_predictions(tagging.predictions),
            out_of_catalogue=round(tagging.out_of_catalogue, 4),
            outside=tagging.outside,
            model=tagging.model,
            engine="heads",
            spiking=None,
            took_ms=_to_took(start, asked.decode_ms, asked.embed_ms, tag_ms),
        )
    )


async def _read_question(request: Request, backend: Backend) -> tuple[ClassifyRequest, bytes | None]:
    if read_media_type(request) == JSON:
        return read_model(ClassifyRequest, await read_json_body(request)), None
    backend.admission.refuse_if_full()
    form = await read_form(request, field=None, max_photos=1)
    if not form.photos:
        raise InputError("the form has no file part 'photo'", code="photo_missing", pointer="/photo")
    return ClassifyRequest(), form.photos[0]


async def _answer_item(item_id: str, start: float, backend: Backend) -> Response:
    found = (await backend.ask_store(backend.catalogue.store.read_items, [item_id])).get(item_id)
    if found is None:
        raise NotFoundError(f"there is no item {item_id!r} in this catalogue", code="item_not_found")
    if not found.model:
        raise NotFoundError(
            f"the item {item_id!r} has not been classified; tag the catalogue again with 'vitrine tag'",
            code="not_classified",
        )
    return answer_json(
        ClassifyAnswer(
            photo=None,
            photo_url=None,
            item_id=item_id,
            attributes=to_predictions(found.predictions),
            out_of_catalogue=None,
            outside=None,
            model=found.model,
            engine="heads",
            spiking=None,
            took_ms=_to_took(start, None, None, None),
        )
    )


async def _look_at_photo(engine: EngineName, asked: AskedPhoto, start: float, backend: Backend) -> Response:
    answer = await backend.door.ask(engine, asked.photo.thumbnail)
    took = _to_took(start, asked.decode_ms, asked.embed_ms, answer.took_ms)
    return _answer_pixels(engine, answer, took, sha256=asked.photo.sha256)


async def _look_at_item(engine: EngineName, item_id: str, start: float, backend: Backend) -> Response:
    sha256 = await backend.ask_store(find_photo_hash, backend.catalogue, item_id, 0)
    thumbnail = await backend.ask_store(backend.catalogue.thumbnails.read, sha256)
    if thumbnail is None:
        raise NotFoundError(
            f"the thumbnail of the item {item_id!r} is missing; index the feed again", code="photo_missing"
        )
    answer = await backend.door.ask(engine, thumbnail)
    return _answer_pixels(engine, answer, _to_took(start, None, None, answer.took_ms), item_id=item_id)


def _answer_pixels(
    engine: EngineName,
    answer: PixelAnswer,
    took: ClassifyTookModel,
    *,
    sha256: str | None = None,
    item_id: str | None = None,
) -> Response:
    work = answer.work
    return answer_json(
        ClassifyAnswer(
            photo=None if sha256 is None else f"sha256:{sha256}",
            photo_url=None if sha256 is None else f"/v1/photos/{sha256}",
            item_id=item_id,
            attributes=to_predictions(answer.predictions),
            out_of_catalogue=None,
            outside=None,
            model=answer.model,
            engine=engine,
            spiking=None if work is None else SpikingModel(**asdict(work)),
            took_ms=took,
        )
    )


def _to_took(start: float, *stages_ms: float | None) -> ClassifyTookModel:
    decode, embed, tag = (round(took_ms or 0.0, 3) for took_ms in stages_ms)
    total = round((time.perf_counter() - start) * 1e3, 3)
    return ClassifyTookModel(decode=decode, embed=embed, classify=tag, total=total)
