"""What every request has: an id, a place in the metrics, a line in the log; and what every answer has: headers.

Knows nothing of what is asked.
"""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics

logger = logging.getLogger("vitrine.api")

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VALID_ID = re.compile(r"[A-Za-z0-9._~+/=-]{1,64}")


class RequestContext:
    """ASGI, outermost: gives the request its id and its headers, and counts it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the id is in `scope["state"]["request_id"]` from here on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        request_id = choose_request_id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.setdefault("Cache-Control", "no-store")
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            self._count(scope, status, time.perf_counter() - start)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", None) or ("page" if 0 < status < 400 else "unmatched")
        code = scope["state"].get("problem_code")
        self.metrics.requests.labels(method, route, str(status)).observe(seconds)
        if code is not None and 400 <= status < 500:
            self.metrics.rejected.labels(code).inc()
        logger.info(
            "%s %s %d %.1f ms %s %s", method, route, status, seconds * 1e3, code or "-", scope["state"]["request_id"]
        )


def choose_request_id(given: str | None) -> str:
    """The caller's own id where it is short and plain enough for a header and a log, else a new one."""
    return given if given is not None and _VALID_ID.fullmatch(given) else uuid.uuid4().hex
