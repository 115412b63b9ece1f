"""Chips, the price range, and an address that says it all."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error, expect

pytestmark = pytest.mark.browser


def test_values_of_one_attribute_add_up(visitor):
    page = visitor.page
    visitor.open()
    expect(page.locator("#results-title")).to_have_text("60 items")
    visitor.choose("Red")
    expect(page.locator("#results-title")).to_have_text("12 items")
    # The other colours keep their counts: choosing one of them adds, it does not narrow.
    blue = page.locator("#facets .chip").filter(has=page.get_by_text("Blue", exact=True))
    expect(blue.locator(".count")).to_have_text("12")
    visitor.choose("Blue")
    expect(page.locator("#results-title")).to_have_text("24 items")
    expect(blue).to_have_attribute("aria-pressed", "true")
    visitor.choose("Red")
    assert visitor.read_colors() == {"Blue"}


def test_one_filter_or_all_can_be_taken_away(visitor):
    page = visitor.page
    visitor.open("/?color=Red&color=Blue&product_type=Dresses")
    expect(page.locator("#results-title")).to_have_text("6 items")
    page.get_by_role("button", name="Remove Red").click()
    visitor.wait()
    expect(page.locator("#results-title")).to_have_text("3 items")
    page.get_by_role("button", name="Clear Product type").click()
    visitor.wait()
    expect(page.locator("#results-title")).to_have_text("12 items")
    page.get_by_role("button", name="Clear all").click()
    visitor.wait()
    expect(page.locator("#results-title")).to_have_text("60 items")
    assert urlsplit(page.url).query == ""


def test_a_price_range_narrows_and_stays_in_the_address(visitor):
    page = visitor.page
    visitor.open()
    page.get_by_label("from").fill("20")
    page.get_by_label("to", exact=True).fill("29,90")
    page.keyboard.press("Enter")
    visitor.wait()
    expect(page.locator("#results-title")).to_have_text("10 items")
    assert parse_qs(urlsplit(page.url).query) == {"price_gte": ["20"], "price_lte": ["29.90"]}
    page.reload()
    visitor.wait()
    expect(page.locator("#results-title")).to_have_text("10 items")
    expect(page.get_by_label("from")).to_have_value("20")
    page.get_by_role("button", name="Remove Price 20 to 29.90").click()
    visitor.wait()
    expect(page.get_by_label("from")).to_have_value("")


def test_a_price_that_is_no_number_is_said_beside_the_field(visitor):
    page = visitor.page
    visitor.open()
    page.get_by_label("from").fill("cheap")
    page.keyboard.press("Enter")
    expect(page.locator("#price-problem")).to_contain_text("“cheap” is not a number")
    expect(page.locator("#results-title")).to_have_text("60 items")


def test_nothing_found_offers_the_way_out(visitor):
    visitor.open("/?color=Red&price_gte=1000")
    expect(visitor.page.locator("#notice")).to_contain_text("Nothing fits all of these filters")
    visitor.page.get_by_role("button", name="Clear all filters").click()
    visitor.wait()
    assert len(visitor.read_ids()) == 24


def test_parameters_of_others_in_a_link_do_no_harm(visitor):
    visitor.open("/?utm_source=newsletter&color=Green")
    assert visitor.read_colors() == {"Green"}


def test_back_returns_to_the_place_left(visitor):
    page = visitor.page
    visitor.open()
    page.locator("#more-button").click()
    expect(page.locator("#more-count")).to_have_text("48 of 60")
    tile = page.locator("a.tile-photo").nth(40)
    tile.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 500
    tile.click()
    expect(page.locator("#query-title")).to_have_text("Similar items")
    visitor.wait()
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(page.locator("#more-count")).to_have_text("48 of 60")
    assert abs(page.evaluate("scrollY") - before) < 5


def test_only_the_last_of_quick_questions_is_shown(visitor):
    """An answer that comes late must not overwrite the one to a newer question."""
    page = visitor.page
    visitor.open()
    held = []
    page.route("**/v1/search", lambda route: route.continue_() if held else held.append(route))
    page.locator("#facets .chip").filter(has=page.get_by_text("Red", exact=True)).click()
    visitor.choose("Blue")
    assert held, "the first question was to be held back"
    late = {"hits": [], "total": {"value": 0, "relation": "eq"}, "facets": {}, "next_cursor": None}
    with contextlib.suppress(Error):  # the page has given this request up, and the browser may have noticed
        held[0].fulfill(json=late)
    page.wait_for_timeout(200)
    expect(page.locator("#results-title")).to_have_text("24 items")
    assert visitor.read_colors() == {"Blue", "Red"}
