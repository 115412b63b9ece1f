"""`GET /v1/facets`: how many items have each value of an attribute."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.backend import CurrentBackend
from api.problems import document_problems
from api.questions import DEFAULT_FACET_LIMIT
from api.routes.search import FILTER_NOTE, SourceParameter
from api.schemas import FacetsAnswer, TotalModel
from api.wire import answer_json, read_filter_parameters, to_facets
from search.filters import Source
from search.query import MAX_FACET_VALUES, MAX_FACETS

router = APIRouter(tags=["search"])


@router.get(
    "/v1/facets",
    operation_id="countFacets",
    summary="Count the values of attributes",
    response_model=FacetsAnswer,
    responses=document_problems(422),
    description=f"Each attribute's counts leave its own condition out. {FILTER_NOTE}",
)
async def count_facets(
    request: Request,
    backend: CurrentBackend,
    attribute: Annotated[list[str], Query(min_length=1, max_length=MAX_FACETS, examples=[["color"]])],
    limit: Annotated[int, Query(ge=1, le=MAX_FACET_VALUES)] = DEFAULT_FACET_LIMIT,
    source: SourceParameter = "either",
) -> Response:
    """Counts over the whole catalogue, or what the filter leaves of it."""
    catalogue = backend.catalogue
    conditions = read_filter_parameters(
        request.query_params.multi_items(), ("attribute", "limit", "source"), source, catalogue.manifest
    )
    names = tuple(dict.fromkeys(attribute))
    facets = await backend.ask_store(
        lambda: catalogue.count_facets(names, conditions, limit=limit, source=Source(source))
    )
    total = await backend.ask_store(catalogue.store.count_items, conditions)
    return answer_json(FacetsAnswer(facets=to_facets(facets), total=TotalModel(value=total)))
