"""Asking with a picture: every way in, and what can go wrong on the way."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HAND_OVER = """([name, type, base64, kind]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector("main").dispatchEvent(event);
}"""


def hand_over(visitor, photo: Path, kind: str) -> None:
    """Paste or drop a file, as the browser would tell the page."""
    content = base64.b64encode(photo.read_bytes()).decode()
    visitor.page.evaluate(HAND_OVER, [photo.name, "image/jpeg", content, kind])


def name_photo(photo: Path) -> str:
    """What a photo is called in the address."""
    return f"sha256:{hashlib.sha256(photo.read_bytes()).hexdigest()}"


def read_address(visitor) -> dict[str, list[str]]:
    """The parameters of the page's address."""
    return parse_qs(urlsplit(visitor.page.url).query)


def test_upload_filter_similar_back_and_reload(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    assert visitor.read_ids()[0] == "Tshirts/Red 1"
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)]}

    visitor.choose("Blue")
    assert visitor.read_colors() == {"Blue"}
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)], "color": ["Blue"]}
    blue = visitor.read_ids()

    page.locator("a.tile-photo").nth(2).click()
    expect(page.locator("#query-title")).to_have_text("Similar items")
    visitor.wait()
    assert read_address(visitor) == {"item": [blue[2]], "color": ["Blue"]}
    assert blue[2] not in visitor.read_ids()

    page.go_back()
    expect(page.locator("#query-title")).to_have_text("Items that look like your picture")
    visitor.wait()
    assert visitor.read_ids() == blue

    page.reload()
    visitor.wait()
    assert visitor.read_ids() == blue
    expect(page.locator("#applied")).to_contain_text("Blue")
    expect(page.locator("#query-photo")).to_have_js_property("complete", True)
    assert page.locator("#query-photo").evaluate("image => image.naturalWidth") > 0


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_may_be_pasted_or_dropped(visitor, red_shirt, kind):
    visitor.open()
    hand_over(visitor, red_shirt, kind)
    visitor.page.wait_for_url("**photo=sha256:*")
    visitor.wait()
    assert visitor.read_ids()[0] == "Tshirts/Red 1"


def test_the_page_says_where_to_drop(visitor, red_shirt):
    visitor.open()
    hand_over(visitor, red_shirt, "dragover")
    expect(visitor.page.locator("#drop")).to_be_visible()
    expect(visitor.page.locator("#drop")).to_be_hidden()


def test_removing_the_picture_keeps_the_filters(visitor, red_shirt):
    visitor.open("/?color=Green")
    visitor.upload(red_shirt)
    assert visitor.read_colors() == {"Green"}
    visitor.page.get_by_role("button", name="Remove your picture").click()
    visitor.wait()
    assert read_address(visitor) == {"color": ["Green"]}
    expect(visitor.page.locator(".score")).to_have_count(0)


def test_load_more_shows_every_item_once(visitor, red_shirt):
    visitor.open()
    visitor.upload(red_shirt)
    more = visitor.page.locator("#more-button")
    for shown in (24, 48):
        expect(visitor.page.locator("#more-count")).to_have_text(f"{shown} of 60")
        more.click()
    expect(visitor.page.locator("#more-count")).to_have_text("60 of 60")
    expect(more).to_be_hidden()
    ids = visitor.read_ids()
    assert len(ids) == len(set(ids)) == 60
    scores = [float(text.replace("\u2212", "-")) for text in visitor.page.locator(".score .number").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)


def test_a_broken_file_is_refused_in_the_servers_words(visitor, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    visitor.open()
    for status in (400, 415, 422):
        visitor.expect_failure(status)
    with visitor.page.expect_response("**/v1/search") as answer:
        visitor.page.set_input_files("#file", broken)
    problem = answer.value.json()
    notice = visitor.page.get_by_role("alert")
    expect(notice).to_contain_text(problem["title"])
    expect(notice).to_contain_text(problem["detail"])
    assert read_address(visitor) == {}, "a picture nobody could read is not in the address"
    notice.get_by_role("button", name="Show the whole catalogue").click()
    visitor.wait()
    assert len(visitor.read_ids()) == 24


def test_a_forgotten_picture_is_asked_for_again(visitor):
    visitor.expect_failure(404)
    visitor.open(f"/?photo=sha256:{'0' * 64}&color=Red")
    notice = visitor.page.get_by_role("alert")
    expect(notice).to_contain_text("no longer kept")
    expect(notice.get_by_role("button", name="Choose the picture again")).to_be_visible()
    notice.get_by_role("button", name="Show the catalogue").click()
    visitor.wait()
    assert visitor.read_colors() == {"Red"}


def test_a_forgotten_picture_still_at_hand_is_sent_again(visitor, red_shirt):
    visitor.open()
    visitor.upload(red_shirt)
    visitor.expect_failure(404)
    forgotten = []

    def forget(route):
        if route.request.headers["content-type"] == "application/json" and not forgotten:
            forgotten.append(True)
            problem = {"status": 404, "code": "photo_expired", "title": "Expired", "detail": "No longer kept."}
            route.fulfill(status=404, content_type="application/problem+json", json=problem)
        else:
            route.continue_()

    visitor.page.route("**/v1/search", forget)
    visitor.choose("Red")
    assert forgotten
    assert visitor.read_ids()[0] == "Tshirts/Red 1"
    expect(visitor.page.get_by_role("alert").filter(has_text=re.compile("."))).to_have_count(0)


def test_an_item_that_is_not_there_is_said(visitor):
    visitor.expect_failure(404)
    visitor.open("/?item=no%20such%20item")
    expect(visitor.page.get_by_role("alert")).to_contain_text("no such item")


def test_a_server_that_does_not_answer_can_be_asked_again(visitor):
    visitor.open()
    visitor.expected.append("net::ERR_FAILED")
    visitor.page.route("**/v1/search", lambda route: route.abort())
    visitor.page.locator("a.tile-photo").first.click()
    notice = visitor.page.get_by_role("alert").filter(has_text="The server did not answer")
    expect(notice).to_be_visible()
    visitor.page.unroute("**/v1/search")
    notice.get_by_role("button", name="Try again").click()
    expect(visitor.page.locator(".tile .score").first).to_be_visible()
