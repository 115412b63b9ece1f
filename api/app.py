"""The application: an open catalogue behind HTTP.

    RequestContext   id, headers, metrics           the layers a request passes, from the outside
    ErrorBoundary    whatever is raised: a problem
    ApiKeys          401
    DeclaredSize     413 by Content-Length
    BodyDeadline     408
    BodyLimit        413 by what arrives
    ItemPaths        ids in paths
    router           routes, else the page

Everything is an argument; nothing is read from the environment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import anyio
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import Response

from api import errors
from api.auth import ApiKeys, hash_keys
from api.backend import STORE_THREADS, Backend
from api.engines import ENGINE_WAIT_S, EngineDoor, PixelEngines
from api.item_paths import ItemPaths
from api.limits import Admission, BodyDeadline, DeclaredSize
from api.metrics import Metrics
from api.openapi import build_openapi
from api.page import Page
from api.query_photos import QueryPhotos
from api.request_body import ShapeError
from api.request_id import RequestContext
from api.routes import classify, explain, explore, facets, health, info, items, photos, regions, search
from search.catalogue import Catalogue
from search.errors import VitrineError

ROUTERS: tuple[APIRouter, ...] = (
    search.router,
    classify.router,
    regions.router,
    explain.router,
    facets.router,
    explore.router,
    photos.router,
    items.router,
    info.router,
    health.router,
)


def create_app(
    catalogue: Catalogue,
    *,
    version: str,
    api_keys: Sequence[str] = (),
    max_body_bytes: int = 20 * 2**20,
    max_concurrent: int = 2,
    max_waiting: int = 16,
    max_wait_s: float = 10.0,
    body_timeout_s: float = 30.0,
    photo_ttl_s: float = 3_600.0,
    max_photos_kept: int = 512,
    engines: PixelEngines | None = None,
    ui: Path | None = None,
) -> FastAPI:
    """The application over an open catalogue, which it does not close.

    Args:
        version: Vitrine's own, for /v1/info and the metrics.
        api_keys: one of them has to come with every request for the catalogue; none: everybody may ask.
        max_body_bytes: largest request taken.
        max_concurrent: photos embedded at once.
        max_waiting: requests with photos that wait for their turn; one more is refused with 429.
        max_wait_s: seconds after which one that waits is refused with 429.
        body_timeout_s: seconds within which a request has to arrive in whole.
        photo_ttl_s: seconds for which a photo asked about is remembered after its last use.
        max_photos_kept: how many of them are.
        engines: what classifies from pixels, besides the catalogue's own classifier; not closed.
        ui: folder of the page; None serves the interface alone.

    Raises:
        SetupError: an empty key, or a folder without a page.
    """
    metrics = Metrics(version=version)
    digests = hash_keys(api_keys)
    app = FastAPI(
        title="Vitrine",
        version=version,
        summary="Visual search over a product catalogue.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(RequestContext, metrics=metrics),
            Middleware(errors.ErrorBoundary),
            Middleware(ApiKeys, digests=digests),
            Middleware(DeclaredSize, max_body_bytes=max_body_bytes),
            Middleware(BodyDeadline, timeout_s=body_timeout_s),
            Middleware(RequestBodyLimitMiddleware, max_body_size=max_body_bytes),
            Middleware(ItemPaths),
        ],
    )
    app.state.backend = Backend(
        catalogue=catalogue,
        version=version,
        photos=QueryPhotos(max_photos=max_photos_kept, ttl_s=photo_ttl_s),
        admission=Admission(max_concurrent=max_concurrent, max_waiting=max_waiting, max_wait_s=max_wait_s),
        metrics=metrics,
        max_body_bytes=max_body_bytes,
        auth=bool(digests),
        photo_threads=anyio.CapacityLimiter(max_concurrent),
        store_threads=anyio.CapacityLimiter(STORE_THREADS),
        door=EngineDoor(
            engines=engines,
            admission=Admission(max_concurrent=1, max_waiting=max_waiting, max_wait_s=ENGINE_WAIT_S),
            threads=anyio.CapacityLimiter(1),
        ),
    )
    for router in ROUTERS:
        app.include_router(router)
    app.router.default = Page(ui)
    app.openapi = lambda: build_openapi(app)  # type: ignore[method-assign]
    app.add_exception_handler(ShapeError, _handle_shape_error)
    app.add_exception_handler(VitrineError, errors.handle_vitrine_error)
    app.add_exception_handler(RequestValidationError, errors.handle_validation_error)
    app.add_exception_handler(405, _handle_wrong_method)
    app.add_exception_handler(HTTPException, errors.handle_http_exception)
    return app


async def _handle_shape_error(request: Request, error: Exception) -> Response:
    return errors.answer_validation(request.scope, cast(ShapeError, error).faults)


async def _handle_wrong_method(request: Request, error: Exception) -> Response:
    """Say every method the address takes: Starlette says only those of the first route that has it."""
    path = request.scope["path"]
    methods = {method for pattern, taken in _list_methods() if pattern.match(path) for method in taken}
    exception = cast(HTTPException, error)
    allow = ", ".join(sorted(methods)) or (exception.headers or {}).get("Allow", "GET, HEAD")
    detail = f"this address does not take {request.method}; it takes {allow}"
    return await errors.handle_http_exception(request, HTTPException(405, detail=detail, headers={"Allow": allow}))


def _list_methods() -> list[tuple[re.Pattern[str], set[str]]]:
    return [(r.path_regex, r.methods or set()) for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
