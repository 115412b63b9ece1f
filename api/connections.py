"""One HTTP/1.1 connection with an end to its patience.

uvicorn keeps a connection whose request head never ends for ever, and likewise one that takes an answer but sends the
rest of its body byte by byte, or that never reads. This subclass of its protocol closes them. A body somebody is
waiting for has its own deadline, `api.limits.BodyDeadline`.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.errors import PROBLEM_JSON


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with deadlines for a request's head, for what follows an answer, and for reading answers."""

    head_timeout_s = 10.0
    """Seconds for a head to arrive, from the connection's start or the first byte after an answer."""

    read_timeout_s = 30.0
    """Seconds for which a client may leave an answer unread once the buffers are full."""

    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock starts with the connection, before its first byte."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Bytes do not stop the clock; a whole head does."""
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        """From here on the next head is waited for."""
        super().on_response_complete()
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """No clock outlives its connection."""
        super().connection_lost(exc)
        self._stop_head_timer()
        self._stop_read_timer()

    def pause_writing(self) -> None:
        """The client does not read: its clock starts."""
        super().pause_writing()
        self._stop_read_timer()
        self._read_timer = self.loop.call_later(self.read_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._stop_read_timer()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP gets a problem like everything else, where an answer can still be sent."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = json.dumps(
            {
                "type": "urn:vitrine:problem:malformed_request",
                "title": HTTPStatus.BAD_REQUEST.phrase,
                "status": 400,
                "detail": msg,
                "instance": "",
                "code": "malformed_request",
                "request_id": "",
            }
        ).encode()
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_head(self) -> None:
        """Start the clock where a head (or the rest of an answered body) is being waited for, stop it where not.

        An idle connection kept alive has uvicorn's own timer, which the first byte stops.
        """
        answering = not getattr(self.cycle, "response_complete", True)
        if answering or self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            self._stop_head_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout_s, self.transport.close)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
