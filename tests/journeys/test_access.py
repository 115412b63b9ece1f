"""For everybody: by keyboard alone, read aloud, on any width, in both schemes, without anything jumping."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""


def press_until(page, key: str, selector: str) -> None:
    """Press a key until what matches the selector has the focus."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"the keyboard never reaches {selector}")


def find_violations(page) -> list[str]:
    """What axe-core holds against the page (WCAG 2.2 A and AA), with the elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    results = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    return [
        f"{violation['id']} ({violation['impact']}): {node['html']}: {node['failureSummary']}"
        for violation in results.response["violations"]
        for node in violation["nodes"][:3]
    ]


def test_the_whole_way_by_keyboard(visitor, red_shirt):
    page = visitor.page
    # Listening before the page is there: Chromium would open a dialog of its own if it heard of this too late.
    page.on("filechooser", lambda chooser: chooser.set_files(red_shirt))
    visitor.open()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    press_until(page, "Tab", "#choose")
    page.keyboard.press("Enter")
    expect(page.locator(".tile .score").first).to_be_visible(timeout=20_000)
    visitor.wait()

    press_until(page, "Tab", '#facets .chip[title="Blue"]')
    page.keyboard.press("Space")
    visitor.wait()
    expect(page.locator('#facets .chip[title="Blue"]')).to_be_focused()  # chips are rebuilt; the focus stays
    assert visitor.read_colors() == {"Blue"}

    press_until(page, "Tab", ".tile-title")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".tile-title").first).to_be_focused()

    press_until(page, "Shift+Tab", "a.tile-photo")
    page.keyboard.press("Enter")
    expect(page.locator("#query-title")).to_have_text("Similar items")
    visitor.wait()
    press_until(page, "Shift+Tab", "#query-remove")
    page.keyboard.press("Enter")
    expect(page.locator("#query-title")).to_have_text("Find it with a picture")


def test_the_next_page_by_keyboard_goes_on_at_its_first_item(visitor):
    page = visitor.page
    visitor.open()
    page.locator("#more-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("a.tile-photo").nth(24)).to_be_focused()


def test_results_are_said_aloud(visitor):
    status = visitor.page.locator("#announcer")
    visitor.open()
    expect(status).to_have_text("24 of 60 items")
    visitor.choose("Red")
    expect(status).to_have_text("12 of 12 items, Red")
    visitor.open("/?color=Red&price_gte=1000")
    expect(status).to_have_text("Nothing found, Red, price from 1000")


def test_focus_can_be_seen(visitor):
    page = visitor.page
    visitor.open()
    for selector in ("#choose", "#price-min", "#facets .chip", "a.tile-photo", ".tile-title"):
        press_until(page, "Tab", selector)
        width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert width >= 2, f"{selector} does not show that it has the focus"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visitor, red_shirt, scheme):
    page = visitor.page
    visitor.open()
    assert find_violations(page) == [], "the catalogue"
    visitor.upload(red_shirt)
    visitor.choose("Red")
    assert find_violations(page) == [], "hits with a filter"
    page.locator(".tile-title").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert find_violations(page) == [], "the details"
    visitor.open("/?color=Red&price_gte=1000")
    assert find_violations(page) == [], "nothing found"


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_width_scrolls_sideways_or_has_tiny_targets(visitor, red_shirt, width):
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 800})
    visitor.open()
    visitor.upload(red_shirt)
    if width < 800:
        page.locator("#filters summary").click()
    visitor.choose("Red")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, summary")]
          .filter((node) => node.checkVisibility() && !node.closest(".visually-hidden") && node.tabIndex >= 0)
          .filter((node) => { const box = node.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
          .map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert small == []
    page.locator(".tile-title").first.click()
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def test_nothing_jumps_while_it_loads(visitor, red_shirt):
    page = visitor.page
    page.add_init_script(SHIFTS)
    visitor.open()
    visitor.upload(red_shirt)
    page.locator("a.tile-photo").nth(3).click()
    expect(page.locator("#query-title")).to_have_text("Similar items")
    visitor.wait()
    page.wait_for_timeout(300)
    assert sum(page.evaluate("window.shifts")) <= 0.05


def test_scripts_stay_small(repository):
    sizes = [file.stat().st_size for file in (repository / "ui").glob("**/*.js")]
    assert sizes
    assert sum(sizes) <= 150_000
