"""Who looks at the picture: the catalogue's classifier, a network on pixels, or the same network spiking.

The shop of `test_classified`, with a network that knows warm from cool and nothing else. Which of them is offered where
is in `test_engine_choice`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from search.catalogue import Catalogue
from search.errors import TryLaterError
from tests.journeys.conftest import Visitor
from tests.journeys.test_access import press_until
from tests.journeys.test_classified import index_shop, read_address, serve_shop
from tests.journeys.test_picture import name_photo
from tests.journeys.warm_or_cool import WarmOrCool

pytestmark = pytest.mark.browser

STARTING = "Looking… the first spiking answer takes some seconds."


@pytest.fixture(scope="module")
def classified(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    catalogue = index_shop(shop, tmp_path_factory.mktemp("classified"))
    yield catalogue
    catalogue.close()


@pytest.fixture
def engines() -> WarmOrCool:
    return WarmOrCool("cnn", "snn")


@pytest.fixture
def server(classified: Catalogue, engines: WarmOrCool, repository: Path) -> Iterator[str]:
    """Address of the classified shop with both networks."""
    with serve_shop(classified, repository / "ui", engines) as address:
        yield address


@pytest.fixture
def blue_shirt(shop: Path) -> Path:
    return shop / "photos" / "Tshirts-Blue-1.jpg"


@contextmanager
def record_requests(visitor: Visitor, path: str) -> Iterator[list[str]]:
    """Requests for an address that begins so, made within the block."""
    sent: list[str] = []
    visitor.page.on("request", lambda request: sent.append(request.url) if path in request.url else None)
    yield sent


def hold(page, address: str) -> list:
    """Requests for an address, held back as they come."""
    held = []

    def keep(route) -> None:
        held.append(route)

    page.route(address, keep)
    return held


def find_parts(visitor: Visitor):
    """The section, its select, and the chips that are buttons."""
    seen = visitor.page.get_by_role("region", name="Seen in your picture")
    return seen, seen.get_by_label("Seen by"), seen.get_by_role("button")


def test_another_engine_sees_something_else_and_the_hits_stay(visitor, engines, red_shirt):
    page = visitor.page
    visitor.open()
    expect(page.locator("#seen")).to_be_hidden()
    visitor.upload(red_shirt)
    seen, choice, chips = find_parts(visitor)
    assert choice.locator("option").all_inner_texts() == [
        "the catalogue's classifier",
        "a network on pixels",
        "the same network, spiking",
    ]
    expect(choice).to_have_value("heads")
    expect(chips).to_have_text(["Color Red 99%"])
    assert engines.asked == []
    hits = visitor.read_ids()

    with record_requests(visitor, "/v1/search") as searched:
        choice.select_option("cnn")
        expect(chips).to_have_text(["Color Yellow 98%"])
        # The shop knows nothing of warmth, so that is said and cannot be pressed.
        expect(seen.get_by_role("listitem")).to_have_text(["Color Yellow 98%", "Warmth warm 98%"])
        expect(seen.locator("#seen-work")).to_have_text("3 ms")
        expect(page.locator("#announcer")).to_contain_text("Seen in your picture: Yellow, warm")
        choice.select_option("snn")
        expect(chips).to_have_text(["Color Yellow 89%"])
        expect(seen.locator("#seen-work")).to_have_text("Decided after 5 of 8 time steps, 41,203 spikes, 95 ms.")
        choice.select_option("heads")
        expect(chips).to_have_text(["Color Red 99%"])
        expect(seen.locator("#seen-work")).to_be_hidden()
        choice.select_option("cnn")
        expect(chips).to_have_text(["Color Yellow 98%"])
    assert visitor.read_ids() == hits
    assert searched == []
    assert engines.asked == ["cnn", "snn"], "what has been answered is not asked again"


def test_what_a_network_sees_is_a_filter_away(visitor, engines, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    _, choice, chips = find_parts(visitor)
    choice.select_option("cnn")
    expect(chips).to_contain_text("Yellow")
    chips.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#results-title")).to_have_text("12 items, most similar first")
    visitor.wait()
    assert visitor.read_ids()[0].split("/")[1].startswith("Yellow")
    expect(chips).to_have_attribute("aria-pressed", "true")
    expect(chips).to_be_focused()
    # Filters beside the grid go on from the choice too.
    visitor.choose("Blue")
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)], "color": ["Blue", "Yellow"], "engine": ["cnn"]}
    expect(choice).to_have_value("cnn")
    assert engines.asked == ["cnn"]


def test_the_address_keeps_the_choice(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    _, choice, chips = find_parts(visitor)
    assert "engine" not in read_address(visitor)
    choice.select_option("snn")
    expect(chips).to_contain_text("Yellow")
    assert read_address(visitor)["engine"] == ["snn"]
    for address in (page.locator("a.tile-photo").first.get_attribute("href"), page.url):
        assert address is not None
        assert "engine=snn" in address
    page.reload()
    visitor.wait()
    expect(choice).to_have_value("snn")
    expect(chips).to_contain_text("Yellow")
    choice.select_option("heads")
    expect(chips).to_contain_text("Red")
    assert "engine" not in read_address(visitor)
    page.go_back()
    expect(choice).to_have_value("snn")
    expect(chips).to_contain_text("Yellow")
    visitor.open(f"/?photo={name_photo(red_shirt)}&engine=dreams")
    expect(choice).to_have_value("heads")
    expect(chips).to_contain_text("Red")


def test_only_the_first_spiking_answer_is_said_to_take_long(visitor, red_shirt, blue_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    seen, choice, chips = find_parts(visitor)
    held = hold(page, "**/v1/classify*")
    choice.select_option("snn")
    expect(seen.locator("#seen-note")).to_have_text(STARTING)
    expect(page.locator("#announcer")).to_contain_text(STARTING)
    expect(chips).to_have_count(0)
    assert len(visitor.read_ids()) == 24
    held.pop().continue_()
    expect(chips).to_contain_text("Yellow")
    page.set_input_files("#file", blue_shirt)
    expect(seen.locator("#seen-note")).to_have_text("Looking…")
    expect(page.locator("#announcer")).to_contain_text("24 of 60 items. Looking…")
    held.pop().continue_()
    expect(chips).to_have_text(["Color Blue 88%"])
    expect(page.locator("#announcer")).to_contain_text("Seen in your picture: Blue, cool")


def test_a_late_answer_does_not_overwrite_a_newer_one(visitor, engines, red_shirt, blue_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    seen, choice, chips = find_parts(visitor)
    held = []
    page.route("**/v1/classify*", lambda route: route.continue_() if held else held.append(route))
    choice.select_option("cnn")
    expect(seen.locator("#seen-note")).to_have_text("Looking…")
    page.set_input_files("#file", blue_shirt)
    expect(chips).to_contain_text("Blue")
    with page.expect_response("**/v1/classify*") as late:
        held[0].continue_()
    assert late.value.json()["attributes"]["color"]["accepted"] == ["Yellow"]
    page.wait_for_timeout(200)
    expect(chips).to_have_text(["Color Blue 98%"])

    # Nor does one of an engine that nobody asks any more; a filter meanwhile does not ask a second time.
    held.clear()
    choice.select_option("snn")
    expect(seen.locator("#seen-note")).to_have_text(STARTING)
    visitor.choose("Blue")
    expect(seen.locator("#seen-note")).to_have_text(STARTING)
    choice.select_option("heads")
    expect(chips).to_have_text(["Color Blue 100%"])
    with page.expect_response("**/v1/classify*"):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(chips).to_have_text(["Color Blue 100%"])
    expect(seen.locator("#seen-work")).to_be_hidden()
    assert engines.asked == ["cnn", "cnn", "snn"]


def test_a_choice_made_while_a_picture_is_sent_does_not_lose_it(visitor, red_shirt, blue_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(blue_shirt)
    _, choice, chips = find_parts(visitor)
    choice.select_option("cnn")
    expect(chips).to_contain_text("Blue")
    choice.select_option("heads")
    held = hold(page, "**/v1/search")
    page.set_input_files("#file", red_shirt)
    expect(page.locator("#seen-note")).to_have_text("Looking…")
    choice.select_option("cnn")
    # The picture before was blue.
    expect(chips).to_have_count(0)
    held.pop().continue_()
    expect(chips).to_contain_text("Yellow")
    assert read_address(visitor) == {"photo": [name_photo(red_shirt)], "engine": ["cnn"]}


def test_a_problem_is_said_where_the_chips_would_be(visitor, engines, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    seen, choice, chips = find_parts(visitor)
    hits = visitor.read_ids()
    engines.trouble = TryLaterError("the spiking network did not answer in time; ask again")
    visitor.expect_failure(503)
    with page.expect_response("**/v1/classify*") as refused:
        choice.select_option("snn")
    detail = refused.value.json()["detail"]
    expect(seen.locator("#seen-note")).to_have_text(detail)
    expect(page.locator("#announcer")).to_contain_text(detail)
    assert visitor.read_ids() == hits
    expect(page.locator("#notice")).to_be_empty()
    engines.trouble = None
    press_until(page, "Tab", "#seen-chips button")
    page.keyboard.press("Enter")
    expect(chips).to_contain_text("Yellow")
    expect(page.locator("#seen")).to_be_focused()

    engines.names = ("snn",)
    visitor.expect_failure(404)
    choice.select_option("cnn")
    expect(seen.locator("#seen-note")).to_contain_text("no engine 'cnn' can be asked here")
    expect(chips).to_have_count(0)
    assert visitor.read_ids() == hits
    choice.select_option("snn")
    expect(chips).to_contain_text("Yellow")


def test_a_network_that_is_not_sure_says_so(visitor, shop):
    visitor.open("/?engine=snn")
    visitor.upload(shop / "photos" / "Tshirts-Black-1.jpg")
    seen, _, chips = find_parts(visitor)
    expect(seen.locator("#seen-note")).to_have_text("Nothing that the classifier is sure of.")
    expect(seen.locator("#seen-work")).to_contain_text("5 of 8 time steps")
    expect(chips).to_have_count(0)


def test_a_picture_the_server_has_forgotten_is_sent_again(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    _, choice, chips = find_parts(visitor)
    visitor.expect_failure(404)

    def forget(route):
        if route.request.headers["content-type"] == "application/json":
            problem = {"status": 404, "code": "photo_expired", "title": "Expired", "detail": "No longer kept."}
            route.fulfill(status=404, content_type="application/problem+json", json=problem)
        else:
            route.continue_()

    page.route("**/v1/classify*", forget)
    choice.select_option("cnn")
    expect(chips).to_contain_text("Yellow")
