"""`kill -9` in the middle of indexing, then the same command: nothing lost, nothing twice, the same index.

The moments are drawn with a seed, each from what the process has done so far, so that they fall where they are meant
to on a fast machine as on a slow one.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import qdrant_edge as qe

from indexer.journal import FILE_NAME as JOURNAL
from indexer.journal import open_journal
from search.manifest import FILE_NAME as MANIFEST
from search.manifest import load_manifest
from search.store import StoredPoint
from search.stores.edge import open_edge_store
from search.stores.payload import from_payload
from tests.contracts.drawn_shop import Row, draw_photo, draw_shop, write_csv
from vitrine.wiring import find_shard

ROOT = Path(__file__).parents[2]
# Kept from run to run: making a graph takes seconds. Read before the tests' conftest takes the variable away.
MODELS = Path(os.environ.get("VITRINE_MODELS") or ROOT / ".cache" / "models")
SPACES = {"efficientnet_lite0", "color"}
PATIENCE_S = 120

Points = dict[tuple[str, int], StoredPoint]
Moment = Callable[[Path, int], bool]
"""Whether a run (data directory, number of the run before) has come this far."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A drawn shop and its two feeds, with what an uninterrupted run makes of each."""

    folder: Path
    first: Path
    second: Path
    whole: Path


def copy_folder(source: Path, target: Path) -> None:
    """A copy in which the engine's empty pages stay holes."""
    subprocess.run(["cp", "--recursive", "--sparse=always", source, target], check=True)


