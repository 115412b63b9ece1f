"""Regions over HTTP: suggested for a photo, and searched with."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.api.conftest import draw_photo
from tests.api.problems import check_problem
from tests.search.people import draw_person
from tests.search.pictures import save

PERSON = save(draw_person(), "PNG")
NAME = f"sha256:{hashlib.sha256(PERSON).hexdigest()}"


def suggest(client, data=PERSON):
    return client.post("/v1/regions", files={"photo": ("p.png", data, "image/png")})


def test_regions_are_suggested_in_the_documented_shape(client):
    answer = suggest(client)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["photo"] == NAME
    assert body["photo_url"] == f"/v1/photos/{NAME.removeprefix('sha256:')}"
    assert [each["name"] for each in body["regions"]] == ["whole product", "upper body", "lower body", "feet"]
    for each in body["regions"]:
        left, top, right, bottom = each["box"]
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert 0 < each["share"] <= 1
    took = body["took_ms"]
    assert min(took["decode"], took["embed"]) > 0
    assert took["decode"] + took["embed"] <= took["total"]


def test_a_photo_is_the_same_however_it_comes(client):
    sent = suggest(client).json()["regions"]
    kept = client.post("/v1/regions", json={"photo": NAME})
    assert kept.status_code == 200, kept.text
    assert kept.json()["regions"] == sent
    assert kept.json()["took_ms"]["embed"] == 0
    text = base64.b64encode(PERSON).decode()
    assert client.post("/v1/regions", json={"photo_base64": text}).json()["regions"] == sent


def test_every_suggestion_can_be_searched_with(client):
    body = suggest(client).json()
    for each in body["regions"]:
        answer = client.post("/v1/search", json={"photo": body["photo"], "region": each["box"], "limit": 3})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["hits"]) == 3


def test_a_region_is_searched_by_what_is_in_it(client):
    """The upper body is red, the lower one blue."""
    regions = {each["name"]: each["box"] for each in suggest(client).json()["regions"]}
    seen = {}
    for name in ("upper body", "lower body"):
        question = {"photo": NAME, "region": regions[name], "weights": {"color": 1}, "limit": 1}
        (hit,) = client.post("/v1/search", json=question).json()["hits"]
        seen[name] = hit["item"]["color"]
    assert seen == {"upper body": "Red", "lower body": "Blue"}


def test_a_question_names_one_photo(client):
    text = base64.b64encode(draw_photo()).decode()
    check_problem(client.post("/v1/regions", json={}), 422, "photo_missing")
    check_problem(client.post("/v1/regions", json={"photo": NAME, "photo_base64": text}), 422, "ambiguous_query")
    check_problem(client.post("/v1/regions", data={"x": "1"}, files={}), 415, "unsupported_media_type")
    check_problem(client.post("/v1/regions", json={"photo": "sha256:" + "0" * 64}), 404, "photo_expired")
    check_problem(client.post("/v1/regions", json={"item_id": "item-1"}), 422, "invalid_request", "/item_id")
    check_problem(client.post("/v1/regions", json={"photo_base64": "!"}), 422, "invalid_base64", "/photo_base64")


def test_what_is_no_photo_is_refused(client):
    check_problem(suggest(client, b"not a photo"), 415, "unsupported_format")
    check_problem(suggest(client, b""), 422, "empty_photo")


@pytest.mark.parametrize(
    ("region", "code", "pointer"),
    [
        ([0, 0, 1, 1.5], "invalid_request", "/region/3"),
        ([-0.1, 0, 1, 1], "invalid_request", "/region/0"),
        ([0, 0, 1], "invalid_request", "/region"),
        ([0, 0, 1, "1"], "invalid_request", "/region/3"),
        ([0.5, 0, 0.5, 1], "invalid_region", "/region"),
        ([0.5, 0.9, 0.9, 0.1], "invalid_region", "/region"),
        ([0.5, 0.5, 0.51, 0.9], "invalid_region", "/region"),
    ],
)
@pytest.mark.parametrize("route", ["/v1/search", "/v1/explain"])
def test_a_box_that_is_none_is_refused_and_pointed_at(client, route, region, code, pointer):
    assert suggest(client).status_code == 200
    question = {"photo": NAME, "region": region} | ({"hit_id": "item-1"} if route == "/v1/explain" else {})
    check_problem(client.post(route, json=question), 422, code, pointer)
