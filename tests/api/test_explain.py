"""Why an item is a hit, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from search.catalogue import Catalogue
from tests.api.conftest import draw_photo
from tests.api.problems import check_problem
from tests.api.test_classify import switch

PHOTO = draw_photo("Blue", "square", seed=5)
NAME = f"sha256:{hashlib.sha256(PHOTO).hexdigest()}"


def explain(client, **question):
    return client.post("/v1/explain", json=question)


def explain_file(client, data=PHOTO, **question):
    form = {"query": json.dumps(question)}
    return client.post("/v1/explain", files={"photo": ("p.jpg", data, "image/jpeg")}, data=form)


def test_an_explanation_is_that_of_the_search(classifying_client):
    found = classifying_client.post("/v1/search", json={"item_id": "item-0", "limit": 5}).json()
    for hit in found["hits"]:
        body = explain(classifying_client, item_id="item-0", hit_id=hit["id"]).json()
        assert body["score"] == pytest.approx(hit["score"], abs=1e-5)
        assert sum(part["contribution"] for part in body["parts"]) == pytest.approx(body["score"], abs=1e-9)
        assert {part["space"]: part["cosine"] for part in body["parts"]} == pytest.approx(hit["parts"], abs=1e-5)
        assert {part["space"]: part["weight"] for part in body["parts"]} == pytest.approx(found["weights"])
        assert body["hit_photo"] == hit["photo"]


def test_an_explanation_has_the_documented_shape(classifying_client):
    answer = explain_file(classifying_client, hit_id="item-3")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["item_id"], body["photo"], body["region"], body["hit_id"]) == (None, NAME, None, "item-3")
    (color,) = body["attributes"]
    assert (color["name"], color["agrees"], color["shared"]) == ("color", False, [])
    assert color["asked"]["source"] == "predicted"
    assert color["found"] == {"values": ["Red"], "source": "merchant", "confidence": None}
    assert body["colors"]["main"] > 30
    assert sum(each["share"] for each in body["colors"]["found"]) == pytest.approx(1, abs=0.001)
    assert body["asked_heat"]["of"] == "photo"
    assert body["found_heat"]["of"] == "thumbnail"
    assert body["notes"] == []


def test_heat_is_told_as_numbers_and_as_a_picture(classifying_client):
    body = explain(classifying_client, item_id="item-0", hit_id="item-6").json()
    for side in (body["asked_heat"], body["found_heat"]):
        assert [each["space"] for each in side["maps"]] == ["shape", "color", "classifier"]
        for each in side["maps"]:
            values = np.array(each["values"])
            assert values.shape == (each["rows"], each["columns"])
            if each["kind"] == "parts":
                assert values.sum() == pytest.approx(each["cosine"], abs=1e-3)
            assert each["cosine"] == pytest.approx(each["stored_cosine"], abs=0.02)
        head, _, data = side["overlay_url"].partition(",")
        assert head == "data:image/png;base64"
        assert len(data) < 30_000
        assert max(Image.open(io.BytesIO(base64.b64decode(data))).size) == 240


def test_heat_is_left_out_on_request(classifying_client):
    body = explain(classifying_client, item_id="item-0", hit_id="item-6", heat=False).json()
    assert body["asked_heat"] is None
    assert body["found_heat"] is None
    assert body["colors"] is not None


def test_an_item_explains_itself(classifying_client):
    body = explain(classifying_client, item_id="item-0", hit_id="item-0").json()
    assert body["score"] == pytest.approx(1, abs=1e-5)
    assert all(pair["agrees"] for pair in body["attributes"])
    assert body["colors"]["main"] == 0


def test_a_region_of_a_kept_photo_is_explained(classifying_client):
    assert explain_file(classifying_client, hit_id="item-5").status_code == 200
    body = explain(classifying_client, photo=NAME, region=[0.3, 0.3, 0.7, 0.7], hit_id="item-5").json()
    assert body["region"] == [0.3, 0.3, 0.7, 0.7]
    assert body["asked_heat"]["of"] == "region"
    assert body["colors"]["asked"][0]["share"] > 0.99


def test_weights_are_those_of_the_search(classifying_client):
    body = explain(classifying_client, item_id="item-0", hit_id="item-1", weights={"color": 2}).json()
    assert [part["space"] for part in body["parts"]] == ["color"]
    assert body["score"] == pytest.approx(body["parts"][0]["cosine"])
    unknown = explain(classifying_client, item_id="item-0", hit_id="item-1", weights={"shoe": 1})
    check_problem(unknown, 422, "unknown_space", "/weights/shoe")


def test_a_kept_photo_is_tagged_by_the_classifier_that_is_live(make_client, own_classified_catalogue):
    client = make_client(catalogue=own_classified_catalogue)
    assert explain_file(client, hit_id="item-5").status_code == 200
    switch(own_classified_catalogue)
    body = explain(client, photo=NAME, hit_id="item-5").json()
    assert {part["space"]: part["cosine"] for part in body["parts"]}["classifier"] == pytest.approx(1, abs=1e-3)


def test_a_text_is_explained_by_words_where_no_encoder_is(client):
    body = explain(client, text="red circles for you", hit_id="item-0").json()
    assert (body["text"], body["item_id"], body["photo"]) == ("red circles for you", None, None)
    assert body["words"] == ["red", "circles"]
    assert (body["score"], body["parts"], body["found_heat"]) == (0, [], None)
    assert [note["code"] for note in body["notes"]] == ["no_text_encoder"]
    assert explain(client, item_id="item-1", hit_id="item-0").json()["words"] == []


def test_a_text_is_explained_by_its_embedding(client, monkeypatch):
    vector = np.zeros(192, np.float32)
    vector[:96] = 2
    monkeypatch.setattr(Catalogue, "embed_text", lambda self, text: {"shape": vector})
    found = client.post("/v1/search", json={"text": "red", "weights": {"words": 0, "shape": 1}}).json()
    for hit in found["hits"]:
        body = explain(client, text="red", weights={"shape": 1}, hit_id=hit["id"]).json()
        assert body["score"] == pytest.approx(hit["score"], abs=1e-5)
        assert [part["space"] for part in body["parts"]] == ["shape"]
        assert body["asked_heat"] is None
        assert body["found_heat"]["overlay_url"].startswith("data:image/png")


def test_without_a_classifier_nothing_is_said_of_a_photo(client):
    body = explain_file(client, hit_id="item-5").json()
    assert body["attributes"] == []
    assert [part["space"] for part in body["parts"]] == ["shape", "color"]


def test_what_is_not_there_is_not_found(client):
    check_problem(explain(client, item_id="item-0", hit_id="nobody"), 404, "item_not_found")
    check_problem(explain(client, item_id="nobody", hit_id="item-0"), 404, "item_not_found")
    check_problem(explain(client, item_id="item-0", hit_id="item-1", photo_index=7), 404, "photo_not_found")
    check_problem(explain(client, photo="sha256:" + "0" * 64, hit_id="item-0"), 404, "photo_expired")


def test_a_question_that_makes_no_sense_is_refused(client):
    check_problem(explain(client, hit_id="item-0"), 422, "photo_missing")
    check_problem(explain(client, item_id="item-0", photo=NAME, hit_id="item-0"), 422, "ambiguous_query")
    check_problem(explain_file(client, item_id="item-0", hit_id="item-1"), 422, "ambiguous_query", "/item_id")
    check_problem(explain(client, item_id="item-0"), 422, "invalid_request", "/hit_id")
    check_problem(explain(client, item_id="item-0", hit_id="x" * 600), 422, "invalid_request", "/hit_id")
    check_problem(explain(client, item_id="item-0", hit_id="item-1", photo_index=-1), 422, "invalid_request")
    check_problem(explain(client, item_id="item-0", hit_id="item-1", weights={"color": 0}), 422, "invalid_query")
    for about in ({"item_id": "item-0"}, {"text": "red"}):
        region = explain(client, **about, hit_id="item-1", region=[0, 0, 1, 1])
        check_problem(region, 422, "invalid_region", "/region")
    check_problem(explain(client, item_id="item-0", text="red", hit_id="item-1"), 422, "ambiguous_query")
    check_problem(explain(client, text="x" * 2**16, hit_id="item-1"), 422, "invalid_request", "/text")
    check_problem(explain(client, text="   ", hit_id="item-1"), 422, "invalid_query")
