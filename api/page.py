"""The page: the files of a folder, at whatever address no route has.

Starlette's static files with an ETag for each; a browser asks again each time and mostly hears 304. Knows nothing of
what is on the page.
"""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api.auth import is_guarded
from search.errors import SetupError


class Page:
    """ASGI: what the router falls back on. An address of the interface is never a file."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None and not (folder / "index.html").is_file():
            raise SetupError(f"there is no index.html in {folder}: name the folder of the page, or serve without it")
        self._files = _Files(directory=folder, html=True) if folder is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file, or raise the HTTP exception that says why not."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if self._files is None or is_guarded(scope["path"]):
            raise HTTPException(status_code=404)
        await self._files(scope, receive, send)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response
