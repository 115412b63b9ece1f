"""A real server on a real socket: slow senders, half requests, an orderly end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest

from api.app import create_app
from api.connections import PatientProtocol
from api.server import Bound, open_listener, serve
from search.errors import SetupError
from tests.api.conftest import draw_photo

HEAD_TIMEOUT_S = 0.6
BODY_TIMEOUT_S = 0.6
GRACE_S = 3.0

APP = """
import anyio, signal, sys
from api.server import serve

async def app(scope, receive, send):
    if scope["path"] == "/slow":
        print("began", flush=True)
        await anyio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

ended_by = serve(app, port=0, shutdown_timeout_s=5, on_ready=lambda bound: print(bound.port, flush=True))
print("ended by", signal.Signals(ended_by).name, flush=True)
"""


@contextmanager
def running(app, **settings):
    ready, stop = threading.Event(), threading.Event()
    bound: list[Bound] = []

    def say(where: Bound) -> None:
        bound.append(where)
        ready.set()

    thread = threading.Thread(
        target=serve, args=(app,), kwargs={"port": 0, "on_ready": say, "stop": stop, **settings}, daemon=True
    )
    thread.start()
    assert ready.wait(20)
    try:
        yield bound[0]
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def server(catalogue):
    app = create_app(catalogue, version="1", body_timeout_s=BODY_TIMEOUT_S, max_body_bytes=100_000)
    with running(app, head_timeout_s=HEAD_TIMEOUT_S) as bound:
        yield bound


def connect(bound):
    return closing(socket.create_connection((bound.host, bound.port), timeout=HEAD_TIMEOUT_S + GRACE_S))


def read_to_the_end(connection):
    """All the server says until it closes; fails where it does not close in time."""
    data = b""
    try:
        while chunk := connection.recv(65_536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def post(body, *, length=None, path=b"/v1/search", kind=b"application/json"):
    size = len(body) if length is None else length
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (path, kind, size, body)


@pytest.mark.parametrize(
    "head", [b"", b"GET /liv", b"GET /livez HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nX: " + b"y" * 999]
)
def test_half_a_head_is_dropped_in_time(server, head):
    with connect(server) as connection:
        connection.sendall(head)
        start = time.monotonic()
        assert read_to_the_end(connection) == b""
        assert time.monotonic() - start < HEAD_TIMEOUT_S + GRACE_S


def test_a_head_byte_by_byte_is_dropped_in_time(server):
    with connect(server) as connection:
        start = time.monotonic()
        trickle(connection, b"G")
        assert time.monotonic() - start < HEAD_TIMEOUT_S + GRACE_S
        assert time.monotonic() - start >= HEAD_TIMEOUT_S * 0.9


@pytest.mark.parametrize("kind", [b"application/json", b"multipart/form-data; boundary=B"])
def test_half_a_body_gets_408_and_is_dropped(server, kind):
    with connect(server) as connection:
        connection.sendall(post(b"--B\r\n", length=5_000, kind=kind))
        start = time.monotonic()
        answer = read_to_the_end(connection)
        assert BODY_TIMEOUT_S * 0.9 < time.monotonic() - start < BODY_TIMEOUT_S + GRACE_S
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "body_timeout"


def test_a_body_that_trickles_gets_408_too(server):
    with connect(server) as connection:
        connection.sendall(post(b"", length=5_000))
        start = time.monotonic()
        sending = threading.Thread(target=trickle, args=(connection,), daemon=True)
        sending.start()
        answer = read_to_the_end(connection)
        assert time.monotonic() - start < BODY_TIMEOUT_S + GRACE_S
        sending.join(10)
    assert answer.startswith(b"HTTP/1.1 408 ")


def trickle(connection, byte=b" "):
    """Send a byte now and then, for ten seconds or until the other side closes."""
    try:
        for _ in range(200):
            connection.sendall(byte)
            time.sleep(0.05)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post(b"x", length=5_000, path=b"/v1/nothing"), b"404"),
        (post(b"x", length=10**9), b"413"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", b"200"),
    ],
)
def test_who_is_answered_already_and_goes_on_trickling_is_dropped(server, request_, status):
    with connect(server) as connection:
        connection.sendall(request_)
        start = time.monotonic()
        sending = threading.Thread(target=trickle, args=(connection,), daemon=True)
        sending.start()
        answer = read_to_the_end(connection)
        assert time.monotonic() - start < HEAD_TIMEOUT_S + 2 * GRACE_S
        sending.join(12)
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_forty_slow_senders_do_not_keep_others_from_being_answered(server):
    held = [socket.create_connection((server.host, server.port), timeout=8) for _ in range(40)]
    try:
        for number, connection in enumerate(held):
            connection.sendall(b"GET / HT" if number % 2 else post(b"{", length=100))
        with connect(server) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_to_the_end(connection).startswith(b"HTTP/1.1 200")
        start = time.monotonic()
        for connection in held:
            read_to_the_end(connection)
        assert time.monotonic() - start < HEAD_TIMEOUT_S + 2 * GRACE_S
    finally:
        for connection in held:
            connection.close()


def test_several_requests_on_one_connection_are_not_taken_for_a_slow_one(server):
    with connect(server) as connection:
        for _ in range(4):
            connection.sendall(post(b'{"limit": 1}'))
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            while len(body) < size:
                body += connection.recv(65_536)
            time.sleep(HEAD_TIMEOUT_S * 0.6)
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + b"GET /livez HTTP/1.0\r\n\r\n")
        assert read_to_the_end(connection).count(b'{"status":"ok"}') == 3


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\n\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"A" * 70_000]
)
def test_what_is_not_http_gets_a_problem(server, garbage):
    with connect(server) as connection:
        connection.sendall(garbage)
        answer = read_to_the_end(connection)
    assert answer.startswith(b"HTTP/1.1 400") or (answer == b"" and len(garbage) > 60_000)
    if answer:
        assert b"application/problem+json" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "malformed_request"


def test_a_photo_comes_through(server):
    photo = draw_photo("Green", "square", seed=7)
    body = b'--B\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\n\r\n' + photo + b"\r\n--B--\r\n"
    with connect(server) as connection:
        request = post(body, kind=b"multipart/form-data; boundary=B")
        connection.sendall(request.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        answer = read_to_the_end(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"server:" not in answer.lower().partition(b"\r\n\r\n")[0]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["hits"][0]["id"] == "item-7"


def test_sigterm_lets_what_is_under_way_finish_and_gives_the_caller_the_last_word(repository):
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with subprocess.Popen(
        [sys.executable, "-c", APP], stdout=subprocess.PIPE, text=True, cwd=repository, env=environment
    ) as process:
        try:
            port = int(process.stdout.readline())
            with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
                connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                assert process.stdout.readline() == "began\n"
                start = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert read_to_the_end(connection).endswith(b"ok")
            assert process.stdout.readline() == "ended by SIGTERM\n"
            assert process.wait(10) == 0
            assert time.monotonic() - start < 8
        finally:
            process.kill()


def test_an_address_that_cannot_be_had_is_a_setup_error():
    with closing(open_listener("127.0.0.1", 0)) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(SetupError, match="another program listens there") as caught:
            open_listener("127.0.0.1", port)
        assert caught.value.code == "address_in_use"
    with pytest.raises(SetupError, match="no address"):
        open_listener("no.such.host.invalid", 0)


def test_who_never_reads_an_answer_is_dropped(monkeypatch):
    monkeypatch.setattr(PatientProtocol, "read_timeout_s", 0.3)
    ended = threading.Event()

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(400):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body"})
        ended.set()

    with running(app) as bound, connect(bound) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(GRACE_S), "the answer is held in memory for somebody who does not read it"


def test_the_address_for_a_browser():
    assert Bound(host="0.0.0.0", port=80).url == "http://127.0.0.1:80/"
    assert Bound(host="::", port=80).url == "http://[::1]:80/"
    assert Bound(host="127.0.0.1", port=8000).url == "http://127.0.0.1:8000/"
