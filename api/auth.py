"""API keys: who may ask.

A key is a long random string, sent as `X-API-Key: KEY` or `Authorization: Bearer KEY`. Only SHA-256 digests are kept,
and all of them are compared, in constant time. Knows nothing of users or rights: a key opens everything.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from search.errors import InputError, SetupError

GUARDED = ("/v1", "/metrics", "/openapi.json")
"""Behind a key, with all that is below them. The page, /livez and /readyz are open: nothing of a catalogue is there."""


def hash_keys(keys: Sequence[str]) -> tuple[bytes, ...]:
    """SHA-256 digest of each key.

    Raises:
        SetupError: an empty key, which would open the door to everybody.
    """
    if any(not key.strip() for key in keys):
        raise SetupError("one of the API keys is empty; give each at least one character, better 32 random ones")
    return tuple(hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest() for key in keys)


class ApiKeys:
    """ASGI: lets guarded requests through only with a key; every request where there are no keys."""

    def __init__(self, app: ASGIApp, digests: Sequence[bytes]) -> None:
        self.app = app
        self.digests = tuple(digests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise `InputError` with the code `unauthorized`."""
        if scope["type"] == "http" and self.digests and is_guarded(scope["path"]):
            key = _read_key(Headers(scope=scope))
            if key is None:
                raise InputError(
                    "this server wants an API key: send it as X-API-Key or as Authorization: Bearer",
                    code="unauthorized",
                )
            if not self._knows(key):
                raise InputError("this API key is not one of the server's", code="unauthorized")
        await self.app(scope, receive, send)

    def _knows(self, key: bytes) -> bool:
        digest = hashlib.sha256(key).digest()
        known = False
        for candidate in self.digests:
            known |= hmac.compare_digest(candidate, digest)
        return known


def is_guarded(path: str) -> bool:
    """Whether a path is behind a key."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in GUARDED)


def _read_key(headers: Headers) -> bytes | None:
    if "x-api-key" in headers:
        return headers["x-api-key"].encode("latin-1")
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip().encode("latin-1") if scheme.lower() == "bearer" and credentials.strip() else None
