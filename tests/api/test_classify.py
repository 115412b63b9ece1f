"""What is seen in a photo: asked for alone, and along with a search; and two classifiers, one after the other."""

from __future__ import annotations

import base64
import hashlib
import json

import numpy as np
import pytest

from api.query_photos import QueryPhoto
from tests.api.conftest import OTHER_TAGGER, TAGGER, draw_photo
from tests.api.problems import check_problem

PHOTO = draw_photo("Blue", "square", seed=5)
NAME = f"sha256:{hashlib.sha256(PHOTO).hexdigest()}"


def classify(client, data=PHOTO):
    return client.post("/v1/classify", files={"photo": ("p.jpg", data, "image/jpeg")})


def search(client, data=PHOTO, **question):
    form = {"query": json.dumps(question)}
    return client.post("/v1/search", files={"photo": ("p.jpg", data, "image/jpeg")}, data=form)


def draw_strange():
    """A photo in a colour the catalogue does not have."""
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (300, 300), (250, 240, 60)).save(out, "PNG")
    return out.getvalue()


def test_a_photo_is_classified_in_the_documented_shape(classifying_client):
    answer = classify(classifying_client)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["photo"] == NAME
    assert body["photo_url"] == f"/v1/photos/{NAME.removeprefix('sha256:')}"
    assert body["item_id"] is None
    color = body["attributes"]["color"]
    assert color["accepted"] == ["Blue"]
    assert color["abstained"] is False
    assert color["values"][0]["value"] == "Blue"
    sure = [each["confidence"] for each in color["values"]]
    assert len(sure) == 3
    assert sure == sorted(sure, reverse=True)
    assert 0.9 < sure[0] <= 1
    assert body["out_of_catalogue"] < 0.1
    assert body["outside"] is False
    assert body["model"] == TAGGER.version
    took = body["took_ms"]
    assert min(took["decode"], took["embed"], took["classify"]) > 0
    assert took["decode"] + took["embed"] + took["classify"] <= took["total"]


def test_every_form_of_the_question_has_the_same_answer(classifying_client):
    first = classify(classifying_client).json()
    encoded = {"photo_base64": base64.b64encode(PHOTO).decode()}
    for question in (encoded, {"photo": first["photo"]}):
        again = classifying_client.post("/v1/classify", json=question).json()
        assert {**again, "took_ms": None} == {**first, "took_ms": None}
    assert again["took_ms"]["decode"] == again["took_ms"]["embed"] == again["took_ms"]["classify"] == 0
    # And what was classified can be searched with.
    found = classifying_client.post("/v1/search", json={"photo": first["photo"]}).json()
    assert found["hits"][0]["id"] == "item-5"
    assert found["took_ms"]["embed"] == 0


def test_an_item_gives_what_was_seen_when_it_was_written(classifying_client):
    body = classifying_client.post("/v1/classify", json={"item_id": "item-8"}).json()
    assert (body["item_id"], body["photo"], body["model"]) == ("item-8", None, TAGGER.version)
    assert body["attributes"]["color"]["accepted"] == ["Blue"]
    assert body["out_of_catalogue"] is None
    item = classifying_client.get("/v1/items/item-8").json()
    assert item["predicted"] == body["attributes"]
    assert item["model"] == TAGGER.version
    assert "color" not in item["item"], "what is seen is kept apart from what the shop says"


def test_what_is_of_no_kind_here_is_said_and_not_refused(classifying_client):
    body = classify(classifying_client, draw_strange()).json()
    assert body["outside"] is True
    assert body["out_of_catalogue"] > 0.9
    assert body["attributes"]["color"]["abstained"] is True
    assert body["attributes"]["color"]["accepted"] == []
    assert len(body["attributes"]["color"]["values"]) == 3
    found = search(classifying_client, draw_strange()).json()
    assert len(found["hits"]) == 12
    assert found["query"]["outside"] is True
    assert found["query"]["out_of_catalogue"] == body["out_of_catalogue"]


def test_a_search_says_what_is_seen_from_the_same_forward_pass(classifying_client, classified_catalogue):
    alone = classify(classifying_client).json()
    shape = classified_catalogue.embedder.load()[0]
    before = shape.embedded
    answer = search(classifying_client, draw_photo("Green"), classify=True).json()
    assert shape.embedded == before + 1
    assert answer["query"]["attributes"]["color"]["accepted"] == ["Green"]
    assert answer["took_ms"]["classify"] > 0
    plain = search(classifying_client).json()
    assert plain["query"]["attributes"] is None
    assert plain["query"]["out_of_catalogue"] == alone["out_of_catalogue"]
    assert plain["query"]["model"] == TAGGER.version
    kept = classifying_client.post("/v1/search", json={"photo": NAME, "classify": True}).json()
    assert kept["query"]["attributes"] == alone["attributes"]
    assert shape.embedded == before + 2
    browsed = classifying_client.post("/v1/search", json={"classify": True}).json()
    assert (browsed["query"]["attributes"], browsed["query"]["out_of_catalogue"]) == (None, None)