def start_index(data: Path, feed: Path) -> subprocess.Popen[str]:
    """The command under test, as a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "VITRINE_MODELS": str(MODELS),
        "VITRINE_ENCODER": "efficientnet_lite0",
        "VITRINE_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "vitrine", "--data", str(data), "index", str(feed), "--json"],
        cwd=feed.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish_index(data: Path, feed: Path) -> dict:
    """Run the command to its end; its report."""
    process = start_index(data, feed)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    return json.loads(out)


def kill_index(data: Path, feed: Path, moment: Moment, delay_s: float) -> bool:
    """Start the command and kill it at that moment and a little later; False where it had ended before."""
    before = read_last_run(data)[0]
    process = start_index(data, feed)
    deadline = time.monotonic() + PATIENCE_S
    try:
        while process.poll() is None and not moment(data, before):
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(delay_s)
    finally:
        process.kill()
        _, err = process.communicate()
    assert process.returncode in (0, -9), err
    return process.returncode == -9


def read_last_run(data: Path) -> tuple[int, dict[str, int]]:
    """Number and counts of the newest run, as far as its journal can be read now."""
    try:
        with closing(sqlite3.connect(f"file:{data / JOURNAL}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT id, counts FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.Error:
        row = None
    return (0, {}) if row is None else (row[0], json.loads(row[1]))


def has_manifest(data: Path, before: int) -> bool:
    return (data / MANIFEST).exists()


def has_store(data: Path, before: int) -> bool:
    return (data / "generations").exists()


def has_run(data: Path, before: int) -> bool:
    return read_last_run(data)[0] > before


def has_written(data: Path, before: int) -> bool:
    number, counts = read_last_run(data)
    return number > before and counts.get("indexed", 0) > 0


def read_points(data: Path) -> Points:
    """Every point of the catalogue, second photos and vectors too; none where there is no store yet."""
    manifest = load_manifest(data)
    if not find_shard(data, manifest).exists():  # looking must not make it
        return {}
    store = open_edge_store(find_shard(data, manifest), spaces=manifest.spaces, schema=manifest.attributes)
    try:
        records, following = store._shard.scroll(
            qe.ScrollRequest(limit=10_000, with_payload=True, with_vector=sorted(SPACES))
        )
    finally:
        store.close()
    assert following is None
    points = [from_payload(record.payload or {}, record.vector) for record in records]
    found = {(point.item.id, point.photo.index): point for point in points}
    assert len(found) == len(points)  # nothing twice
    return found


def check_same_index(data: Path, whole: Path) -> None:
    """Ids, payloads and vectors are those of the uninterrupted run."""
    found, expected = read_points(data), read_points(whole)
    assert found.keys() == expected.keys()
    for key, point in expected.items():
        assert replace(found[key], vectors={}) == replace(point, vectors={})
        for space in SPACES:
            assert float(np.dot(found[key].vectors[space], point.vectors[space])) >= 0.99999, (key, space)
    assert load_manifest(data) == load_manifest(whole)
    thumbnails = {file.name for file in (data / "thumbnails").rglob("*.jpg")}
    assert {f"{point.photo.sha256}.jpg" for point in expected.values()} <= thumbnails


def change_rows(rows: list[Row], folder: Path) -> list[Row]:
    """The feed of the next day: names, prices and photos changed, second photos gone and come, items new."""
    changed = [dict(row) for row in rows]
    for number, row in enumerate(changed):
        if number % 4 == 0:
            row["title"] = f"{row['title']}, now better"
        if number % 5 == 0:
            row["image_link"] = f"photos/{number}-new.jpg"
            draw_photo(folder / f"photos/{number}-new.jpg", 512 + number)
        if number % 6 == 0:
            row["additional_image_link"] = ""
        if number % 7 == 1:
            row["additional_image_link"] = f"photos/{number}.jpg,photos/0-back.jpg"
    return changed + draw_shop(folder, 10, first=300)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    rows = draw_shop(folder, 100, second_photos=True)
    first = write_csv(folder / "first.csv", rows)
    second = write_csv(folder / "second.csv", change_rows(rows, folder))
    report = finish_index(folder / "whole", first)
    assert (report["indexed"], report["failed"]) == (100, 0)
    return Shop(folder=folder, first=first, second=second, whole=folder / "whole")


def test_killed_while_indexing(shop, tmp_path):
    """Five kills on one catalogue, one after the other: before there is a store, in the first batch, after some."""
    chance = random.Random(20)
    data = tmp_path / "data"
    moments = [(has_manifest, 0.1), (has_store, 0.3), (has_run, 0.4), (has_written, 0.2), (has_written, 0.1)]
    killed = 0
    kept: Points = {}
    expected = read_points(shop.whole)
    for moment, spread in moments:
        killed += kill_index(data, shop.first, moment, chance.uniform(0, spread))
        found = read_points(data)
        assert found.keys() >= kept.keys()  # what was acknowledged stays
        for key, point in found.items():
            assert replace(point, vectors={}) == replace(expected[key], vectors={})
            assert set(point.vectors) == SPACES
        kept = found
    assert killed >= 4
    assert kept  # the later kills were in the middle
    report = finish_index(data, shop.first)
    assert report["read"] == report["indexed"] + report["unchanged"] == 100
    assert report["unchanged"] == len({item_id for item_id, _ in kept})
    check_same_index(data, shop.whole)
    assert finish_index(data, shop.first)["unchanged"] == 100
    with open_journal(data) as journal:
        assert journal.read_last_run().state == "finished"


def test_killed_while_updating(shop, tmp_path):
    """The feed has changed: some items get new attributes, some other photos, some lose one, some are new."""
    chance = random.Random(4)
    data, fresh = tmp_path / "data", tmp_path / "fresh"
    copy_folder(shop.whole, data)
    killed = 0
    for moment, spread in ((has_run, 0.5), (has_written, 0.1)):
        killed += kill_index(data, shop.second, moment, chance.uniform(0, spread))
        mains = {item_id for item_id, index in read_points(data) if index == 0}
        assert mains >= {f"item-{n}" for n in range(100)}  # no item is ever missing
    assert killed >= 1
    report = finish_index(data, shop.second)
    assert report["read"] == report["indexed"] + report["updated"] + report["unchanged"] == 110
    finish_index(fresh, shop.second)
    check_same_index(data, fresh)
