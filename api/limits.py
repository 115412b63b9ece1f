"""Limits: how many photos at once, how large a body, how long it may take to arrive.

Plain ASGI and asyncio; what is refused is raised as an error of `search.errors`. Knows nothing of routes or photos.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search.errors import InputError, OverloadedError

MAX_RETRY_AFTER_S = 30


class Admission:
    """A door that lets some in at once, keeps some waiting, and sends the others away with a time to come back.

    Args:
        max_concurrent: how many are inside at most.
        max_waiting: how many wait at most; one more is sent away at once.
        max_wait_s: seconds after which one who waits is sent away.
    """

    def __init__(self, *, max_concurrent: int, max_waiting: int, max_wait_s: float) -> None:
        self.max_concurrent = max_concurrent
        self.max_waiting = max_waiting
        self.max_wait_s = max_wait_s
        self.waiting = 0
        self.inside = 0
        self._door = anyio.Semaphore(max_concurrent)
        self._stay_s = 0.2

    def refuse_if_full(self) -> None:
        """Raise `OverloadedError` where one more could not even wait: asked before a body is read."""
        if self.inside >= self.max_concurrent and self.waiting >= self.max_waiting:
            raise self._overloaded()

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Inside from here to the end of the block.

        Raises:
            OverloadedError: too many wait already, or it took too long.
        """
        self.refuse_if_full()
        self.waiting += 1
        entered = False
        try:
            with anyio.move_on_after(self.max_wait_s):
                await self._door.acquire()
                entered = True
        finally:
            self.waiting -= 1
        if not entered:
            raise self._overloaded()
        self.inside += 1
        start = time.monotonic()
        try:
            yield
        finally:
            self.inside -= 1
            self._door.release()
            # A moving mean: enough to say when it is worth coming back.
            self._stay_s += 0.2 * (time.monotonic() - start - self._stay_s)

    def _overloaded(self) -> OverloadedError:
        retry_after_s = math.ceil(self._stay_s * (self.waiting + 1) / self.max_concurrent)
        return OverloadedError(
            f"the server is busy with {self.inside} photos and {self.waiting} wait; send the request again later",
            retry_after_s=min(max(retry_after_s, 1), MAX_RETRY_AFTER_S),
        )


class DeclaredSize:
    """ASGI: refuses a body by its Content-Length, before a byte of it is read.

    What arrives is counted by Starlette's `RequestBodyLimitMiddleware`, so a body that does not say its length, or
    lies about it, comes no further.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise `InputError` with the code `body_too_large`."""
        if scope["type"] == "http":
            declared = Headers(scope=scope).get("content-length", "")
            if declared.isdecimal() and int(declared[:20]) > self.max_body_bytes:
                raise InputError(
                    f"the body has {declared[:20]} bytes, the server takes {self.max_body_bytes}: send a smaller photo",
                    code="body_too_large",
                )
        await self.app(scope, receive, send)


class BodyDeadline:
    """ASGI: a body has to be there within some seconds of its request.

    FastAPI turns whatever is raised while it reads a body into a 400; so the answer is held back here, and the
    error is raised from the outside.
    """

    def __init__(self, app: ASGIApp, timeout_s: float) -> None:
        self.app = app
        self.timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise `InputError` with the code `body_timeout`."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deadline = anyio.current_time() + self.timeout_s
        arrived = late = started = False

        async def receive_in_time() -> Message:
            nonlocal arrived, late
            if arrived:
                return await receive()
            try:
                with anyio.fail_after(max(deadline - anyio.current_time(), 0)):
                    message = await receive()
            except TimeoutError:
                late = True
                raise
            arrived = not (message["type"] == "http.request" and message.get("more_body", False))
            return message

        async def send_unless_late(message: Message) -> None:
            nonlocal started
            if late and not started:
                return
            started = True
            await send(message)

        try:
            await self.app(scope, receive_in_time, send_unless_late)
        except Exception:
            # Whatever reading the body ended in, once it is late the reason is known.
            if not late or started:
                raise
        if late and not started:
            raise InputError(f"the body did not arrive within {self.timeout_s:g} seconds", code="body_timeout")