def test_hits_carry_what_is_seen_apart_from_what_the_shop_says(classifying_client):
    hits = search(classifying_client).json()["hits"]
    assert {hit["model"] for hit in hits} == {TAGGER.version}
    for hit in hits:
        number = int(hit["id"].removeprefix("item-"))
        assert hit["predicted"]["color"]["accepted"] == [("Red", "Green", "Blue")[number % 3]]
        assert ("color" in hit["item"]) == (number < 6)
    assert hits[0]["parts"].keys() == {"shape", "color", "classifier"}


@pytest.mark.parametrize(
    ("source", "numbers"), [("merchant", {0, 3}), ("predicted", {0, 3, 6, 9}), ("either", {0, 3, 6, 9})]
)
def test_filters_and_facets_go_by_the_source_asked_for(classifying_client, source, numbers):
    client = classifying_client
    ids = {f"item-{number}" for number in numbers}
    found = client.post("/v1/search", json={"filter": {"color": "Red"}, "source": source, "facets": ["color"]}).json()
    assert {hit["id"] for hit in found["hits"]} == ids
    counts = {each["value"]: each["count"] for each in found["facets"]["color"]}
    assert counts == dict.fromkeys(("Red", "Green", "Blue"), len(ids))
    for path in ("/v1/items/item-1/similar?facet=color&", "/v1/facets?attribute=color&"):
        answer = client.get(f"{path}color=Red&source={source}").json()
        assert answer["total"]["value"] == len(ids)
        assert {each["value"]: each["count"] for each in answer["facets"]["color"]} == counts


def test_the_source_is_either_where_nobody_says_and_a_condition_may_say_its_own(classifying_client):
    client = classifying_client
    assert client.post("/v1/search", json={"filter": {"color": "Red"}}).json()["total"]["value"] == 4
    assert client.get("/v1/facets?attribute=color&color=Red").json()["total"]["value"] == 4
    own = {"color": {"any": ["Red"], "source": "merchant"}, "product_type": "circle"}
    assert client.post("/v1/search", json={"filter": own}).json()["total"]["value"] == 1
    problem = client.post("/v1/search", json={"filter": {"product_type": "circle"}, "source": "predicted"})
    check_problem(problem, 422, "not_predicted", "/filter/product_type")


def test_a_cursor_of_one_source_is_foreign_to_another(classifying_client):
    question = {"filter": {"color": "Red"}, "limit": 1}
    first = classifying_client.post("/v1/search", json=question).json()
    again = {**question, "cursor": first["next_cursor"]}
    assert classifying_client.post("/v1/search", json=again).status_code == 200
    check_problem(classifying_client.post("/v1/search", json={**again, "source": "predicted"}), 422, "foreign_cursor")


def test_info_names_the_classifier(classifying_client):
    info = classifying_client.get("/v1/info").json()
    assert info["classifier"] == {
        "version": TAGGER.version,
        "attributes": {"color": {"labels": 3, "multi_valued": False}},
    }
    assert [encoder["name"] for encoder in info["encoders"]] == ["shape", "color"]
    assert "color" in info["facets"]


def test_without_a_classifier_it_is_said_how_to_get_one(client):
    problem = check_problem(classify(client), 404, "no_classifier")
    assert "vitrine train heads" in problem["detail"]
    check_problem(client.post("/v1/classify", json={"item_id": "item-0"}), 404, "no_classifier")
    check_problem(search(client, classify=True), 404, "no_classifier")
    assert search(client).status_code == 200


