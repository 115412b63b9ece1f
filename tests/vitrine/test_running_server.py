"""Commands beside a running server of ours on the same data directory, and after one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from search.manifest import load_manifest
from tests.contracts.drawn_shop import draw_shop, write_csv
from tests.vitrine.conftest import run_vitrine
from vitrine.wiring import find_shard

ROOT = Path(__file__).parents[2]


def ask(url: str, method: str = "GET") -> tuple[int, dict]:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            body = answer.read()
            return answer.status, json.loads(body) if body else {}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@contextmanager
def open_server(data: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of ours over a data directory: its process and its address."""
    command = [sys.executable, "-m", "vitrine", "--data", str(data), "serve", "--port", "0"]
    ready, log = folder / "ready.json", folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--ready-file", str(ready)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
        )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process, json.loads(ready.read_text())["url"].rstrip("/")
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def server(small_shop, tmp_path):
    """A server of ours over the small shop."""
    with open_server(small_shop.data, tmp_path) as opened:
        yield opened


def test_commands_go_through_a_running_server(small_shop, server, tmp_path):
    process, url = server
    run = small_shop.run
    manifest = load_manifest(small_shop.data)
    assert run("info", "--json").json["items"] == 12

    more = write_csv(small_shop.folder / "more.csv", draw_shop(small_shop.folder, 3, first=40))
    assert run("index", more, "--json").json["indexed"] == 3
    assert ask(f"{url}/v1/items/item-41")[1]["item"]["title"] == "Blue Trousers no. 41"
    assert run("search", "--item", "item-41", "-n", 50, "--json").json["total"]["value"] == 15
    similar = ask(f"{url}/v1/items/item-41/similar?limit=50")[1]
    assert [hit["id"] for hit in similar["hits"]] == [
        hit["id"] for hit in run("search", "--item", "item-41", "-n", 50, "--json").json["hits"]
    ]

    assert run("delete", "item-41", "--yes", "--json").json == {"deleted": 1}
    assert ask(f"{url}/v1/items/item-41")[0] == 404
    assert ask(f"{url}/v1/items/item-40", "DELETE")[0] == 204
    assert run("search", "--item", "item-40").code == 4
    assert len(run("export").out.splitlines()) == 13
    assert run("doctor", "--json").json["ok"]
    assert run("evaluate", "self", small_shop.feed, "--count", 5, "--json").json["found"] == 5

    second = run("serve", "--port", 0)  # a catalogue has one server
    assert second.code == 2
    assert "server runs" in second.err

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0, (tmp_path / "server.log").read_text()
    assert run("info", "--json").json["items"] == 13  # and the store is free again
    assert find_shard(small_shop.data, manifest).exists()


def test_a_server_that_was_killed_leaves_the_catalogue_usable(small_shop, server):
    process, _ = server
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while (answer := small_shop.run("search", "--item", "item-1", "--json")).code == 5:
        assert time.monotonic() < deadline, answer.err  # its store takes a moment to notice
        time.sleep(0.1)
    assert answer.json["total"]["value"] == 12


def test_a_server_of_an_empty_folder_serves_what_is_indexed_later(tmp_path):
    with open_server(tmp_path / "data", tmp_path) as (process, url):
        assert ask(f"{url}/v1/info")[1]["items"] == 0
        feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 6))
        assert run_vitrine(tmp_path / "data", "index", feed, "--json").json["indexed"] == 6
        # the server has not met these attributes before
        facets = ask(f"{url}/v1/facets?attribute=brand&color=Red&price_lt=50")
        assert facets == (200, {**facets[1], "total": {"value": 2, "relation": "eq"}})
        assert {count["value"]: count["count"] for count in facets[1]["facets"]["brand"]} == {"Acme": 1, "Kite & Co": 1}
        process.terminate()
        assert process.wait(timeout=30) == 0
    assert run_vitrine(tmp_path / "data", "info", "--json").json["items"] == 6
