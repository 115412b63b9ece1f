"""A catalogue with a classifier: what is seen in a picture, what was seen in the shop's photos, and whose values count.

The shop of the other journeys, served in this process with the classifier of colours in `tests/contracts`.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, ImageColor
from playwright.sync_api import expect

from api.app import create_app
from api.engines import PixelEngines
from api.server import Bound, serve
from indexer.items import put_item
from search.attributes import AttributeKind
from search.catalogue import Catalogue
from search.item import Item
from search.manifest import Manifest
from search.stores.edge import open_edge_store
from search.thumbnails import Thumbnails
from tests.contracts.color_tagger import ColorTagger
from tests.contracts.pixel_encoder import PixelEncoder
from tests.journeys.conftest import COLORS
from tests.journeys.test_access import SHIFTS, find_violations

pytestmark = pytest.mark.browser

WITHOUT_COLOR = "Borea"
"""The shop has named no colour of this brand's items: 20 of the 60."""

TAGGER = ColorTagger({name: ImageColor.getrgb(code) for name, code in COLORS.items()})
ENCODERS = (PixelEncoder("pixels", 8), PixelEncoder("color", 1))
SCHEMA = dict.fromkeys(("brand", "color", "product_type"), AttributeKind.KEYWORD) | {"title": AttributeKind.TEXT}
START_S = 60


