"""JSON and addresses nobody should send, all answered by a problem and never by a 500."""

from __future__ import annotations

import pytest

from api.json_body import read_json
from search.errors import InputError
from tests.api.problems import check_problem

BROKEN = {
    "empty": b"",
    "cut short": b'{"limit": ',
    "a key twice": b'{"limit": 3, "limit": 4}',
    "a key twice, deeper": b'{"filter": {"color": "Red", "color": "Blue"}}',
    "NaN": b'{"weights": {"color": NaN}}',
    "infinity": b'{"weights": {"color": -Infinity}}',
    "a number out of range": b'{"weights": {"color": 1e999}}',
    "a number of five thousand digits": b'{"limit": ' + b"9" * 5_000 + b"}",
    "Latin-1": '{"item_id": "Größe"}'.encode("latin-1"),
    "UTF-16": '{"limit": 1}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"limit": 1}',
    "half a surrogate pair": b'{"item_id": "\\ud800"}',
    "half a surrogate pair as a key": b'{"\\udfff": 1}',
    "forty levels": b"[" * 40 + b"]" * 40,
    "a hundred thousand levels": b"[" * 100_000 + b"]" * 100_000,
    "a comment": b'{"limit": 1} // one',
    "two values": b"{} {}",
    "a control character": b'{"item_id": "a\nb"}',
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/search"), ("PUT", "/v1/items/item-0")])
def test_broken_json_is_400(client, name, method, path):
    answer = client.request(method, path, content=BROKEN[name], headers={"content-type": "application/json"})
    check_problem(answer, 400, "malformed_json")


@pytest.mark.parametrize("name", BROKEN)
def test_broken_json_in_a_form_is_400(client, name):
    body = b'--B\r\nContent-Disposition: form-data; name="query"\r\n\r\n' + BROKEN[name] + b"\r\n"
    body += b'--B\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\n\r\nx\r\n--B--\r\n'
    answer = client.post("/v1/search", content=body, headers={"content-type": "multipart/form-data; boundary=B"})
    if name == "Latin-1":
        # A form's text field is read as Latin-1 where it is not UTF-8: the question is fine, the photo is not.
        check_problem(answer, 415, "unsupported_format")
    else:
        check_problem(answer, 400, "malformed_json")


def test_json_values_come_through():
    assert read_json('{"a": [1, 2.5, true, null, "ü\\ud83d\\udc55"]}') == {"a": [1, 2.5, True, None, "ü👕"]}
    with pytest.raises(InputError, match="'b' is there twice"):
        read_json(b'{"a": 1, "b": 2, "b": 3}')


@pytest.mark.parametrize("value", [b"[]", b"null", b"1", b'"text"'])
def test_a_question_that_is_no_object_is_422(client, value):
    answer = client.post("/v1/search", content=value, headers={"content-type": "application/json"})
    check_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "image/jpeg", "", "json", "application/xml"]
)
def test_another_content_type_is_415(client, content_type):
    for method, path in (("POST", "/v1/search"), ("PUT", "/v1/items/item-0")):
        answer = client.request(method, path, content=b"{}", headers={"content-type": content_type})
        check_problem(answer, 415, "unsupported_media_type")
    check_problem(client.post("/v1/search"), 415, "unsupported_media_type")


def test_json_may_say_its_charset(client):
    answer = client.post("/v1/search", content=b"{}", headers={"content-type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/search", "POST"),
        ("DELETE", "/v1/search", "POST"),
        ("POST", "/v1/items/item-0", "DELETE, GET, PUT"),
        ("PATCH", "/v1/items/a%2Fb", "DELETE, GET, PUT"),
        ("PUT", "/v1/items/item-0/similar", "GET"),
        ("POST", "/v1/items/item-0/photo", "GET"),
        ("POST", "/v1/facets", "GET"),
        ("POST", "/livez", "GET"),
        ("BREW", "/v1/info", "GET"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/app.js", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_with_every_right_one(client, method, path, allow):
    answer = client.request(method, path)
    check_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/nothing", "/v1/search/", "/v2/search", "/docs", "/redoc", "/x.js"]
)
def test_an_address_without_anything_is_404(client, path):
    check_problem(client.get(path), 404, "not_found")
