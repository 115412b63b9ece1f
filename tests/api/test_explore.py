"""`/v1/looks` and `/v1/map`: what `vitrine looks` and `vitrine map` left, and what is said before they have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from api.item_paths import encode_item_path
from indexer.explore.axes import parse_axis
from indexer.explore.catalogue_map import MapQuestion, make_map
from indexer.explore.looks import find_looks
from indexer.explore.projection import Method
from indexer.explore.saved_looks import FILE_NAME, save_looks
from indexer.explore.saved_map import save_map
from indexer.explore.vectors import read_table
from tests.api.conftest import OTHER_TAGGER, build_catalogue
from tests.api.problems import check_problem


def keep_looks(catalogue, count=3):
    manifest = catalogue.manifest
    table = read_table(catalogue.store, manifest, (), space="color", limit=100)
    looks = find_looks(table, manifest.attributes, count=count)
    save_looks(looks, catalogue.folder)
    return looks


def keep_map(catalogue, **question):
    made = make_map(catalogue, MapQuestion(**{"method": Method.PCA, **question}), embed_text=catalogue.embed_text)
    save_map(made, catalogue.manifest.attributes, catalogue.folder, color_by="product_type")
    return made


@pytest.fixture(scope="module")
def kept_catalogue(tmp_path_factory):
    """A catalogue with three looks and a map, for tests that write nothing."""
    catalogue = build_catalogue(tmp_path_factory.mktemp("kept"))
    keep_looks(catalogue)
    keep_map(catalogue, axes=(parse_axis("color=Red..Blue"),))
    yield catalogue
    catalogue.close()


@pytest.fixture
def explored(make_client, kept_catalogue):
    """A client of it."""
    return make_client(catalogue=kept_catalogue)


@pytest.fixture
def own_explored(make_client, own_catalogue):
    """A client of a catalogue with three looks, for one test to write."""
    keep_looks(own_catalogue)
    return make_client(catalogue=own_catalogue)


def test_before_they_are_made_the_way_to_make_them_is_said(writing_client):
    for path, code, command in [
        ("/v1/looks", "no_looks", "vitrine looks"),
        ("/v1/looks/1", "no_looks", "vitrine looks"),
        ("/v1/map", "no_map", "vitrine map"),
    ]:
        answer = writing_client.get(path)
        problem = check_problem(answer, 404, code)
        assert command in problem["detail"]


def test_looks_are_listed_with_names_and_covers(explored):
    answer = explored.get("/v1/looks").json()
    assert (answer["items"], answer["stale"], len(answer["looks"])) == (12, False, 3)
    assert {look["name"].split()[0] for look in answer["looks"]} == {"Red", "Green", "Blue"}
    for number, look in enumerate(answer["looks"], 1):
        assert (look["number"], look["size"], look["url"]) == (number, 4, f"/v1/looks/{number}")
        assert explored.get(look["cover"]["url"]).headers["content-type"] == "image/jpeg"
        told = look["traits"][0]
        assert (told["attribute"], told["value"]) == ("color", look["name"].split()[0])
        assert (told["inside"], told["outside"]) == (1, 0)
        assert told["weight"] > 1


def test_a_look_has_its_items_page_by_page_and_a_question_for_more(explored):
    name = explored.get("/v1/looks").json()["looks"][0]["name"].split()[0]
    first = explored.get("/v1/looks/1", params={"limit": 3}).json()
    assert first["next_offset"] == 3
    second = explored.get("/v1/looks/1", params={"limit": 3, "offset": 3}).json()
    assert second["next_offset"] is None
    items = first["items"] + second["items"]
    assert len({item["id"] for item in items}) == first["look"]["size"] == 4
    assert {item["item"]["color"] for item in items} == {name}
    assert items[0]["id"] == first["look"]["cover_id"]
    found = explored.post("/v1/search", json={**first["search"], "limit": 3, "filter": {"year": {"gte": 2010}}})
    assert found.status_code == 200, found.text
    assert found.json()["total"]["value"] == 12
    assert explored.get("/v1/looks/1", params={"offset": 100}).json()["items"] == []


def test_a_deleted_item_is_left_out_of_its_look(own_explored):
    look = own_explored.get("/v1/looks/2").json()
    gone = look["items"][1]["id"]
    assert own_explored.delete(encode_item_path(f"/v1/items/{gone}")).status_code == 204
    after = own_explored.get("/v1/looks/2").json()
    assert [item["id"] for item in after["items"]] == [item["id"] for item in look["items"] if item["id"] != gone]
    assert {"item_id": gone} not in after["search"]["examples"]
    assert len(after["search"]["examples"]) == 3


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/looks/4", 404, "look_not_found"),
        ("/v1/looks/0", 422, "invalid_request"),
        ("/v1/looks/501", 422, "invalid_request"),
        ("/v1/looks/one", 422, "invalid_request"),
        ("/v1/looks/1?limit=0", 422, "invalid_request"),
        ("/v1/looks/1?limit=251", 422, "invalid_request"),
        ("/v1/looks/1?offset=-1", 422, "invalid_request"),
        ("/v1/map?limit=0", 422, "invalid_request"),
        ("/v1/map?limit=5001", 422, "invalid_request"),
        ("/v1/map?color_by=hue", 422, "unknown_attribute"),
        ("/v1/map?color_by=title", 422, "unknown_attribute"),
        ("/v1/map?hue=Red", 422, "unknown_attribute"),
        ("/v1/map?price=cheap", 422, "invalid_query"),
        ("/v1/map?source=anyone", 422, "invalid_request"),
    ],
)
def test_what_makes_no_sense_is_a_problem(explored, path, status, code):
    check_problem(explored.get(path), status, code)


def test_the_map_has_every_item_within_the_unit_square(explored):
    answer = explored.get("/v1/map").json()
    assert (answer["total"], answer["method"], answer["color_by"], answer["stale"]) == (
        12,
        "axes",
        "product_type",
        False,
    )
    assert answer["x_axis"] == {"low": "color Red", "high": "color Blue"}
    assert answer["y_axis"] == {"low": None, "high": None}
    assert 0 <= answer["trustworthiness"] <= 1
    for axis in ("x", "y"):
        values = [point[axis] for point in answer["points"]]
        assert (min(values), max(values)) == (0, 1)
    assert {point["value"] for point in answer["points"]} == {"circle", "square"}
    assert explored.get(answer["points"][5]["photo_url"]).status_code == 200


def test_the_map_can_be_filtered_coloured_and_thinned_out(explored):
    red = explored.get("/v1/map", params={"color": "Red", "color_by": "color"}).json()
    assert (red["total"], {point["value"] for point in red["points"]}) == (4, {"Red"})
    assert max(point["x"] for point in red["points"]) < 0.5  # red is to the left, on the whole map's scale
    some = explored.get("/v1/map", params={"price_lt": 15, "limit": 3}).json()
    assert (some["total"], len(some["points"])) == (5, 3)
    assert explored.get("/v1/map", params={"color": "Mauve"}).json()["points"] == []


def test_predicted_values_fill_in(make_client, own_classified_catalogue):
    keep_map(own_classified_catalogue)
    client = make_client(catalogue=own_classified_catalogue)
    colors = [point["value"] for point in client.get("/v1/map?color_by=color").json()["points"]]
    assert set(colors) == {"Red", "Green", "Blue"}  # six of the twelve are only seen
    assert client.get("/v1/map?color=Red&source=merchant").json()["total"] == 2
    assert client.get("/v1/map?color=Red").json()["total"] == 4


def test_another_classifier_makes_them_stale(make_client, own_classified_catalogue):
    catalogue = own_classified_catalogue
    keep_looks(catalogue)
    keep_map(catalogue)
    client = make_client(catalogue=catalogue)
    assert not client.get("/v1/looks").json()["stale"]
    catalogue.store.prepare_space(OTHER_TAGGER.space)
    catalogue.adopt_classifier(OTHER_TAGGER.record, OTHER_TAGGER.space, catalogue.manifest.weights)
    for path in ("/v1/looks", "/v1/looks/1", "/v1/map"):
        assert client.get(path).json()["stale"]


def test_new_looks_show_at_once(own_explored, own_catalogue):
    assert len(own_explored.get("/v1/looks").json()["looks"]) == 3
    keep_looks(own_catalogue, count=2)
    assert len(own_explored.get("/v1/looks").json()["looks"]) == 2


def test_a_damaged_file_is_a_fault_of_the_set_up(own_explored, own_catalogue):
    path: Path = own_catalogue.folder / FILE_NAME
    path.write_text("{")
    os.utime(path)
    problem = check_problem(own_explored.get("/v1/looks"), 500, "damaged_file")
    assert str(path) not in problem["detail"]
