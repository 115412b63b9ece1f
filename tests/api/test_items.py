"""Writing, reading and removing items; ids of every kind; thumbnails."""

from __future__ import annotations

import io
import json
from urllib.parse import quote

import pytest
from PIL import Image

from tests.api.conftest import draw_photo, write_item
from tests.api.problems import check_problem

ODD_IDS = (
    "a/b",
    "a/b/similar",
    "x/photo",
    "/photo",
    "/",
    "a//b",
    "../../etc/passwd",
    "a?b#c",
    "100% wool",
    "%2F",
    "Größe 42 ☃ 👕",
    "<script>alert(1)</script>",
    "a b+c&d=e;f",
    "' OR 1=1 --",
    "similar",
    "photo",
)


def put(client, item_id, item=None, photos=()):
    files = [("photo", (f"{n}.jpg", data, "image/jpeg")) for n, data in enumerate(photos)]
    files.append(("item", (None, json.dumps(item or {}))))
    return client.put(f"/v1/items/{quote(item_id, safe='')}", files=files)


def test_an_item_is_created_updated_and_unchanged(writing_client):
    client, photo = writing_client, draw_photo("Green", seed=17)
    first = put(client, "new", {"title": "New", "color": "Green", "price": 5}, [photo])
    assert (first.status_code, first.json()) == (201, {"id": "new", "outcome": "created"})
    assert first.headers["location"] == "/v1/items/new"
    again = put(client, "new", {"title": "New", "color": "Green", "price": 5}, [photo])
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    priced = client.put("/v1/items/new", json={"id": "new", "title": "New", "color": "Green", "price": 6.5})
    assert (priced.status_code, priced.json()["outcome"]) == (200, "updated")
    stored = client.get("/v1/items/new").json()
    assert stored["item"]["price"] == 6.5
    assert stored["spaces"] == ["shape", "color"]
    found = client.post("/v1/search", files={"photo": ("p.jpg", photo)}).json()
    assert (found["hits"][0]["id"], found["total"]["value"]) == ("new", 13)


def test_a_new_attribute_can_be_filtered_by(writing_client):
    put(writing_client, "new", {"title": "New", "season": "winter", "tags": ["a", "b"]}, [draw_photo()])
    found = writing_client.post("/v1/search", json={"filter": {"season": "winter", "tags": "b"}}).json()
    assert [hit["id"] for hit in found["hits"]] == ["new"]
    assert found["hits"][0]["item"]["tags"] == ["a", "b"]


def test_a_removed_item_is_gone_everywhere(writing_client):
    client = writing_client
    gone = client.delete("/v1/items/item-3")
    assert (gone.status_code, gone.content) == (204, b"")
    check_problem(client.delete("/v1/items/item-3"), 404, "item_not_found")
    check_problem(client.get("/v1/items/item-3"), 404, "item_not_found")
    check_problem(client.get("/v1/items/item-3/photo"), 404, "item_not_found")
    check_problem(client.get("/v1/items/item-3/similar"), 404, "item_not_found")
    assert client.get("/v1/info").json()["items"] == 11
    assert "item-3" not in [hit["id"] for hit in client.post("/v1/search", json={}).json()["hits"]]


def test_any_id_can_be_written_read_asked_about_shown_and_removed(writing_client):
    client = writing_client
    for item_id in ODD_IDS:
        path = f"/v1/items/{quote(item_id, safe='')}"
        answer = put(client, item_id, {"title": item_id}, [draw_photo("Red", seed=3)])
        assert answer.status_code == 201, (item_id, answer.text)
        assert answer.headers["location"] == path
        assert client.get(path).json()["item"] == {
            "id": item_id,
            "title": item_id,
            "image_link": client.get(path).json()["item"]["image_link"],
        }
        similar = client.get(f"{path}/similar?limit=1")
        assert similar.json()["query"]["item_id"] == item_id, similar.text
        url = client.get(path).json()["photo"]["url"]
        assert client.get(url).headers["content-type"] == "image/jpeg"
        assert url.startswith(path + "/photo?")
    for item_id in ODD_IDS:
        assert client.delete(f"/v1/items/{quote(item_id, safe='')}").status_code == 204
    assert client.get("/v1/info").json()["items"] == 12


def test_an_id_with_bare_slashes_works_where_nothing_is_ambiguous(writing_client, own_catalogue):
    write_item(own_catalogue, "shoes/red/1", title="Shoe")
    assert writing_client.get("/v1/items/shoes/red/1").json()["id"] == "shoes/red/1"
    assert writing_client.get("/v1/items/shoes/red/1/similar").json()["query"]["item_id"] == "shoes/red/1"
    assert writing_client.get("/v1/items/shoes/red/1/photo").status_code == 200


def test_attributes_alone_do_not_make_an_item(client):
    check_problem(client.put("/v1/items/nobody", json={"title": "x"}), 404, "item_not_found")
    check_problem(put(client, "nobody", {"title": "x"}), 404, "item_not_found")


