"""Whether it lives, whether it can answer, and its figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.backend import Backend, CurrentBackend
from api.metrics import CONTENT_TYPE
from api.problems import document_problems
from api.schemas import StatusAnswer
from api.wire import answer_json
from search.errors import VitrineError

router = APIRouter(tags=["operation"])

READY_WITHIN_S = 2.0


@router.get("/livez", operation_id="checkAlive", summary="The process answers", response_model=StatusAnswer)
async def check_alive() -> Response:
    """Touches nothing else: a reason to restart, where it does not answer."""
    return answer_json(StatusAnswer())


@router.get(
    "/readyz",
    operation_id="checkReady",
    summary="The store answers too",
    response_model=StatusAnswer,
    responses={503: document_problems()[503]},
)
async def check_ready(backend: CurrentBackend) -> Response:
    """A reason to send no requests here for now, where it does not answer."""
    await _count_items(backend)
    return answer_json(StatusAnswer())


@router.get(
    "/metrics",
    operation_id="readMetrics",
    summary="Figures in the Prometheus text format",
    response_class=Response,
    responses={
        200: {"description": "Figures.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **document_problems(),
    },
)
async def read_metrics(backend: CurrentBackend) -> Response:
    """Answers whether or not the store does; `vitrine_store_up` says which."""
    metrics = backend.metrics
    try:
        metrics.items.set(await _count_items(backend))
        metrics.store_up.set(1)
    except VitrineError:
        metrics.store_up.set(0)
    metrics.busy.set(backend.admission.inside)
    metrics.waiting.set(backend.admission.waiting)
    return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})


async def _count_items(backend: Backend) -> int:
    return await backend.ask_store_within(READY_WITHIN_S, backend.catalogue.store.count_items)
