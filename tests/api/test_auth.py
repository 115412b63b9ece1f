"""Keys: what is open without one, and what is not."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS, create_app
from api.auth import hash_keys, is_guarded
from search.errors import SetupError
from tests.api.problems import check_problem

KEYS = ("first-key-0123456789", "zweiter-Schlüssel")
OPEN = {"/livez", "/readyz"}


@pytest.fixture
def locked(make_client):
    return make_client(api_keys=KEYS)


def test_every_route_but_the_health_checks_wants_a_key(locked):
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) == 18
    for route in routes:
        path = route.path.replace("{item_id}", "item-0").replace("{sha256}", "0" * 64)
        for method in route.methods:
            answer = locked.request(method, path)
            if route.path in OPEN:
                assert answer.status_code == 200
            else:
                check_problem(answer, 401, "unauthorized")
                assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/openapi.json", "/v1", "/v1/nothing", "/metrics", "/v1/items/a%2Fb"])
def test_nothing_below_the_interface_is_told_without_a_key(locked, path):
    check_problem(locked.get(path), 401, "unauthorized")


@pytest.mark.parametrize("path", ["/", "/app.js", "/livez", "/readyz"])
def test_the_page_and_the_health_checks_are_open(locked, path):
    assert locked.get(path).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEYS[0]},
        {"x-api-key": KEYS[1].encode()},
        {"Authorization": f"Bearer {KEYS[0]}"},
        {"Authorization": f"bearer  {KEYS[0]} "},
    ],
)
def test_each_key_opens_in_both_headers(locked, headers):
    for path in ("/v1/info", "/metrics", "/openapi.json", "/v1/items/item-0/photo"):
        assert locked.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": ""},
        {"X-API-Key": KEYS[0][:-1]},
        {"X-API-Key": KEYS[0] + "x"},
        {"X-API-Key": KEYS[0].upper()},
        {"X-API-Key": b"\xff\xfe"},
        {"X-API-Key": "wrong", "Authorization": f"Bearer {KEYS[0]}"},
        {"Authorization": KEYS[0]},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {KEYS[0]}"},
        {"Cookie": f"X-API-Key={KEYS[0]}"},
    ],
)
def test_anything_else_does_not(locked, headers):
    check_problem(locked.get("/v1/info", headers=headers), 401, "unauthorized")
    assert locked.get("/v1/info", params={"api_key": KEYS[0]}).status_code == 401


def test_without_a_key_a_body_is_not_read(locked):
    def never():
        raise AssertionError("the body was read")
        yield b""

    assert locked.post("/v1/search", content=never(), headers={"content-length": "5"}).status_code == 401


def test_without_keys_everything_is_open_and_says_so(client, locked):
    assert client.get("/v1/info").json()["auth"] is False
    assert locked.get("/v1/info", headers={"X-API-Key": KEYS[0]}).json()["auth"] is True
    assert client.get("/v1/info", headers={"X-API-Key": "whatever"}).status_code == 200


def test_an_empty_key_is_refused_and_keys_are_kept_as_digests(catalogue):
    with pytest.raises(SetupError, match="empty"):
        create_app(catalogue, version="1", api_keys=["good", " "])
    assert [len(digest) for digest in hash_keys(KEYS)] == [32, 32]


def test_only_whole_path_segments_are_guarded():
    assert is_guarded("/v1")
    assert is_guarded("/v1/x")
    assert not is_guarded("/v1x")
    assert not is_guarded("/metrics.js")
