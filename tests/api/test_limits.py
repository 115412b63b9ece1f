"""Too many at once, too slow, too late."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from api.limits import Admission, BodyDeadline
from search.errors import InputError, OverloadedError
from tests.api.conftest import draw_photo
from tests.api.problems import check_problem

PHOTO = draw_photo()


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_photos_beyond_those_inside_and_waiting_are_refused_at_once_while_the_rest_goes_on(make_client, slow_catalogue):
    client = make_client(catalogue=slow_catalogue, max_concurrent=2, max_waiting=3, max_wait_s=30)
    admission = client.app.state.backend.admission

    def search(_):
        return client.post("/v1/search", files={"photo": ("p.jpg", PHOTO)})

    with ThreadPoolExecutor(12) as pool:
        accepted = [pool.submit(search, n) for n in range(5)]
        wait_until(lambda: (admission.inside, admission.waiting) == (2, 3))
        start = time.monotonic()
        refused = list(pool.map(search, range(6)))
        assert time.monotonic() - start < 5
        # Everything that needs no forward pass is answered meanwhile.
        assert client.get("/livez").status_code == 200
        assert client.post("/v1/search", json={"item_id": "item-0"}).status_code == 200
        assert "vitrine_photos_waiting 3.0" in client.get("/metrics").text
        slow_catalogue.gate.set()
        assert [future.result().status_code for future in accepted] == [200] * 5
    for answer in refused:
        check_problem(answer, 429, "overloaded")
        assert 1 <= int(answer.headers["retry-after"]) <= 30
    assert (admission.inside, admission.waiting) == (0, 0)
    assert search(0).status_code == 200


def test_who_waits_too_long_is_refused(make_client, slow_catalogue):
    client = make_client(catalogue=slow_catalogue, max_concurrent=1, max_waiting=5, max_wait_s=0.2)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/v1/search", files={"photo": ("p.jpg", PHOTO)})
        wait_until(lambda: client.app.state.backend.admission.inside == 1)
        check_problem(client.post("/v1/search", files={"photo": ("p.jpg", PHOTO)}), 429, "overloaded")
        slow_catalogue.gate.set()
        assert first.result().status_code == 200


def test_a_photo_that_is_refused_gives_its_place_back(make_client):
    client = make_client(max_concurrent=1, max_waiting=0)
    for _ in range(3):
        assert client.post("/v1/search", files={"photo": ("p.jpg", b"GIF89a")}).status_code == 422
    assert client.post("/v1/search", files={"photo": ("p.jpg", PHOTO)}).status_code == 200


def test_admission_lets_in_no_more_than_it_should_and_a_cancelled_one_leaves_no_trace():
    async def run():
        door = Admission(max_concurrent=2, max_waiting=4, max_wait_s=5)
        most = 0

        async def visit():
            nonlocal most
            async with door.enter():
                most = max(most, door.inside)
                await anyio.sleep(0.01)

        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(visit)
        assert most == 2
        async with door.enter(), door.enter():
            with anyio.move_on_after(0.01):
                await visit()
            assert (door.inside, door.waiting) == (2, 0)
            door.max_waiting = 0
            with pytest.raises(OverloadedError):
                door.refuse_if_full()
        assert (door.inside, door.waiting) == (0, 0)
        await visit()

    anyio.run(run)


def test_the_deadline_is_for_the_whole_body_and_ends_with_it():
    async def run(pause_s, parts, *, answer_first=False):
        sent = []

        async def receive():
            nonlocal parts
            await anyio.sleep(pause_s)
            parts -= 1
            return {"type": "http.request", "body": b"x", "more_body": parts > 0}

        async def send(message):
            sent.append(message["type"])

        async def app(scope, receive, send):
            if answer_first:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            try:
                while (await receive())["more_body"]:
                    pass
            except TimeoutError:
                # As FastAPI does: any failure to read becomes an answer of its own.
                await send({"type": "http.response.start", "status": 400, "headers": []})
                return
            await anyio.sleep(0.3)
            await send({"type": "http.response.start", "status": 200, "headers": []})

        await BodyDeadline(app, timeout_s=0.2)({"type": "http"}, receive, send)
        return sent

    with pytest.raises(InputError) as caught:
        anyio.run(lambda: run(0.05, 100))
    assert caught.value.code == "body_timeout"
    # Work after the body, however long, is not the sender's fault.
    assert anyio.run(lambda: run(0, 3)) == ["http.response.start"]


def test_a_store_that_hangs_makes_it_not_ready_and_not_dead(make_client, catalogue, monkeypatch):
    release = threading.Event()
    client = make_client()
    monkeypatch.setattr(catalogue.store, "count_items", lambda conditions=(): release.wait(20) and 0)
    monkeypatch.setattr("api.routes.health.READY_WITHIN_S", 0.2)
    try:
        answer = client.get("/readyz")
        check_problem(answer, 503, "store_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/livez").status_code == 200
        assert "vitrine_store_up 0.0" in client.get("/metrics").text
    finally:
        release.set()
