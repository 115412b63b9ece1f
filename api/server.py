"""Running an application: a socket, a loop, an orderly end.

Works with any ASGI application and uvicorn. Knows nothing of what is served, and leaves the process to its caller:
`serve` returns when the last answer is out.
"""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from api.connections import PatientProtocol
from search.errors import SetupError

KEEP_ALIVE_S = 5
MAX_HEAD_BYTES = 64 * 2**10
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """For a browser on this machine: a server on every address is reached by the loopback one."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


def serve(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    head_timeout_s: float = 10.0,
    shutdown_timeout_s: int = 10,
    on_ready: Callable[[Bound], None] | None = None,
    stop: threading.Event | None = None,
) -> int | None:
    """Serve until SIGINT, SIGTERM or `stop`; answers under way are finished first.

    Args:
        port: 0 takes a free one.
        head_timeout_s: seconds within which the head of a request has to arrive.
        shutdown_timeout_s: seconds answers under way may take at the end.
        on_ready: called once, when connections are taken.
        stop: set from another thread, ends the serving.

    Returns:
        The signal that ended it; None where it was `stop`.

    Raises:
        SetupError: the address cannot be listened on.
    """
    listener = open_listener(host, port)
    # uvicorn makes its protocol from a class, so the figure goes in as a class of its own.
    protocol = type("Protocol", (PatientProtocol,), {"head_timeout_s": head_timeout_s})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=shutdown_timeout_s,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    bound_host, bound_port = listener.getsockname()[:2]
    server = _Server(config, bound=Bound(host=bound_host, port=bound_port), on_ready=on_ready, stop=stop)
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()
    return server.ended_by


def open_listener(host: str, port: int) -> socket.socket:
    """A socket bound to this address.

    Raises:
        SetupError: another program has the port, or this machine does not have the address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SetupError(
            f"{host!r} is no address of this machine ({error}); try 127.0.0.1", code="bad_address"
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "another program listens there" if taken else str(error)
        raise SetupError(
            f"port {port} of {host} cannot be had: {reason}; choose another port, or 0 for any",
            code="address_in_use" if taken else "bad_address",
        ) from None
    listener.set_inheritable(False)
    return listener


class _Server(uvicorn.Server):
    """uvicorn's server that says when it is ready, can be stopped by an event, and does not raise its signal again."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        bound: Bound,
        on_ready: Callable[[Bound], None] | None,
        stop: threading.Event | None,
    ) -> None:
        super().__init__(config)
        self.ended_by: int | None = None
        self._bound = bound
        self._on_ready = on_ready
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then say so."""
        await super().startup(sockets=sockets)
        if self._on_ready is not None and self.started:
            self._on_ready(self._bound)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether it is time to go."""
        stopped = self._stop is not None and self._stop.is_set()
        return await super().on_tick(counter) or stopped

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it in order; a second SIGINT at once."""
        self.ended_by = self.ended_by or sig
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but the caller decides what follows: it has a store to close."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
