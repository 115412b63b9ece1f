"""What a journey needs: a drawn shop, indexed and served by the real programs, and a visitor with a browser.

The visitor watches while a test runs: a script error, a dialog or a request to another host fails any test.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

COLORS = {"Red": "#cc2b2b", "Blue": "#2f62c8", "Green": "#2f8a48", "Black": "#222224", "Yellow": "#f0c92f"}
SHAPES = {
    "Tshirts": [(36, 14), (64, 14), (92, 38), (80, 50), (71, 42), (71, 88), (29, 88), (29, 42), (20, 50), (8, 38)],
    "Dresses": [(40, 6), (60, 6), (62, 40), (85, 94), (15, 94), (38, 40)],
    "Trousers": [(33, 6), (67, 6), (75, 95), (55, 95), (50, 35), (45, 95), (25, 95)],
    "Handbags": [(22, 40), (78, 40), (88, 86), (12, 86)],
}
ITEMS_EACH = 3  # of every shape in every colour: 60 items
PAYLOADS = {
    "title": '<img src=x onerror="alert(1)"><script>alert(2)</script>',
    "description": "<svg onload=alert(3)>",
    "brand": "\"><b onmouseover='alert(4)'>Acme</b>",
    "link": "javascript:alert(5)",
}
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_S = 300  # the first index exports its model


@dataclass(kw_only=True)
class Visitor:
    """Somebody in front of the page, and what went wrong under their eyes."""

    page: Page
    server: str
    expected: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> None:
        """Go to an address of the page and wait for its hits."""
        self.page.goto(self.server + path)
        self.wait()

    def wait(self) -> None:
        """Until the grid shows what was asked last."""
        expect(self.page.locator("#grid")).not_to_have_attribute("aria-busy", "true", timeout=20_000)

    def upload(self, photo: Path) -> None:
        """Choose a picture and wait for its hits."""
        self.page.set_input_files("#file", photo)
        expect(self.page.locator(".tile .score").first).to_be_visible(timeout=20_000)
        self.wait()

    def choose(self, value: str) -> None:
        """Press the chip of a facet's value."""
        self.page.locator("#facets .chip").filter(has=self.page.get_by_text(value, exact=True)).click()
        self.wait()

    def read_ids(self) -> list[str]:
        """Ids of the tiles, in their order."""
        tiles = self.page.locator("li.tile:not(.skeleton)")
        return [str(value) for value in tiles.evaluate_all("tiles => tiles.map(tile => tile.dataset.item)")]

    def read_colors(self) -> set[str]:
        """The colours the tiles name."""
        return set(self.page.locator(".tile-color").all_inner_texts())

    def expect_failure(self, status: int) -> None:
        """Chromium logs every refused request as an error; this one is part of the test."""
        self.expected.append(f"status of {status}")

    def hear(self, message: ConsoleMessage) -> None:
        """Remember an error of the console, unless it was expected."""
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.complaints.append(f"console: {message.text}")

    def see(self, request: Request) -> None:
        """Remember a request that leaves the server."""
        if urlsplit(request.url).scheme not in ("blob", "data") and not request.url.startswith(self.server + "/"):
            self.complaints.append(f"request to another host: {request.url}")


def _draw_photo(path: Path, shape: str, color: str, number: int) -> None:
    side = 224
    picture = Image.new("RGB", (side, side + 24 * number), "white")
    corners = [(x * (0.8 + 0.1 * number) * side / 100, y * side / 100) for x, y in SHAPES[shape]]
    ImageDraw.Draw(picture).polygon(corners, fill=COLORS[color], outline="#666666")
    picture.save(path, quality=90)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `feed.csv` and its photos: 60 garments, three of each kind in each colour, one of them hostile."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "photos").mkdir()
    rows = []
    for shape in SHAPES:
        for color in COLORS:
            for number in range(ITEMS_EACH):
                item_id = f"{shape}/{color} {number}"  # a slash and a blank: ids are the shop's own
                link = f"photos/{shape}-{color}-{number}.jpg"
                _draw_photo(folder / link, shape, color, number)
                rows.append(
                    {
                        "id": item_id,
                        "title": f"{color} {shape} no. {number}",
                        "description": "Drawn for a test.",
                        "link": "https://shop.example/item",
                        "image_link": link,
                        "price": f"{10 + len(rows)}.50 EUR",
                        "brand": ("Acme", "Borea", "Kite & Co")[number],
                        "color": color,
                        "product_type": shape,
                    }
                )
    rows[0].update(PAYLOADS)
    with (folder / "feed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="session")
def server(shop: Path, chromium: Path, repository: Path) -> Iterator[str]:
    """Address of a server of ours over the drawn shop."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    paths = [environment.get("PYTHONPATH"), str(repository)]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    vitrine = [sys.executable, "-m", "vitrine", "--data", str(shop / "data")]
    indexed = subprocess.run(
        [*vitrine, "index", str(shop / "feed.csv")],
        cwd=shop,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_S,
    )
    assert indexed.returncode == 0, indexed.stderr
    ready = shop / "ready.json"
    with (shop / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*vitrine, "serve", "--host", "127.0.0.1", "--port", "0", "--ready-file", str(ready)],
            cwd=shop,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield _wait_for_address(process, ready, shop / "server.log")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for_address(process: subprocess.Popen[bytes], ready: Path, log: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists() and ready.read_text():
            return str(json.loads(ready.read_text())["url"]).rstrip("/")
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """A Chromium without a window.

    One a module, not one a session: Playwright leaves its event loop running in this thread, and tests elsewhere that
    run a loop of their own would be refused.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def scheme() -> str:
    """Light or dark; a test that wants both parametrizes this."""
    return "light"


@pytest.fixture
def visitor(browser: Browser, server: str, scheme: str) -> Iterator[Visitor]:
    """Somebody with a fresh profile, whose complaints are read at the end."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
        reduced_motion="reduce",
    )
    page = context.new_page()
    visitor = Visitor(page=page, server=server)
    page.on("console", visitor.hear)
    page.on("pageerror", lambda error: visitor.complaints.append(f"script: {error}"))
    page.on("request", visitor.see)

    def refuse(dialog: object) -> None:
        visitor.complaints.append(f"dialog: {dialog}")
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", refuse)
    yield visitor
    context.close()
    assert visitor.complaints == []


@pytest.fixture
def red_shirt(shop: Path) -> Path:
    """A photo of the shop, as a visitor might have it."""
    return shop / "photos" / "Tshirts-Red-1.jpg"