def index_shop(shop: Path, folder: Path, *, classified: bool = True) -> Catalogue:
    """The shop in a catalogue, with the classifier of colours or without any."""
    spaces = tuple(encoder.space for encoder in ENCODERS) + ((TAGGER.space,) if classified else ())
    weights = {"pixels": 0.4, "color": 0.4} | ({"classifier": 0.2} if classified else {})
    record = TAGGER.record if classified else None
    catalogue = Catalogue(
        folder=folder,
        manifest=Manifest(spaces=spaces, weights=weights, attributes=SCHEMA, classifier=record),
        store=open_edge_store(folder / "shard", spaces=spaces, schema=SCHEMA),
        open_encoders=lambda: ENCODERS,
        open_tagger=lambda record: TAGGER,
        thumbnails=Thumbnails(folder / "thumbnails"),
    )
    with (shop / "feed.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            attributes = {name: row[name] for name in SCHEMA}
            if row["brand"] == WITHOUT_COLOR:
                del attributes["color"]
            photo = (shop / row["image_link"]).read_bytes()
            put_item(catalogue, Item(id=row["id"], attributes=attributes, photos=()), [photo])
    return catalogue


@contextmanager
def serve_shop(catalogue: Catalogue, ui: Path, engines: PixelEngines | None = None) -> Iterator[str]:
    """Address of a catalogue served from a thread, until the end of the block."""
    app = create_app(catalogue, version="1", engines=engines, ui=ui)
    ready, stop, bound = threading.Event(), threading.Event(), list[Bound]()

    def announce(where: Bound) -> None:
        bound.append(where)
        ready.set()

    thread = threading.Thread(target=serve, args=(app,), kwargs={"port": 0, "on_ready": announce, "stop": stop})
    thread.start()
    assert ready.wait(START_S)
    try:
        yield bound[0].url.rstrip("/")
    finally:
        stop.set()
        thread.join(START_S)


@pytest.fixture(scope="module")
def server(shop: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the classified shop."""
    catalogue = index_shop(shop, tmp_path_factory.mktemp("classified"))
    with serve_shop(catalogue, repository / "ui") as address:
        yield address
    catalogue.close()


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A picture in a colour the shop does not have."""
    path = tmp_path / "strange.png"
    Image.new("RGB", (200, 200), (250, 120, 220)).save(path)
    return path


def read_address(visitor) -> dict[str, list[str]]:
    return parse_qs(urlsplit(visitor.page.url).query)


def test_what_is_seen_in_a_picture_is_a_filter_away(visitor, red_shirt):
    page = visitor.page
    visitor.open()
    expect(page.locator("#seen")).to_be_hidden()
    visitor.upload(red_shirt)
    seen = page.get_by_role("region", name="Seen in your picture")
    chip = seen.get_by_role("button")
    expect(chip).to_have_count(1)
    expect(chip).to_contain_text("Red")
    expect(chip).to_contain_text("%")
    expect(chip).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#announcer")).to_contain_text("Seen in your picture: Red")

    chip.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#results-title")).to_have_text("12 items, most similar first")
    visitor.wait()
    assert read_address(visitor)["color"] == ["Red"]
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(chip).to_be_focused()
    page.reload()
    visitor.wait()
    expect(seen.get_by_role("button")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Remove your picture").click()
    visitor.wait()
    expect(page.locator("#seen")).to_be_hidden()
    expect(page.locator("#results-title")).to_have_text("12 items")


def test_a_picture_of_something_else_is_said_to_be_and_answered(visitor, strange):
    visitor.open()
    visitor.upload(strange)
    expect(visitor.page.locator("#seen-note")).to_contain_text("does not look like anything in this catalogue")
    expect(visitor.page.locator("#seen").get_by_role("button")).to_have_count(0)
    assert len(visitor.read_ids()) == 24


def test_details_keep_what_is_seen_apart_from_what_the_shop_says(visitor):
    page = visitor.page
    visitor.open("/?color=Green&brand=Borea&product_type=Dresses")
    page.locator(".tile-title").click()
    dialog = page.get_by_role("dialog")
    seen = dialog.get_by_role("region", name="Seen in the photo")
    expect(seen.locator("dt")).to_have_text("Color")
    expect(seen.locator("dd")).to_contain_text("Green")
    expect(seen.locator("dd")).to_contain_text("%")
    shop = dialog.locator("dl.attributes").first
    expect(shop).to_contain_text("Borea")
    expect(shop).not_to_contain_text("Color")


def test_whose_values_count_is_for_the_visitor_to_choose(visitor):
    page = visitor.page
    visitor.open("/?color=Red&brand=Borea")
    title = page.locator("#results-title")
    expect(title).to_have_text("4 items")
    source = page.get_by_label("Values of")
    expect(source).to_have_value("either")
    source.select_option("merchant")
    expect(title).to_have_text("0 items")
    assert read_address(visitor)["source"] == ["merchant"]
    # The shop has named the colour of 8 red items; the other brands' ones.
    page.get_by_role("button", name="Remove Borea").click()
    expect(title).to_have_text("8 items")
    page.reload()
    visitor.wait()
    expect(title).to_have_text("8 items")
    expect(source).to_have_value("merchant")
    # Brands are not predicted: asked with the photo's values too, they stay the shop's.
    source.select_option("predicted")
    expect(title).to_have_text("12 items")
    visitor.wait()
    visitor.choose("Kite & Co")
    expect(title).to_have_text("4 items")
    page.go_back()
    page.go_back()
    expect(source).to_have_value("merchant")
    expect(title).to_have_text("8 items")


def test_facets_count_what_is_seen_where_the_shop_says_nothing(visitor):
    page = visitor.page
    visitor.open()
    red = page.locator("#facets .chip").filter(has=page.get_by_text("Red", exact=True))
    expect(red.locator(".count")).to_have_text("12")
    page.get_by_label("Values of").select_option("merchant")
    expect(red.locator(".count")).to_have_text("8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visitor, red_shirt, strange, scheme):
    page = visitor.page
    visitor.open()
    visitor.upload(red_shirt)
    page.locator("#seen").get_by_role("button").click()
    visitor.wait()
    assert find_violations(page) == [], "a picture and what is seen in it"
    page.locator(".tile-title").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert find_violations(page) == [], "the details"
    page.keyboard.press("Escape")
    visitor.upload(strange)
    expect(page.locator("#seen-note")).to_contain_text("does not look like")
    assert find_violations(page) == [], "a picture of something else"


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_chips_fit_every_width_and_nothing_moves_when_they_come(visitor, red_shirt, width):
    page = visitor.page
    page.add_init_script(SHIFTS)
    page.set_viewport_size({"width": width, "height": 800})
    visitor.open()
    # Held back: the place for the chips is to be there before the answer is.
    held = []
    page.route("**/v1/search", lambda route: route.continue_() if held else held.append(route))
    page.set_input_files("#file", red_shirt)
    expect(page.locator("#seen")).to_be_visible()
    page.wait_for_timeout(100)
    moved = "() => window.shifts.reduce((sum, shift) => sum + shift, 0)"
    before = page.evaluate(moved)
    held[0].continue_()
    expect(page.locator("#seen").get_by_role("button")).to_be_visible(timeout=20_000)
    visitor.wait()
    page.wait_for_timeout(300)
    assert page.evaluate(moved) - before <= 0.02
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator("#seen").get_by_role("button").bounding_box()
    assert box is not None
    assert box["height"] >= 24
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
