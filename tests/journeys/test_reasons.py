"""What stands around a question: switches, why a hit is one, and that anybody can use all of it on any screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_access import find_violations
from tests.journeys.test_picture import name_photo, read_address
from tests.journeys.test_questions import record_questions, search_words

pytestmark = pytest.mark.browser


def test_switches_are_there_where_something_is_ranked(visitor, red_shirt):
    page = visitor.page
    visitor.open("/?vary=1")
    expect(page.get_by_label("Vary")).to_be_hidden()
    assert len(visitor.read_ids()) == 24, "variety of nothing is not asked for"
    visitor.open()
    visitor.upload(red_shirt)
    expect(page.get_by_label("One of each group")).to_be_hidden()
    nearest = visitor.read_ids()
    with record_questions(visitor) as asked:
        page.get_by_label("Vary").check()
        visitor.wait()
        page.get_by_label("Hide near duplicates").check()
        visitor.wait()
    assert [(each.get("diversity"), each.get("collapse_duplicates")) for each in asked] == [(0.5, None), (0.5, True)]
    assert visitor.read_ids() != nearest
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)], "vary": ["1"], "distinct": ["1"]}
    page.reload()
    visitor.wait()
    expect(page.get_by_label("Vary")).to_be_checked()


def test_why_this_one(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    page.locator(".tile-title").first.click()
    expect(page.locator("#why")).to_have_count(0)  # nothing is asked about
    page.keyboard.press("Escape")
    visitor.upload(red_shirt)
    page.locator(".tile-title").nth(1).click()
    page.get_by_role("dialog").get_by_text("Why this one").click()
    why = page.locator("#why")
    expect(why).to_contain_text("Parts of the score", timeout=30_000)
    expect(why).to_contain_text("color")
    expect(why.locator(".palette")).to_have_count(2)
    expect(why).to_contain_text("CIEDE2000")
    expect(why.locator(".heat-overlay").first).to_have_js_property("complete", True)
    assert find_violations(page) == [], "the reasons"
    why.get_by_label("Show the heat").uncheck()
    expect(why.locator(".heat-overlay").first).to_be_hidden()


def test_why_this_one_for_words(visitor):
    page = visitor.page
    visitor.open()
    search_words(visitor, "red dresses umbrella")
    page.locator(".tile-title").first.click()
    page.get_by_role("dialog").get_by_text("Why this one").click()
    why = page.locator("#why")
    expect(why).to_contain_text("In its title and attributes: red", timeout=30_000)
    expect(why).not_to_contain_text("umbrella.")
    expect(why).to_contain_text("Held against \u201cred dresses umbrella\u201d.")
    expect(why).to_contain_text("no text encoder")
    assert find_violations(page) == [], "the reasons"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visitor, scheme):
    page = visitor.page
    visitor.open("/?words=red+dresses&tint=navy&more=Tshirts%2FBlue+1&less=Handbags%2FRed+1&vary=1")
    expect(page.get_by_role("button", name="Remove More like Blue Tshirts no. 1")).to_be_visible()
    assert find_violations(page) == []


@pytest.mark.parametrize("width", [360, 768])
def test_no_width_scrolls_sideways(visitor, red_shirt, width):
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 800})
    visitor.open("/?words=red+dresses&tint=navy&more=Tshirts%2FBlue+1&less=Handbags%2FRed+1&vary=1")
    visitor.upload(red_shirt)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Choose a part").click()
    box = page.get_by_role("dialog", name="Choose a part").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