@pytest.mark.parametrize(
    ("item", "code", "pointer"),
    [
        ([], "invalid_request", ""),
        ("text", "invalid_request", ""),
        ({"id": "other"}, "id_mismatch", "/id"),
        ({"id": 7}, "id_mismatch", "/id"),
        ({"title": {"en": "x"}}, "invalid_value", "/title"),
        ({"title": ["x", 1]}, "invalid_value", "/title"),
        ({"title": "x" * 20_001}, "invalid_value", "/title"),
        ({"a/b": {}}, "invalid_value", "/a~1b"),
        ({"price": 2**60}, "invalid_value", "/price"),
        ({"price": "cheap"}, "wrong_type", "/price"),
        ({"year": 1.5}, "wrong_type", "/year"),
        ({"color": 7}, "wrong_type", "/color"),
        ({'a"b': "x"}, "invalid_input", '/a"b'),
        ({"a\\b": "x"}, "invalid_input", "/a\\b"),
        ({"": "x"}, "invalid_input", "/"),
        ({f"a{n}": "x" for n in range(257)}, "invalid_input", ""),
    ],
)
def test_attributes_that_are_none_are_refused_with_a_pointer(client, item, code, pointer):
    check_problem(client.put("/v1/items/item-0", json=item), 422, code, pointer)
    assert client.get("/v1/items/item-0").json()["item"]["title"] == "Red circle 0"


def test_an_item_with_a_broken_photo_is_not_written(client):
    check_problem(put(client, "new", {"title": "x"}, [draw_photo(), b"GIF89a"]), 422, "unreadable_photo")
    check_problem(put(client, "new", {"title": "x"}, [b"<html>"]), 415, "unsupported_format")
    check_problem(client.get("/v1/items/new"), 404, "item_not_found")
    check_problem(put(client, "new", {}, [draw_photo()] * 11), 400, "malformed_multipart")


def test_ids_nobody_could_type_are_refused(client):
    check_problem(put(client, "a\nb", {}, [draw_photo()]), 422, "invalid_id", "/item_id")
    check_problem(put(client, "a\0b", {}, [draw_photo()]), 422, "invalid_id", "/item_id")
    check_problem(put(client, "x" * 513, {}, [draw_photo()]), 422, "invalid_request", "/item_id")
    check_problem(client.get("/v1/items/%00"), 404, "item_not_found")
    check_problem(client.get("/v1/items/%FF%FE"), 404, "item_not_found")
    check_problem(client.get("/v1/items/"), 404, "not_found")


def test_markup_in_an_item_stays_data(writing_client):
    payload = "<img src=x onerror=alert(1)>\"'</script>"
    put(writing_client, "xss", {"title": payload, "color": payload, payload.replace('"', ""): "x"}, [draw_photo()])
    for answer in (
        writing_client.get("/v1/items/xss"),
        writing_client.post("/v1/search", json={"facets": ["color"]}),
        writing_client.get("/v1/facets?attribute=color"),
        writing_client.post("/v1/search", json={"filter": {payload: "x"}}),
    ):
        assert answer.headers["content-type"] in ("application/json", "application/problem+json")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert writing_client.get("/v1/items/xss").json()["item"]["title"] == payload


def test_a_thumbnail_is_small_made_anew_and_never_the_upload(writing_client):
    upload = draw_photo("Blue", size=900)
    put(writing_client, "new", {"title": "x"}, [upload])
    url = writing_client.get("/v1/items/new").json()["photo"]["url"]
    found = writing_client.post("/v1/search", files={"photo": ("p.jpg", upload)}).json()
    for address in (url, found["query"]["photo_url"]):
        answer = writing_client.get(address)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content != upload
        assert b"seed" not in answer.content, "the comment of the upload came along"
        picture = Image.open(io.BytesIO(answer.content))
        assert max(picture.size) == 320


def test_a_small_upload_is_encoded_anew_too(writing_client):
    upload = draw_photo("Blue", size=40)
    put(writing_client, "new", {"title": "x"}, [upload])
    assert b"seed" not in writing_client.get("/v1/items/new/photo").content


def test_a_thumbnail_is_answered_with_304_to_who_has_it(client):
    url = client.get("/v1/items/item-1").json()["photo"]["url"]
    first = client.get(url)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = client.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    for unversioned in ("/v1/items/item-1/photo", "/v1/items/item-1/photo?v=00000000", "/v1/items/item-1/photo?v="):
        assert client.get(unversioned).headers["cache-control"] == "private, no-cache"


def test_photos_of_an_item_have_each_their_own_thumbnail(writing_client):
    put(writing_client, "two", {"title": "x"}, [draw_photo("Red"), draw_photo("Blue", "square")])
    first = writing_client.get("/v1/items/two/photo")
    second = writing_client.get("/v1/items/two/photo?index=1")
    assert first.status_code == second.status_code == 200
    assert first.content != second.content
    hits = writing_client.post("/v1/search", files={"photo": ("p.jpg", draw_photo("Blue", "square"))}).json()["hits"]
    (hit,) = [hit for hit in hits if hit["id"] == "two"]
    assert hit["photo"]["index"] == 1
    assert writing_client.get(hit["photo"]["url"]).content == second.content
    check_problem(writing_client.get("/v1/items/two/photo?index=2"), 404, "photo_not_found")
    check_problem(writing_client.get("/v1/items/two/photo?index=-1"), 422, "invalid_request", "/index")


def test_a_thumbnail_that_was_lost_says_so(writing_client, tmp_path):
    for path in (tmp_path / "data" / "thumbnails").rglob("*.jpg"):
        path.unlink()
    check_problem(writing_client.get("/v1/items/item-1/photo"), 404, "photo_missing")
