"""Item ids in paths: any text, also one with slashes.

A client percent-encodes the id, `/v1/items/shoes%2F1/similar`; the server hands the application the decoded path, in
which the id's slashes look like the path's. This looks at the path as it was sent and makes the id one segment again.
An id sent without encoding its slashes works too, as long as it does not end like a route (`/photo`, `/similar`).
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Path
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send

from api.questions import MAX_ID_LENGTH

PREFIX = "/v1/items/"
SUFFIXES = ("/similar", "/photo")


class ItemPaths:
    """ASGI: rewrites `path` under `/v1/items/` so that the id is one percent-encoded segment."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its path in one form."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            sent = scope.get("raw_path") or quote(scope["path"]).encode()
            scope["path"] = encode_item_path(sent.decode("latin-1"))
        await self.app(scope, receive, send)


def encode_item_path(sent: str) -> str:
    """`/v1/items/a/b/photo` and `/v1/items/a%2fb/photo` as `/v1/items/a%2Fb/photo`."""
    rest = sent.removeprefix(PREFIX)
    suffix = next((suffix for suffix in SUFFIXES if rest.endswith(suffix) and rest != suffix), "")
    item_id = unquote(rest.removesuffix(suffix), errors="replace")
    return PREFIX + quote(item_id, safe="") + suffix


ItemId = Annotated[
    str,
    BeforeValidator(unquote),
    Path(min_length=1, max_length=MAX_ID_LENGTH, description="The item's id, percent-encoded.", examples=["SKU-1"]),
]
"""What a route declares to get an item's id as the shop writes it."""
