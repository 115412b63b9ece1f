"""Asking: by photo, by item, by a filter; in every form the contract has."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from tests.api.conftest import COLORS, draw_photo
from tests.api.problems import check_problem

PHOTO = draw_photo("Blue", "square", seed=5)


def ask(client, **question):
    return client.post("/v1/search", json=question)


def upload(client, data=PHOTO, **question):
    form = {"query": json.dumps(question)} if question else {}
    return client.post("/v1/search", files={"photo": ("p.jpg", data, "image/jpeg")}, data=form)


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def test_a_catalogue_photo_finds_itself_first_and_the_answer_has_the_documented_shape(client):
    answer = upload(client, facets=["color"], limit=3)
    body = answer.json()
    assert ids(answer)[0] == "item-5"
    first = body["hits"][0]
    assert first["score"] == pytest.approx(1, abs=1e-5)
    assert first["item"]["title"] == "Blue square 5"
    assert first["item"]["id"] == "item-5"
    assert first["parts"].keys() == {"shape", "color"}
    assert first["photo"].keys() == {"url", "index", "width", "height", "palette"}
    assert (first["photo"]["width"], first["photo"]["height"]) == (400, 400)
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    assert body["query"] == {
        "kind": "photo",
        "photo": f"sha256:{sha256}",
        "photo_url": f"/v1/photos/{sha256}",
        "item_id": None,
        "text": None,
        "colors": None,
        "region": None,
        "examples": [
            {
                "kind": "photo",
                "weight": 1.0,
                "photo": f"sha256:{sha256}",
                "photo_url": f"/v1/photos/{sha256}",
                "item_id": None,
                "text": None,
                "colors": None,
                "region": None,
            }
        ],
        "attributes": None,
        "out_of_catalogue": None,
        "outside": None,
        "model": None,
    }
    assert (first["predicted"], first["model"]) == ({}, None)
    assert body["total"] == {"value": 12, "relation": "eq"}
    assert sorted((f["value"], f["count"]) for f in body["facets"]["color"]) == [(c, 4) for c in sorted(COLORS)]
    assert body["facets_over"] == "filter"
    assert (body["groups"], body["close"], body["histograms"], body["suggestions"], body["notes"]) == (
        None,
        None,
        {},
        [],
        [],
    )
    assert sum(body["weights"].values()) == pytest.approx(1)
    took = body["took_ms"]
    assert took["decode"] > 0
    assert took["embed"] > 0
    assert took["search"] > 0
    assert took["classify"] == 0
    assert took["decode"] + took["embed"] + took["search"] <= took["total"]


def test_base64_and_the_hash_of_a_photo_sent_before_give_the_same_hits_as_the_upload(client):
    first = upload(client)
    same = ask(client, photo_base64=base64.b64encode(PHOTO).decode())
    again = ask(client, photo=first.json()["query"]["photo"])
    assert ids(first) == ids(same) == ids(again)
    assert first.json()["query_id"] == same.json()["query_id"] == again.json()["query_id"]
    took = again.json()["took_ms"]
    assert (took["decode"], took["embed"]) == (0, 0)


def test_an_item_is_not_among_the_items_like_it(client):
    answer = ask(client, item_id="item-5")
    assert answer.json()["hits"][0]["item"]["color"] == "Blue"
    assert "item-5" not in ids(answer)
    assert len(ids(answer)) == 11
    asked = {name: value for name, value in answer.json()["query"].items() if value is not None}
    assert asked.pop("examples")[0]["item_id"] == "item-5"
    assert asked == {"kind": "item", "item_id": "item-5"}
    assert ids(client.get("/v1/items/item-5/similar")) == ids(answer)


def test_without_a_photo_or_an_item_everything_is_browsed_without_scores(client):
    answer = ask(client)
    assert len(ids(answer)) == 12
    assert {hit["score"] for hit in answer.json()["hits"]} == {None}
    assert answer.json()["query"]["kind"] == "browse"


@pytest.mark.parametrize("question", [{}, {"item_id": "item-0"}, {"filter": {"color": ["Red", "Blue"]}}])
def test_pages_of_a_question_are_its_long_list_in_pieces(client, question):
    whole = ids(ask(client, **question))
    pages, cursor = [], None
    while True:
        answer = ask(client, **question, limit=3, **({"cursor": cursor} if cursor else {}))
        pages += ids(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert pages == whole


def test_a_cursor_belongs_to_its_question(client):
    cursor = ask(client, item_id="item-0", limit=2).json()["next_cursor"]
    other = ask(client, item_id="item-1", limit=2, cursor=cursor)
    assert check_problem(other, 422, other.json()["code"], "/cursor")["code"].endswith("cursor")
    check_problem(ask(client, cursor="never"), 422, "invalid_cursor", "/cursor")
    photo = upload(client, limit=2).json()
    following = ask(client, photo=photo["query"]["photo"], limit=2, cursor=photo["next_cursor"])
    assert ids(following) == ids(upload(client, limit=4))[2:]


@pytest.mark.parametrize(
    ("conditions", "parameters", "count"),
    [
        ({"color": "Red"}, "color=Red", 4),
        ({"color": ["Red", "Blue"]}, "color=Red&color=Blue", 8),
        ({"color": {"not": ["Red"]}}, "color_not=Red", 8),
        ({"price": {"gte": 12, "lt": 15}}, "price_gte=12&price_lt=15", 3),
        ({"price": {"gt": 12, "lte": 15}}, "price_gt=12&price_lte=15", 3),
        ({"year": 2011}, "year=2011", 3),
        ({"color": "Red", "product_type": "circle"}, "color=Red&product_type=circle", 2),
        ({"color": "Mauve"}, "color=Mauve", 0),
    ],
)
def test_a_filter_means_the_same_in_json_and_in_a_query_string(client, conditions, parameters, count):
    browsed = ask(client, filter=conditions)
    assert len(ids(browsed)) == browsed.json()["total"]["value"] == count
    counted = client.get(f"/v1/facets?attribute=color&{parameters}").json()
    assert counted["total"]["value"] == count
    near = ask(client, item_id="item-0", filter=conditions)
    assert ids(client.get(f"/v1/items/item-0/similar?{parameters}")) == ids(near)


def test_facets_leave_their_own_condition_out(client):
    answer = client.get("/v1/facets?attribute=color&attribute=product_type&color=Red").json()
    assert {f["value"]: f["count"] for f in answer["facets"]["color"]} == dict.fromkeys(COLORS, 4)
    assert {f["value"]: f["count"] for f in answer["facets"]["product_type"]} == {"circle": 2, "square": 2}
    assert len(client.get("/v1/facets?attribute=color&limit=2").json()["facets"]["color"]) == 2
    assert len(ask(client, facets=["color"], facet_limit=1).json()["facets"]["color"]) == 1


def test_weights_choose_the_spaces(client):
    answer = ask(client, item_id="item-5", weights={"color": 2.0}).json()
    assert answer["weights"] == {"color": 1}
    assert set(answer["hits"][0]["parts"]) == {"color"}
    check_problem(ask(client, item_id="item-5", weights={"clip": 1.0}), 422, "unknown_space", "/weights/clip")


@pytest.mark.parametrize(
    ("question", "code", "pointer"),
    [
        ({"limit": 0}, "invalid_request", "/limit"),
        ({"limit": 251}, "invalid_request", "/limit"),
        ({"limit": "24"}, "invalid_request", "/limit"),
        ({"limit": True}, "invalid_request", "/limit"),
        ({"colour": "Red"}, "invalid_request", "/colour"),
        ({"exact": 1}, "invalid_request", "/exact"),
        ({"facets": "color"}, "invalid_request", "/facets"),
        ({"facets": [1]}, "invalid_request", "/facets/0"),
        ({"facets": ["nothing"]}, "unknown_attribute", "/facets"),
        ({"facets": ["title"]}, "unknown_attribute", "/facets"),
        ({"facet_limit": 101}, "invalid_request", "/facet_limit"),
        ({"weights": {"color": -1}}, "invalid_request", "/weights/color"),
        ({"item_id": ""}, "invalid_request", "/item_id"),
        ({"item_id": "x" * 513}, "invalid_request", "/item_id"),
        ({"photo": "sha256:xyz"}, "invalid_request", "/photo"),
        ({"photo_base64": "not base64!"}, "invalid_base64", "/photo_base64"),
        ({"photo_base64": "aGVsbG8"}, "invalid_base64", "/photo_base64"),
        ({"examples": [{"item_id": "item-0", "text": "red"}]}, "ambiguous_query", "/examples/0"),
        ({"examples": [{}]}, "ambiguous_query", "/examples/0"),
        ({"examples": [{"item_id": "item-0", "region": [0, 0, 1, 1]}]}, "invalid_region", "/examples/0/region"),
        ({"examples": [{"item_id": "item-0", "weight": 0}]}, "invalid_query", "/examples"),
        ({"examples": [{"item_id": "item-0", "weight": 1e9}]}, "invalid_request", "/examples/0/weight"),
        ({"examples": [{"upload": 0}]}, "photo_missing", "/examples/0/upload"),
        ({"more_like": ["item-0"] * 65}, "invalid_request", "/more_like"),
        ({"less_like": [f"item-{n}" for n in range(10_000)]}, "invalid_request", "/less_like"),
        ({"item_id": "item-0", "region": [0, 0, 1, 1]}, "ambiguous_region", "/region"),
        ({"text": "  "}, "invalid_query", "/examples/0/text"),
        ({"text": "x" * 1_001}, "invalid_request", "/text"),
        ({"text": "the of and"}, "empty_text", "/examples"),
        ({"examples": [{"text": "red", "weight": -1}]}, "no_text_encoder", "/examples"),
        ({"color": "no such colour"}, "unknown_color", "/color"),
        ({"item_id": "item-0", "tolerance": 5}, "invalid_query", "/tolerance"),
        ({"item_id": "item-0", "min_relevance": 0.5}, "not_calibrated", "/min_relevance"),
        ({"diversity": 0.5}, "nothing_to_rank", "/diversity"),
        ({"collapse_duplicates": True}, "nothing_to_rank", "/collapse_duplicates"),
        ({"facets": ["color"], "facets_over": "nearest"}, "nothing_to_rank", "/facets_over"),
        ({"group_by": "price"}, "unknown_attribute", "/group_by"),
        ({"group_by": "nothing"}, "unknown_attribute", "/group_by"),
        ({"histograms": {"color": 5}}, "unknown_attribute", "/histograms/color"),
        ({"histograms": {"price": 0}}, "invalid_request", "/histograms/price"),
        ({"filter": {"nothing": "x"}}, "unknown_attribute", "/filter/nothing"),
        ({"filter": {"a/b~c": "x"}}, "unknown_attribute", "/filter/a~1b~0c"),
        ({"filter": {"price": "cheap"}}, "invalid_query", "/filter/price"),
        ({"filter": {"color": {"lt": 3}}}, "invalid_query", "/filter/color"),
        ({"filter": {"color": {"$ne": 3}}}, "invalid_query", "/filter/color"),
        ({"filter": {"color": []}}, "invalid_query", "/filter/color"),
        ({"filter": {"color": [["Red"]]}}, "invalid_query", "/filter/color"),
        ({"filter": {"color": None}}, "invalid_query", "/filter/color"),
        ({"filter": ["color"]}, "invalid_request", "/filter"),
        ({"source": "photo"}, "invalid_request", "/source"),
        ({"filter": {"color": "Red"}, "source": "predicted"}, "not_predicted", "/filter/color"),
        ({"filter": {"color": {"any": "Red", "source": "photo"}}}, "invalid_query", "/filter/color"),
        ({"classify": "yes"}, "invalid_request", "/classify"),
        ({"cursor": ""}, "invalid_request", "/cursor"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_pointer(client, question, code, pointer):
    check_problem(ask(client, **question), 422, code, pointer)


def test_every_fault_of_a_question_is_pointed_at(client):
    problem = check_problem(ask(client, limit=0, exact="yes", colour=1), 422, "invalid_request", "/colour")
    assert {fault["pointer"] for fault in problem["errors"]} == {"/limit", "/exact", "/colour"}


@pytest.mark.parametrize(
    ("parameters", "code", "pointer"),
    [
        ("nothing=1", "unknown_attribute", "/nothing"),
        ("limit=0", "invalid_request", "/limit"),
        ("limit=many", "invalid_request", "/limit"),
        ("price_lt=cheap", "invalid_query", "/price"),
        ("price_lt=1&price_lt=2", "invalid_query", "/price_lt"),
        ("color=Red&color_not=Blue", "invalid_query", "/color_not"),
        ("cursor=", "invalid_request", "/cursor"),
        ("cursor=x", "invalid_cursor", "/cursor"),
        ("facet=title", "unknown_attribute", "/facets"),
        ("source=photo", "invalid_request", "/source"),
        ("color=Red&source=predicted", "not_predicted", "/color"),
    ],
)
def test_a_query_string_that_makes_no_sense_is_refused_with_a_pointer(client, parameters, code, pointer):
    check_problem(client.get(f"/v1/items/item-0/similar?{parameters}"), 422, code, pointer)


def test_facets_want_an_attribute(client):
    check_problem(client.get("/v1/facets"), 422, "invalid_request", "/attribute")
    check_problem(client.get("/v1/facets?attribute=color&limit=0"), 422, "invalid_request", "/limit")
    check_problem(client.get("/v1/facets?attribute=title"), 422, "unknown_attribute")


def test_an_item_that_is_not_there_is_404(client):
    check_problem(ask(client, item_id="nobody"), 404, "item_not_found")
    check_problem(client.get("/v1/items/nobody/similar"), 404, "item_not_found")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty_photo"),
        (b"<svg onload=alert(1)>", 415, "unsupported_format"),
        (b"%PDF-1.7 ...", 415, "unsupported_format"),
        (draw_photo(form="PNG")[:200], 422, "unreadable_photo"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 64, 422, "unreadable_photo"),
    ],
)
def test_a_photo_that_cannot_be_read_is_refused_by_its_kind(client, data, status, code):
    check_problem(upload(client, data), status, code)


def test_a_photo_larger_than_the_body_limit_is_413_with_and_without_a_declared_length(make_client):
    client = make_client(max_body_bytes=1_000)
    check_problem(upload(client), 413, "body_too_large")
    chunks = (b"x" * 100 for _ in range(50))
    answer = client.post("/v1/search", content=chunks, headers={"content-type": "application/json"})
    check_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize("size", [(20_000, 10), (9_000, 9_000)])
def test_a_photo_of_too_many_pixels_is_413(client, size):
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("1", size).save(out, "PNG")
    check_problem(upload(client, out.getvalue()), 413, "photo_too_large")


@pytest.mark.parametrize(
    ("files", "form", "code", "pointer"),
    [
        ({"picture": ("p.jpg", PHOTO)}, {}, "unknown_part", "/picture"),
        ({"photo": ("p.jpg", PHOTO)}, {"colour": "Red"}, "unknown_part", "/colour"),
        ({"query": ("q.json", b"{}")}, {"photo": "text"}, "unknown_part", "/photo"),
        ({"query": ("q.json", b"{}")}, {}, "photo_missing", "/photo"),
        ({"photo": ("p.jpg", PHOTO)}, {"query": '{"limit": 0}'}, "invalid_request", "/limit"),
        ({"photo": ("p.jpg", PHOTO)}, {"query": "[]"}, "invalid_request", None),
        ({"photo": ("p.jpg", PHOTO)}, {"query": '{"region": [0.5, 0, 0.4, 1]}'}, "invalid_region", "/region"),
        ({"photo": ("p.jpg", PHOTO)}, {"query": '{"region": [0, 0, 1, 1.5]}'}, "invalid_request", "/region/3"),
        (
            {"photo": ("p.jpg", PHOTO)},
            {"query": '{"examples": [{"upload": 1}]}'},
            "photo_missing",
            "/examples/0/upload",
        ),
    ],
)
def test_a_form_has_one_photo_and_one_question(client, files, form, code, pointer):
    check_problem(client.post("/v1/search", files=files, data=form), 422, code, pointer)


def test_a_form_has_at_most_ten_photos(client):
    many = [("photo", (f"{n}.jpg", PHOTO)) for n in range(11)]
    check_problem(client.post("/v1/search", files=many), 400, "malformed_multipart")


def test_a_broken_form_is_400(client):
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = client.post("/v1/search", content=b"--y\r\nnonsense", headers={"content-type": content_type})
        check_problem(answer, 400, "malformed_multipart")
