"""`POST /v1/search` and `GET /v1/items/{id}/similar`: a question, and the items that answer it.

One decode and one forward pass a photo, at most.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.asked_examples import AskedExamples, embed_examples, list_asked
from api.backend import Backend, CurrentBackend
from api.item_paths import ItemId
from api.predictions import refuse_classifying
from api.problems import PHOTO_BODY, document_problems
from api.questions import (
    DEFAULT_FACET_LIMIT,
    DEFAULT_LIMIT,
    MAX_CURSOR_LENGTH,
    MAX_PHOTOS,
    SOURCE_NOTE,
    SearchRequest,
    SourceName,
)
from api.request_body import JSON, MULTIPART, read_form, read_json_body, read_media_type, read_model
from api.schemas import SearchAnswer, TookModel
from api.wire import answer_json, read_filter, read_filter_parameters, to_answer
from search.errors import InputError
from search.filters import Source
from search.query import MAX_FACET_VALUES, MAX_FACETS, MAX_LIMIT, FacetsOver, TextExample, like_item
from search.query import Query as SearchQuery
from search.suggestions import Suggestion

router = APIRouter(tags=["search"])

_REQUEST = {"$ref": f"#/components/schemas/{SearchRequest.__name__}"}
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": _REQUEST},
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {
                    "photo": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "minItems": 1,
                        "maxItems": MAX_PHOTOS,
                        "description": "Photos' files, each a part of its own with this name.",
                    },
                    "query": {"type": "string", "contentMediaType": JSON, "contentSchema": _REQUEST},
                },
                "required": ["photo"],
                "additionalProperties": False,
            }
        },
    },
}
_SIMILAR_PARAMETERS = ("limit", "cursor", "facet", "facet_limit", "source", "exact")
FILTER_NOTE = (
    "Any other parameter is a filter: "
    "`color=Red&color=Blue` (any of them), `brand_not=Acme`, `price_gte=10&price_lt=50`."
)
SourceParameter = Annotated[SourceName, Query(description=SOURCE_NOTE)]


@router.post(
    "/v1/search",
    operation_id="search",
    summary="Find items like photos, items, texts and colours, unlike others, or by a filter alone",
    response_model=SearchAnswer,
    responses=document_problems(*PHOTO_BODY, 404),
    openapi_extra={"requestBody": _BODY},
)
async def search(request: Request, backend: CurrentBackend) -> Response:
    """Ask with any number of photos (files of a form, Base64, or the hash of one sent before), items' ids, texts and
    colours, each with a weight and a sign, or with none of them."""
    start = time.perf_counter()
    question, uploads = await _read_question(request, backend)
    # Everything cheap is refused before a photo is decoded.
    asked = list_asked(question, uploads)
    if question.classify and backend.catalogue.manifest.classifier is None:
        raise refuse_classifying()
    conditions = read_filter(question.filter, question.source, backend.catalogue.manifest)
    found = await embed_examples(asked, backend)
    query = SearchQuery(
        examples=tuple(found.examples),
        weights=question.weights,
        conditions=conditions,
        facets=tuple(dict.fromkeys(question.facets)),
        facet_limit=question.facet_limit,
        facets_over=FacetsOver(question.facets_over),
        histograms=question.histograms,
        source=Source(question.source),
        limit=question.limit,
        cursor=question.cursor,
        exact=question.exact,
        diversity=question.diversity,
        group_by=question.group_by,
        collapse_duplicates=question.collapse_duplicates,
        min_relevance=question.min_relevance,
        tolerance=question.tolerance,
    )
    return await _answer(backend, query, start, found, classify=question.classify)


@router.get(
    "/v1/items/{item_id}/similar",
    operation_id="findSimilar",
    summary="Find items like this one",
    response_model=SearchAnswer,
    responses=document_problems(404, 422),
    description=FILTER_NOTE,
)
async def find_similar(
    request: Request,
    backend: CurrentBackend,
    item_id: ItemId,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(min_length=1, max_length=MAX_CURSOR_LENGTH)] = None,
    facet: Annotated[list[str], Query(max_length=MAX_FACETS)] = [],  # noqa: B006 - FastAPI copies it
    facet_limit: Annotated[int, Query(ge=1, le=MAX_FACET_VALUES)] = DEFAULT_FACET_LIMIT,
    source: SourceParameter = "either",
    exact: bool = False,
) -> Response:
    """The same answer as a search by `item_id`."""
    start = time.perf_counter()
    manifest, parameters = backend.catalogue.manifest, request.query_params.multi_items()
    query = SearchQuery(
        examples=like_item(item_id),
        conditions=read_filter_parameters(parameters, _SIMILAR_PARAMETERS, source, manifest),
        facets=tuple(dict.fromkeys(facet)),
        facet_limit=facet_limit,
        source=Source(source),
        limit=limit,
        cursor=cursor,
        exact=exact,
    )
    asked = AskedExamples(examples=list(query.examples), photos=[None])
    return await _answer(backend, query, start, asked, classify=False)


async def _read_question(request: Request, backend: Backend) -> tuple[SearchRequest, Sequence[bytes]]:
    if read_media_type(request) == JSON:
        return read_model(SearchRequest, await read_json_body(request)), ()
    backend.admission.refuse_if_full()
    form = await read_form(request, field="query", max_photos=MAX_PHOTOS)
    question = read_model(SearchRequest, form.value)
    if not form.photos:
        raise InputError(
            "the form has no file part 'photo'; ask without a photo in JSON", code="photo_missing", pointer="/photo"
        )
    return question, form.photos


async def _answer(
    backend: Backend, query: SearchQuery, start: float, asked: AskedExamples, *, classify: bool
) -> Response:
    result, photos = await backend.search(query, asked.photos)
    asked.photos = list(photos)
    backend.metrics.observe_stages(
        {"decode": asked.decode_ms, "embed": asked.embed_ms, "classify": asked.tag_ms, "search": result.search_ms}
    )
    texts = [example.text for example in query.examples if isinstance(example, TextExample) and example.weight > 0]
    suggestions: Sequence[Suggestion] = ()
    if texts and query.cursor is None:
        suggestions = await backend.ask_store(backend.catalogue.suggest_filters, " ".join(texts))
    took_ms = TookModel(
        decode=round(asked.decode_ms or 0.0, 3),
        embed=round(asked.embed_ms or 0.0, 3),
        classify=round(asked.tag_ms or 0.0, 3),
        search=round(result.search_ms, 3),
        total=round((time.perf_counter() - start) * 1e3, 3),
    )
    photo = asked.find_photo()
    answer = to_answer(
        query,
        result,
        took_ms,
        tagging=photo.tagging if photo else None,
        classify=classify,
        suggestions=suggestions,
    )
    return answer_json(answer)