def test_an_item_no_classifier_has_seen_is_said(make_client, own_catalogue):
    own_catalogue.store.prepare_space(TAGGER.space)
    own_catalogue.adopt_classifier(TAGGER.record, TAGGER.space, {"shape": 0.5, "color": 0.5})
    client = make_client(catalogue=own_catalogue)
    check_problem(client.post("/v1/classify", json={"item_id": "item-0"}), 404, "not_classified")
    item = client.get("/v1/items/item-0").json()
    assert (item["predicted"], item["model"]) == ({}, None)


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ({}, 422, "photo_missing"),
        ({"item_id": "nobody"}, 404, "item_not_found"),
        ({"item_id": "item-0", "photo": "sha256:" + "0" * 64}, 422, "ambiguous_query"),
        ({"photo": "sha256:" + "0" * 64}, 404, "photo_expired"),
        ({"photo": "abc"}, 422, "invalid_request"),
        ({"photo_base64": "no base64!"}, 422, "invalid_base64"),
        ({"limit": 3}, 422, "invalid_request"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(classifying_client, question, status, code):
    check_problem(classifying_client.post("/v1/classify", json=question), status, code)


def test_a_form_has_one_photo_that_can_be_read(classifying_client):
    check_problem(classify(classifying_client, b"<svg>"), 415, "unsupported_format")
    two = [("photo", ("a.jpg", PHOTO)), ("photo", ("b.jpg", PHOTO))]
    check_problem(classifying_client.post("/v1/classify", files=two), 400, "malformed_multipart")
    files = {"photo": ("p.jpg", PHOTO)}
    check_problem(classifying_client.post("/v1/classify", files=files, data={"query": "{}"}), 422, "unknown_part")
    check_problem(classifying_client.post("/v1/classify", content=b"x"), 415, "unsupported_media_type")


def test_a_photo_kept_from_another_classifier_is_tagged_again_and_vectors_are_never_mixed(
    make_client, own_classified_catalogue
):
    catalogue = own_classified_catalogue
    client = make_client(catalogue=catalogue)
    before = search(client, classify=True).json()
    assert before["hits"][0]["parts"]["classifier"] == pytest.approx(1, abs=1e-5)
    switch(catalogue)
    shape = catalogue.embedder.load()[0]
    embedded = shape.embedded
    after = client.post("/v1/search", json={"photo": NAME, "classify": True}).json()
    assert shape.embedded == embedded, "the pools that were kept are enough"
    assert after["query"]["model"] == OTHER_TAGGER.version
    assert after["query"]["attributes"] == before["query"]["attributes"]
    # The vectors of the two are turned against each other: compared with the wrong ones it would not find itself.
    assert after["hits"][0]["id"] == "item-5"
    assert after["hits"][0]["parts"]["classifier"] == pytest.approx(1, abs=1e-5)
    assert after["hits"][0]["model"] == OTHER_TAGGER.version
    kept = client.app.state.backend.photos.read(NAME.removeprefix("sha256:"))
    assert kept.tagging.model == OTHER_TAGGER.version
    assert client.post("/v1/classify", json={"photo": NAME}).json()["model"] == OTHER_TAGGER.version


def test_a_classifier_that_changes_while_a_photo_is_under_way_does_not_meet_its_vector(
    make_client, own_classified_catalogue, monkeypatch
):
    catalogue = own_classified_catalogue
    embed = catalogue.embed_photo

    def embed_and_switch(data, region=None):
        embedded = embed(data, region)
        switch(catalogue)
        return embedded

    monkeypatch.setattr(catalogue, "embed_photo", embed_and_switch)
    answer = search(make_client(catalogue=catalogue)).json()
    assert answer["query"]["model"] == OTHER_TAGGER.version
    assert answer["hits"][0]["parts"]["classifier"] == pytest.approx(1, abs=1e-5)


def test_a_kept_photo_without_its_classifier_is_only_what_the_encoders_made_of_it(classified_catalogue):
    photo = QueryPhoto.from_embedded(classified_catalogue.embed_photo(PHOTO))
    assert photo.tag(TAGGER) is photo
    assert photo.embeddings.keys() == {"shape", "color", "classifier"}
    bare = photo.tag(None)
    assert (bare.embeddings.keys(), bare.tagging) == ({"shape", "color"}, None)
    again = bare.tag(TAGGER)
    np.testing.assert_array_equal(again.embeddings["classifier"], photo.embeddings["classifier"])


def switch(catalogue):
    """Tag every item with the other classifier and make it the live one, as `vitrine tag` does."""
    catalogue.store.prepare_space(OTHER_TAGGER.space)
    taggings = {}
    for number in range(12):
        photo = draw_photo(("Red", "Green", "Blue")[number % 3], ("circle", "square")[number % 2], seed=number)
        pools = catalogue.embedder.pool([catalogue.embedder.prepare(photo).prepared])
        [taggings[f"item-{number}", 0]] = OTHER_TAGGER.tag(pools)
    catalogue.store.write_taggings(taggings, OTHER_TAGGER.space)
    catalogue.adopt_classifier(OTHER_TAGGER.record, OTHER_TAGGER.space, catalogue.manifest.weights)
