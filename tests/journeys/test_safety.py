"""Hostile texts stay texts, nothing leaves the house, and a key opens the door."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HOSTILE = "Tshirts/Red 0"
TITLE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
BRAND = "\"><b onmouseover='alert(4)'>Acme</b>"


def test_markup_in_a_feed_is_shown_as_it_is_written(visitor):
    page = visitor.page
    visitor.open("/?color=Red&product_type=Tshirts")
    tile = page.locator(f'li.tile[data-item="{HOSTILE}"]')
    expect(tile.locator(".tile-title")).to_have_text(TITLE)
    expect(tile.locator("img")).to_have_attribute("alt", TITLE)
    tile.locator(".tile-title").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_have_text(TITLE)
    expect(dialog).to_contain_text("<svg onload=alert(3)>")
    expect(dialog).to_contain_text(BRAND)
    expect(dialog.get_by_role("link", name="Open in the shop")).to_have_count(0)
    dialog.get_by_role("link", name="Similar to this").click()
    expect(page.locator("#query-hint")).to_have_text(TITLE)
    visitor.wait()
    assert page.locator("main script, main b, #grid svg").count() == 0


def test_a_shops_link_is_offered_where_it_is_one(visitor):
    visitor.open("/?color=Blue&product_type=Tshirts")
    visitor.page.locator(".tile-title").first.click()
    link = visitor.page.get_by_role("dialog").get_by_role("link", name="Open in the shop")
    expect(link).to_have_attribute("href", "https://shop.example/item")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_the_policy_refuses_scripts_from_the_markup(visitor):
    """The page works under a policy that would stop an injected script, and the policy is really there."""
    with visitor.page.expect_response(visitor.server + "/") as answer:
        visitor.open()
    policy = answer.value.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    visitor.expected.append("Content Security Policy")
    ran = visitor.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.injected = true";
          document.body.append(script);
          return window.injected === true;
        }"""
    )
    assert not ran


def test_a_key_is_asked_for_kept_in_the_tab_and_sent_along(visitor):
    page = visitor.page
    sent = []

    def guard(route):
        key = route.request.headers.get("x-api-key")
        sent.append((route.request.url, key))
        if key == "right-key":
            route.continue_()
            return
        problem = {"status": 401, "code": "unauthorized", "title": "A key is needed", "detail": "Send X-API-Key."}
        route.fulfill(status=401, content_type="application/problem+json", json=problem)

    page.route("**/v1/**", guard)
    visitor.expect_failure(401)
    visitor.open()
    expect(page.get_by_role("heading", name="This catalogue needs a key")).to_be_visible()
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type("wrong-key")
    page.keyboard.press("Enter")
    expect(page.locator("#api-key-help")).to_contain_text("not accepted")
    page.get_by_label("API key").fill("right-key")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("li.tile:not(.skeleton)")).to_have_count(24)

    # Photos go through fetch: an <img> could not send the key.
    first = page.locator(".tile img").first
    expect(first).to_have_attribute("src", re.compile("^blob:"))
    page.wait_for_function("document.querySelector('.tile img').naturalWidth > 0")
    photos = [key for url, key in sent if "/photo?" in url]
    assert photos
    assert set(photos) == {"right-key"}

    page.reload()
    expect(page.locator("li.tile:not(.skeleton)")).to_have_count(24)
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"
