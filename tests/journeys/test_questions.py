"""Asking with more than a picture: words, colours, items to be like or unlike, and a part of it."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.journeys.test_access import find_violations, press_until
from tests.journeys.test_picture import name_photo, read_address

pytestmark = pytest.mark.browser

NEARLY_NOTHING = 0.12
NOTE = {"code": "no_text_encoder", "message": "texts are compared by their words alone"}


def search_words(visitor, words: str) -> None:
    """Type words into the box at the top and press Enter."""
    visitor.page.get_by_role("searchbox", name="Words to search with").fill(words)
    with visitor.page.expect_response("**/v1/search"):
        visitor.page.keyboard.press("Enter")
    visitor.wait()


def read_chips(visitor) -> list[str]:
    """What is asked about beside the picture and the words."""
    chips = visitor.page.locator("#asked button")
    return [str(label) for label in chips.evaluate_all("all => all.map(chip => chip.getAttribute('aria-label'))")]


@contextmanager
def record_questions(visitor):
    """The JSON questions of searches within the block."""
    asked: list[dict[str, object]] = []

    def keep(request) -> None:
        if request.url.endswith("/v1/search") and request.headers.get("content-type") == "application/json":
            asked.append(json.loads(request.post_data))

    visitor.page.on("request", keep)
    yield asked
    visitor.page.remove_listener("request", keep)


def change_answers(visitor, change) -> None:
    """Let `change` have a hand in every answer of a search."""

    def answer(route) -> None:
        response = route.fetch()
        body = response.json()
        if response.ok:
            change(body)
        route.fulfill(response=response, json=body)

    visitor.page.route("**/v1/search", answer)


def test_words_find_and_stay_in_the_address(visitor):
    page = visitor.page
    visitor.open()
    search_words(visitor, "  red   dresses ")
    assert read_address(visitor) == {"words": ["red dresses"]}
    first = visitor.read_ids()[:3]
    assert all(name.startswith("Dresses/Red") for name in first)
    expect(page.locator("#results-title")).to_contain_text("best match first")
    expect(page).to_have_title("“red dresses” – Vitrine")
    expect(page.locator(".tile .bar")).to_have_count(0)  # a score of ranks is no similarity
    page.reload()
    visitor.wait()
    expect(page.get_by_role("searchbox")).to_have_value("red dresses")
    assert visitor.read_ids()[:3] == first
    page.get_by_role("button", name="Clear the words").click()
    visitor.wait()
    expect(page.locator("#results-title")).to_have_text("60 items")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert read_address(visitor) == {}
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("red dresses")
    assert visitor.read_ids()[:3] == first


def test_words_go_together_with_a_picture_and_pages_go_on(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    search_words(visitor, "red")
    visitor.upload(red_shirt)
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)], "words": ["red"]}
    expect(page.locator("#query-title")).to_have_text("Items that look like your picture")
    with record_questions(visitor) as asked:
        page.locator("#more-button").click()
        expect(page.locator("#more-count")).to_contain_text("48 of 60")
    assert asked[0]["text"] == "red"
    assert asked[0]["photo"] == name_photo(red_shirt)
    ids = visitor.read_ids()
    assert len(ids) == len(set(ids)) == 48
    page.get_by_role("button", name="Remove your picture").click()
    visitor.wait()
    assert read_address(visitor) == {"words": ["red"]}


def test_suggested_filters_are_offered_and_never_forced(visitor):
    page = visitor.page
    visitor.open()
    search_words(visitor, "red dresses")
    offered = page.locator("#suggestions").get_by_role("button")
    expect(offered.filter(has_text="Color: Red")).to_be_visible()
    expect(page.locator("#applied button")).to_have_count(0)
    expect(page.locator("#results-title")).to_contain_text("60 items")
    offered.filter(has_text="Color: Red").click()
    visitor.wait()
    assert read_address(visitor) == {"words": ["red dresses"], "color": ["Red"]}
    assert visitor.read_colors() == {"Red"}
    expect(offered.filter(has_text="Color: Red")).to_have_count(0)
    expect(offered.filter(has_text="Product type: Dresses")).to_be_visible()


def test_more_and_less_like_an_item(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    liked = visitor.read_ids()[20]
    shape, rest = liked.split("/")
    title = f"{rest.split()[0]} {shape} no. {rest.split()[1]}"
    page.get_by_role("button", name=f"More like {title}").click()
    visitor.wait()
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)], "more": [liked]}
    assert liked not in visitor.read_ids()
    page.get_by_role("button", name="Less like Red Tshirts no. 2").focus()
    page.keyboard.press("Enter")
    visitor.wait()
    expect(page.locator("#asked button")).to_have_count(2)
    assert read_chips(visitor) == [f"Remove More like {title}", "Remove Less like Red Tshirts no. 2"]
    page.reload()
    visitor.wait()
    # Nothing of this visit is left: the names come from the items themselves.
    expect(page.get_by_role("button", name="Remove Less like Red Tshirts no. 2")).to_be_visible()
    with record_questions(visitor) as asked:
        page.get_by_role("button", name=f"Remove More like {title}").click()
        visitor.wait()
    assert asked[-1]["less_like"] == ["Tshirts/Red 2"]
    assert "more_like" not in asked[-1]
    page.go_back()
    visitor.wait()
    expect(page.locator("#asked button")).to_have_count(2)


def test_an_item_is_liked_without_any_picture(visitor):
    page = visitor.page
    visitor.open()
    page.get_by_role("button", name="More like Black Dresses no. 0").click()
    expect(page.locator(".tile .score").first).to_be_visible()
    visitor.wait()
    assert visitor.read_ids()[0].startswith("Dresses/Black")
    # An item is liked or disliked, not both.
    visitor.open("/?more=Dresses%2FBlack+0")
    page.locator("a.tile-photo").first.click()
    expect(page.locator("#query-title")).to_have_text("Similar items")
    assert "more" not in read_address(visitor)


def test_a_colour_is_a_chip_with_its_swatch(visitor):
    page = visitor.page
    visitor.open()
    page.get_by_label("Pick a colour").fill("#2f62c8")
    page.get_by_role("button", name="Add colour").click()
    expect(page.locator(".tile .score").first).to_be_visible()
    visitor.wait()
    assert read_address(visitor) == {"tint": ["#2f62c8"]}
    assert {name.split("/")[1][:4] for name in visitor.read_ids()[:6]} == {"Blue"}
    chip = page.get_by_role("button", name="Remove colour #2f62c8")
    expect(chip.locator(".swatch")).to_have_css("background-color", "rgb(47, 98, 200)")
    page.get_by_label("Colour to search with").fill("yellow")
    page.keyboard.press("Enter")
    expect(page.locator("#asked button")).to_have_count(2)
    visitor.wait()
    assert read_address(visitor) == {"tint": ["#2f62c8", "yellow"]}
    page.reload()
    visitor.wait()
    expect(page.locator("#asked button")).to_have_count(2)
    chip.click()
    visitor.wait()
    assert visitor.read_ids()[0].split("/")[1].startswith("Yellow")


def test_a_colour_nobody_knows_is_said_and_can_be_taken_away(visitor):
    visitor.expect_failure(422)
    visitor.open("/?tint=blurple-ish")
    notice = visitor.page.get_by_role("alert")
    expect(notice).to_contain_text("blurple-ish")
    notice.get_by_role("button", name="Take the colours away").click()
    visitor.wait()
    assert read_address(visitor) == {}
    assert len(visitor.read_ids()) == 24


def test_a_part_of_the_picture_is_drawn(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    expect(page.get_by_role("button", name="Choose a part")).to_be_hidden()
    visitor.upload(red_shirt)
    page.get_by_role("button", name="Choose a part").click()
    dialog = page.get_by_role("dialog", name="Choose a part")
    whole = dialog.get_by_role("button", name="whole product")
    expect(whole).to_be_visible(timeout=20_000)
    frame = dialog.locator("#region-frame").bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 0.25 * frame["width"], frame["y"] + 0.5 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.75 * frame["width"], frame["y"] + 0.9 * frame["height"], steps=4)
    page.mouse.up()
    expect(dialog.locator("#region-said")).to_have_text("25 to 75% across, 50 to 90% down")
    expect(dialog.locator("#region-box")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    expect(dialog.locator("#region-said")).to_have_text("25 to 77% across, 48 to 88% down")
    with record_questions(visitor) as asked:
        dialog.get_by_role("button", name="Search with this part").click()
        expect(dialog).to_be_hidden()
        visitor.wait()
    assert asked[0]["region"] == pytest.approx([0.25, 0.48, 0.77, 0.88], abs=0.01)
    left, top, right, bottom = map(float, read_address(visitor)["part"][0].split(","))
    assert [left, top, right, bottom] == asked[0]["region"]
    page.reload()
    visitor.wait()
    page.get_by_role("button", name="Remove part of your picture: 25 to 77% across, 48 to 88% down").click()
    visitor.wait()
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)]}


def test_a_suggested_part_by_keyboard(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    press_until(page, "Tab", "#part")
    page.keyboard.press("Enter")
    expect(page.locator("#region-suggestions button").first).to_be_visible(timeout=20_000)
    assert find_violations(page) == [], "the dialog"
    press_until(page, "Tab", "#region-suggestions button")
    page.keyboard.press("Enter")
    expect(page.locator("#region-said")).not_to_have_text("The whole picture")
    press_until(page, "Tab", "#region .button.primary")
    page.keyboard.press("Enter")
    visitor.wait()
    assert "part" in read_address(visitor)
    expect(page.locator("#part")).to_be_focused()


def test_what_is_not_close_is_said_above_the_hits(visitor, red_shirt):
    page = visitor.page

    def doubt(body) -> None:
        body["notes"] = [NOTE]
        for hit in body["hits"]:
            hit["relevance"] = NEARLY_NOTHING

    visitor.open()
    visitor.upload(red_shirt)
    change_answers(visitor, doubt)
    visitor.choose("Red")
    remarks = page.get_by_role("list", name="Remarks").get_by_role("listitem")
    expect(remarks).to_have_text(
        [
            "Nothing here is close: the best of these is 12% likely to be what you look for.",
            "Your words are looked for in titles and attributes, not in the pictures.",
        ]
    )
    expect(page.locator(".tile .relevance").first).to_contain_text("12%")
    page.unroute("**/v1/search")

    def refuse(route) -> None:
        question = json.loads(route.request.post_data)
        if question.pop("min_relevance", None) is None:
            route.continue_()
            return
        response = route.fetch(post_data=question)
        body = response.json()
        body.update(hits=[], close=False, next_cursor=None)
        route.fulfill(response=response, json=body)

    page.route("**/v1/search", refuse)
    page.get_by_label("Only what is close").check()
    notice = page.locator("#notice")
    expect(notice).to_contain_text("Nothing here is close")
    assert read_address(visitor)["close"] == ["1"]
    notice.get_by_role("button", name="Show what comes nearest").click()
    visitor.wait()
    assert len(visitor.read_ids()) == 12
    assert "close" not in read_address(visitor)


def test_the_server_without_a_measure_says_so(visitor, red_shirt):
    visitor.open()
    visitor.upload(red_shirt)
    visitor.expect_failure(422)
    visitor.open(f"/?photo={name_photo(red_shirt)}&close=1")
    notice = visitor.page.get_by_role("alert")
    expect(notice).to_contain_text("not calibrated")
    notice.get_by_role("button", name="Show what comes nearest").click()
    visitor.wait()
    assert visitor.read_ids()[0] == "Tshirts/Red 1"
