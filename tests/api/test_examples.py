"""Questions of several parts over HTTP: photos, items, texts and colours with weights and signs, regions, groups."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import COLORS, draw_photo
from tests.api.problems import check_problem
from tests.api.test_search import PHOTO, ask, ids, upload


def test_words_find_items_and_offer_filters(client):
    answer = ask(client, text="red").json()
    assert answer["query"]["kind"] == "text"
    assert answer["query"]["text"] == "red"
    assert {hit["item"]["color"] for hit in answer["hits"]} == {"Red"}
    assert answer["suggestions"] == [{"attribute": "color", "values": ["Red"], "whole": True}]
    assert [note["code"] for note in answer["notes"]] == ["no_text_encoder"]
    assert answer["hits"][0]["parts"].keys() == {"words"}


def test_several_photos_of_a_form_with_weights_and_signs(client):
    files = [("photo", ("a.jpg", PHOTO)), ("photo", ("b.jpg", draw_photo("Red", "circle", seed=0)))]
    plain = client.post("/v1/search", files=files).json()
    assert [(each["kind"], each["weight"]) for each in plain["query"]["examples"]] == [("photo", 1.0), ("photo", 1.0)]
    question = {"examples": [{"upload": 1, "weight": -0.5}], "limit": 12}
    signed = client.post("/v1/search", files=files, data={"query": json.dumps(question)}).json()
    assert [each["weight"] for each in signed["query"]["examples"]] == [-0.5, 1.0]
    hashes = {each["photo"]: each["weight"] for each in signed["query"]["examples"]}
    again = ask(client, examples=[{"photo": sha, "weight": weight} for sha, weight in hashes.items()], limit=12)
    assert ids(again) == [hit["id"] for hit in signed["hits"]]
    assert [hit["id"] for hit in signed["hits"]] != [hit["id"] for hit in plain["hits"]]


def test_less_like_puts_items_away_and_like_it_last(client):
    plain = ids(ask(client, item_id="item-5", limit=12))
    less = ids(ask(client, item_id="item-5", less_like=[plain[0]], limit=12))
    assert plain[0] not in less
    assert sorted(less) == sorted(set(plain) - {plain[0]})
    check_problem(ask(client, less_like=["item-5", "nobody"]), 404, "item_not_found")


def test_a_region_is_looked_at_alone_also_of_a_photo_sent_before(client):
    whole = upload(client).json()
    sha256 = whole["query"]["photo"]
    same = ask(client, photo=sha256, region=[0, 0, 1, 1]).json()
    assert [hit["id"] for hit in same["hits"]] == [hit["id"] for hit in whole["hits"]]
    corner = ask(client, photo=sha256, region=[0, 0, 0.1, 0.1]).json()
    assert corner["query"]["region"] == [0, 0, 0.1, 0.1]
    assert corner["query"]["photo"] == sha256
    assert corner["took_ms"]["embed"] > 0
    assert corner["hits"][0]["score"] < whole["hits"][0]["score"]
    twice = ask(client, photo=sha256, region=[0, 0, 0.1, 0.1]).json()
    assert twice["took_ms"]["embed"] == 0  # kept
    assert twice["hits"] == corner["hits"]
    assert ask(client, photo=sha256).json()["hits"] == whole["hits"]


def test_a_cursor_belongs_to_its_examples(client):
    first = ask(client, item_id="item-5", less_like=["item-0"], limit=3).json()
    cursor = first["next_cursor"]
    second = ask(client, item_id="item-5", less_like=["item-0"], limit=3, cursor=cursor).json()
    assert not {hit["id"] for hit in first["hits"]} & {hit["id"] for hit in second["hits"]}
    for other in (
        {"item_id": "item-5"},
        {"item_id": "item-5", "less_like": ["item-0"], "diversity": 0.5},
        {"item_id": "item-5", "less_like": ["item-0"], "group_by": "color"},
        {"item_id": "item-5", "less_like": ["item-0"], "text": "red"},
    ):
        check_problem(ask(client, cursor=cursor, **other), 422, "foreign_cursor", "/cursor")


def test_groups_histograms_and_facets_over_the_nearest(client):
    answer = ask(client, item_id="item-5", group_by="color", facets=["color"], facets_over="nearest").json()
    assert sorted(hit["group"] for hit in answer["hits"]) == sorted(COLORS)
    assert answer["groups"] == len(COLORS)
    assert answer["facets_over"] == "nearest"
    assert sum(each["count"] for each in answer["facets"]["color"]) == len(COLORS)
    bins = ask(client, histograms={"price": 4}).json()["histograms"]["price"]
    assert len(bins) == 4
    assert sum(each["count"] for each in bins) == 12
    assert [each["start"] for each in bins[1:]] == [each["end"] for each in bins[:-1]]


def test_a_color_nobody_knows_or_a_space_that_cannot_take_it_is_refused(client):
    check_problem(ask(client, color="blurple grn"), 422, "unknown_color", "/color")
    # The colour space of these tests is a few pixels, not the measured one.
    check_problem(ask(client, color="navy"), 422, "no_embedding", "/examples")


@pytest.mark.parametrize("diversity", [0.3, 0.9])
def test_a_diverse_answer_has_the_same_items_in_another_order(client, diversity):
    plain = ids(ask(client, item_id="item-5", limit=12))
    varied = ids(ask(client, item_id="item-5", diversity=diversity, limit=12))
    assert sorted(varied) == sorted(plain)
    assert varied[0] == plain[0]
