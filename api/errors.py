"""Errors as HTTP answers: the only place where an error gets a status.

An answer is a problem of RFC 9457 (`application/problem+json`) with three members more: `code`, a stable slug for
programs; `request_id`, also in `X-Request-ID`; `errors`, each with a JSON pointer to what is wrong. Third parties'
exceptions never show: what nobody expected becomes a 500 without a word about the inside, and a line in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search.errors import (
    InputError,
    NotFoundError,
    OverloadedError,
    SetupError,
    StoreUnavailableError,
    TryLaterError,
    VitrineError,
)

logger = logging.getLogger("vitrine.api")

PROBLEM_JSON = "application/problem+json"
STORE_RETRY_AFTER_S = 5

_STATUS_OF_CODE: Mapping[str, int] = {
    "malformed_json": 400,
    "malformed_multipart": 400,
    "unauthorized": 401,
    "body_timeout": 408,
    "body_too_large": 413,
    "photo_too_large": 413,
    "unsupported_format": 415,
    "unsupported_media_type": 415,
}
_STATUS_OF_CLASS: Sequence[tuple[type[VitrineError], int]] = (
    (NotFoundError, 404),
    (InputError, 422),
    (OverloadedError, 429),
    (TryLaterError, 503),
    (SetupError, 500),
    (VitrineError, 500),
)
_CODE_OF_STATUS: Mapping[int, str] = {
    400: "malformed_multipart",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}


def answer_problem(
    scope: Scope,
    *,
    status: int,
    code: str,
    detail: str,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem document; its code is also left in the request's state, where the metrics find it."""
    state = scope.setdefault("state", {})
    state["problem_code"] = code
    body: dict[str, object] = {
        "type": f"urn:vitrine:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail.encode("utf-8", "replace").decode(),
        "instance": _read_path(scope),
        "code": code,
        "request_id": state.get("request_id", ""),
    }
    if errors:
        body["errors"] = [{k: v.encode("utf-8", "replace").decode() for k, v in error.items()} for error in errors]
    return JSONResponse(body, status_code=status, headers=dict(headers or {}), media_type=PROBLEM_JSON)


def answer_error(scope: Scope, error: VitrineError) -> Response:
    """The answer to an error of our own tree."""
    by_class = next(status for family, status in _STATUS_OF_CLASS if isinstance(error, family))
    status = _STATUS_OF_CODE.get(error.code, by_class) if isinstance(error, InputError) else by_class
    detail, headers = error.message, {}
    if isinstance(error, OverloadedError):
        headers["Retry-After"] = str(error.retry_after_s)
    elif isinstance(error, TryLaterError):
        logger.warning("%s: %s", error.code, error.message)
        headers["Retry-After"] = str(STORE_RETRY_AFTER_S)
        if isinstance(error, StoreUnavailableError):
            # The message names addresses and folders, which are the operator's business.
            detail = "the catalogue cannot answer at the moment; nothing is wrong with the request, send it again later"
    elif not isinstance(error, InputError):
        logger.error("%s: %s", error.code, error.message, exc_info=error)
        detail = "the server is not set up as it should be; its log says more, under this request_id"
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="vitrine"'
    if status == 408:
        headers["Connection"] = "close"
    errors = [{"detail": detail, "pointer": error.pointer}] if error.pointer is not None else []
    return answer_problem(scope, status=status, code=error.code, detail=detail, errors=errors, headers=headers)


def answer_validation(scope: Scope, details: Sequence[ErrorDetails]) -> Response:
    """The answer to a request that does not have the documented shape: 422 with a pointer to each fault."""
    errors = [{"detail": d["msg"], "pointer": _point_at(d["loc"])} for d in details]
    first = f"{errors[0]['pointer'] or 'the request'}: {errors[0]['detail']}" if errors else "not the documented shape"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return answer_problem(scope, status=422, code="invalid_request", detail=first + more, errors=errors[:50])


async def handle_vitrine_error(request: Request, error: Exception) -> Response:
    """Handler of our own tree, for FastAPI."""
    return answer_error(request.scope, cast(VitrineError, error))


async def handle_validation_error(request: Request, error: Exception) -> Response:
    """Handler of parameters that FastAPI refuses."""
    details = cast("Sequence[ErrorDetails]", cast(RequestValidationError, error).errors())
    return answer_validation(request.scope, [_without_place(detail) for detail in details])


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Handler of what Starlette raises itself: no such route, wrong method, a broken form, a body too large."""
    exception = cast(HTTPException, error)
    status = exception.status_code
    if status == 413:
        return answer_error(
            request.scope, InputError("the body is larger than the server takes", code="body_too_large")
        )
    code = _CODE_OF_STATUS.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_"))
    detail = str(exception.detail)
    if status == 404:
        detail = f"there is nothing at {_read_path(request.scope)}"
    return answer_problem(request.scope, status=status, code=code, detail=detail, headers=exception.headers)


class ErrorBoundary:
    """ASGI: turns what is raised inside of it into a problem, also what other middleware raises."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer in its place where that fails before an answer has begun."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except VitrineError as error:
            if started:
                raise
            await answer_error(scope, error)(scope, receive, send)
        except ClientDisconnect:
            logger.info("request %s was given up by its sender", scope.get("state", {}).get("request_id", ""))
        except Exception:
            # Whatever it is, the client gets an answer and the log the traceback.
            logger.exception("request %s failed", scope.get("state", {}).get("request_id", ""))
            if started:
                raise
            detail = "the server failed to answer this request; its log says more, under this request_id"
            await answer_problem(scope, status=500, code="internal", detail=detail)(scope, receive, send)


def _read_path(scope: Scope) -> str:
    """The path as it was sent, percent-encoded."""
    sent = scope.get("raw_path")
    return sent.decode("latin-1") if sent else quote(scope.get("path", "/"), errors="replace")


def _without_place(detail: ErrorDetails) -> ErrorDetails:
    """FastAPI puts `query`, `path` or `body` before the name; a pointer starts at the name."""
    return cast(ErrorDetails, {**detail, "loc": detail["loc"][1:]})


def _point_at(location: Sequence[int | str]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
