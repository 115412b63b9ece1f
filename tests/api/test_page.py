"""The page's files, beside the interface and never in its way."""

from __future__ import annotations

import pytest

from api.app import create_app
from search.errors import SetupError
from tests.api.problems import check_problem


def test_the_page_is_at_the_root_with_its_files(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "<title>Vitrine</title>" in page.text
    assert client.get("/index.html").text == page.text
    assert client.get("/app.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/parts/grid.js").status_code == 200
    assert page.headers["cache-control"] == "no-cache"


def test_head_and_an_etag_work(client):
    head = client.head("/")
    assert (head.status_code, head.content) == (200, b"")
    again = client.get("/", headers={"If-None-Match": client.get("/").headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/parts/..%2f..%2fsecret.txt",
        "/%2e%2e%5csecret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/app.js%00.html",
        "/" + "x" * 300,
        "/parts/nothing",
    ],
)
def test_nothing_outside_the_folder_is_served(client, path):
    check_problem(client.get(path), 404, "not_found")


def test_a_file_never_hides_a_route(make_client, ui_folder):
    for name in ("v1/info", "livez", "metrics", "openapi.json", "v1/search"):
        path = ui_folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a file")
    client = make_client()
    for path in ("/v1/info", "/livez", "/openapi.json"):
        assert client.get(path).headers["content-type"] == "application/json"
    assert client.get("/metrics").text.startswith("# HELP")
    check_problem(client.get("/v1/search"), 405, "method_not_allowed")


def test_without_a_page_the_interface_is_alone(make_client):
    client = make_client(ui=None)
    check_problem(client.get("/"), 404, "not_found")
    assert client.get("/livez").status_code == 200


def test_a_folder_without_a_page_is_a_setup_error(catalogue, tmp_path):
    with pytest.raises(SetupError, match=r"no index\.html"):
        create_app(catalogue, version="1", ui=tmp_path / "nowhere")
