"""The choice of who looks at the picture: offered where there is one, by keyboard, on any width, in both schemes.

Shops with a classifier or without one, with networks or without: those of `test_engines` and what is left of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from search.catalogue import Catalogue
from search.errors import TryLaterError
from tests.journeys.conftest import Visitor
from tests.journeys.test_access import SHIFTS, find_violations, press_until
from tests.journeys.test_classified import index_shop, read_address, serve_shop
from tests.journeys.test_engines import find_parts, hold, record_requests
from tests.journeys.warm_or_cool import WarmOrCool

pytestmark = pytest.mark.browser

BOTH = ("cnn", "snn")


@pytest.fixture(scope="module")
def shops(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Catalogue]]:
    """The shop with a classifier, and without one."""
    folder = tmp_path_factory.mktemp("choice")
    found = {}
    for classified in (True, False):
        (folder / str(classified)).mkdir()
        found[classified] = index_shop(shop, folder / str(classified), classified=classified)
    yield found
    for catalogue in found.values():
        catalogue.close()


@pytest.fixture
def classified() -> bool:
    """Whether the shop has a classifier; a test that has another wish parametrizes this, or `names`."""
    return True


@pytest.fixture
def names() -> tuple[str, ...]:
    """The networks there are."""
    return BOTH


@pytest.fixture
def engines(names: tuple[str, ...]) -> WarmOrCool:
    return WarmOrCool(*names)


@pytest.fixture
def server(shops: dict[bool, Catalogue], classified: bool, engines: WarmOrCool, repository: Path) -> Iterator[str]:
    with serve_shop(shops[classified], repository / "ui", engines if engines.names else None) as address:
        yield address


@pytest.mark.parametrize("classified", [False])
def test_without_a_classifier_the_networks_look(visitor, red_shirt):
    page = visitor.page
    visitor.open("/?engine=heads")
    expect(page.locator("#seen")).to_be_hidden()
    visitor.upload(red_shirt)
    seen, choice, chips = find_parts(visitor)
    assert choice.locator("option").all_inner_texts() == ["a network on pixels", "the same network, spiking"]
    expect(chips).to_have_text(["Color Yellow 98%"])
    expect(seen.locator("#seen-work")).to_have_text("3 ms")
    assert "engine" not in read_address(visitor)
    choice.select_option("snn")
    expect(seen.locator("#seen-work")).to_contain_text("41,203 spikes")
    assert read_address(visitor)["engine"] == ["snn"]
    chips.click()
    # The shop has named the colour of 8 yellow items, and nobody else has.
    expect(page.locator("#results-title")).to_have_text("8 items, most similar first")


@pytest.mark.parametrize(("classified", "names"), [(False, ("cnn",))])
def test_one_network_alone_is_no_choice(visitor, red_shirt):
    visitor.open("/?engine=snn")
    visitor.upload(red_shirt)
    _, choice, chips = find_parts(visitor)
    expect(chips).to_have_text(["Color Yellow 98%"])
    expect(choice).to_be_hidden()
    assert "engine" not in read_address(visitor)


@pytest.mark.parametrize("names", [()])
@pytest.mark.parametrize("classified", [True, False])
def test_without_networks_there_is_nothing_to_choose(visitor, red_shirt, classified):
    with record_requests(visitor, "/v1/classify") as asked:
        visitor.open("/?engine=cnn")
        visitor.upload(red_shirt)
        seen, choice, chips = find_parts(visitor)
        if classified:
            expect(chips).to_have_text(["Color Red 99%"])
            expect(seen.locator("#seen-work")).to_be_hidden()
            expect(choice).to_be_hidden()
        else:
            expect(visitor.page.locator("#seen")).to_be_hidden()
    assert asked == []


def test_items_are_not_looked_at(visitor, engines):
    visitor.open("/?item=Dresses/Red 1&engine=cnn")
    expect(visitor.page.locator("#query-title")).to_have_text("Similar items")
    expect(visitor.page.locator("#seen")).to_be_hidden()
    assert engines.asked == []


def test_by_keyboard(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    _, choice, chips = find_parts(visitor)
    press_until(page, "Tab", "#engine")
    width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
    assert width >= 2, "the focus can be seen"
    page.keyboard.press("ArrowDown")
    expect(chips).to_contain_text("Yellow")
    expect(choice).to_be_focused()
    page.keyboard.press("Tab")
    expect(chips).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#results-title")).to_have_text("12 items, most similar first")
    visitor.wait()
    expect(chips).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visitor, engines, red_shirt, scheme):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    seen, choice, chips = find_parts(visitor)
    assert find_violations(page) == [], "a choice"
    choice.select_option("cnn")
    expect(chips).to_contain_text("Yellow")
    chips.click()
    visitor.wait()
    assert find_violations(page) == [], "a chip pressed, and a word"
    engines.trouble = TryLaterError("not now")
    visitor.expect_failure(503)
    choice.select_option("snn")
    expect(chips).to_have_text("Try again")
    assert find_violations(page) == [], "a problem"
    engines.trouble = None
    chips.click()
    expect(seen.locator("#seen-work")).to_contain_text("spikes")
    assert find_violations(page) == [], "spikes"


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_every_width_and_nothing_moves_when_the_answer_comes(visitor, red_shirt, width):
    page = visitor.page
    page.add_init_script(SHIFTS)
    page.set_viewport_size({"width": width, "height": 800})
    visitor.open("/?engine=snn")
    held = hold(page, "**/v1/classify*")
    visitor.upload(red_shirt)
    seen, choice, chips = find_parts(visitor)
    expect(seen.locator("#seen-note")).to_contain_text("the first spiking answer takes some seconds")
    page.wait_for_timeout(600)
    places = ("#seen", "#engine", "#results")
    before = [page.locator(place).bounding_box() for place in places]
    held[0].continue_()
    expect(seen.locator("#seen-work")).to_be_visible()
    assert [page.locator(place).bounding_box() for place in places] == before
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in (choice, chips, seen.locator("#seen-work")):
        box = part.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    box = choice.bounding_box()
    assert box is not None
    assert box["height"] >= 24


def test_choosing_is_recorded_once_in_the_history(visitor: Visitor, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    _, choice, chips = find_parts(visitor)
    before = page.evaluate("history.length")
    choice.select_option("cnn")
    expect(chips).to_contain_text("Yellow")
    assert page.evaluate("history.length") == before + 1
    page.go_back()
    expect(choice).to_have_value("heads")
    expect(chips).to_contain_text("Red")
    page.go_forward()
    expect(choice).to_have_value("cnn")
    expect(chips).to_contain_text("Yellow")
