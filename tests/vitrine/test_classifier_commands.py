"""From a feed to predictions on the command line: train, tag, classify, search, conflicts, evaluate."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.contracts.drawn_shop import COLORS, draw_photo, draw_shop, write_csv
from tests.vitrine.conftest import Indexed, run_vitrine
from vitrine.exit_codes import DAMAGED, NOT_FOUND

ITEMS = 240
WRONG = "item-7"
BARE = {f"item-{number}": list(COLORS)[number % len(COLORS)] for number in range(8, ITEMS, 19)}
"""Items of which the shop says no colour, and the colour they have."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A feed of drawn garments; of some the shop says no colour."""
    folder = tmp_path_factory.mktemp("shop")
    rows = draw_shop(folder, ITEMS)
    for row in rows:
        if row["id"] in BARE:
            row["color"] = ""
    return folder, write_csv(folder / "feed.csv", rows)


@pytest.fixture
def shop(made: tuple[Path, Path]) -> Indexed:
    """The shop, indexed, trained and tagged by the first test that asks."""
    folder, feed = made
    shop = Indexed(folder=folder, data=folder / "data", feed=feed)
    if not (shop.data / "catalogue.json").exists():
        assert shop.run("index", feed).code == 0
        trained = shop.run("train", "heads", feed, "-a", "color", "-a", "product_type", "--json").json
        assert trained["attributes"].keys() == {"color", "product_type"}
        assert shop.run("tag", "--json").json["photos"] == ITEMS
    return shop


def read_colors(feed: Path) -> dict[str, str]:
    with feed.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["color"] for row in csv.DictReader(file)}


def test_asking_before_training_says_what_to_do(made, tmp_path):
    folder, _ = made
    data = tmp_path / "untrained"
    few = write_csv(folder / "few.csv", draw_shop(folder, 20))
    run_vitrine(data, "index", few)
    answer = run_vitrine(data, "classify", folder / "photos" / "1.jpg")
    assert answer.code == NOT_FOUND
    assert "vitrine train heads" in answer.err
    assert run_vitrine(data, "tag").code == NOT_FOUND
    too_few = run_vitrine(data, "train", "heads", few)
    assert too_few.code == 1
    assert "index more" in too_few.err


def test_a_photo_is_named_by_its_colour_and_kind(shop):
    draw_photo(shop.folder / "new.jpg", 900, color="Green", shape="Dresses")
    [photo] = shop.run("classify", shop.folder / "new.jpg", "--json").json["photos"]
    assert photo["attributes"]["color"]["values"][0]["value"] == "Green"
    assert photo["attributes"]["product_type"]["values"][0]["value"] == "Dresses"
    assert not photo["outside"]


def test_a_filter_finds_what_the_shop_left_out(shop):
    def find(color: str, source: str) -> set[str]:
        answer = shop.run("search", "--filter", f"color={color}", "--source", source, "--limit", 200, "--json").json
        return {hit["id"] for hit in answer["hits"]} & BARE.keys()

    for color in COLORS:
        assert not find(color, "merchant")
        assert find(color, "either") == find(color, "predicted")
    found = {item_id for item_id, color in BARE.items() if item_id in find(color, "either")}
    assert len(found) > len(BARE) / 2  # of the others the classifier is not sure


def test_searching_says_what_is_seen(shop):
    photo = shop.folder / "photos" / "4.jpg"
    answer = shop.run("search", "--photo", photo, "--classify", "--json").json
    assert answer["hits"][0]["id"] == "item-4"
    assert answer["weights"]["classifier"] > 0
    assert answer["query"]["attributes"]["color"]["values"][0]["value"] == list(COLORS)[4 % len(COLORS)]


def test_a_wrong_label_is_a_conflict(shop):
    assert shop.run("conflicts", "--attribute", "color", "--json").json["conflicts"] == []
    with shop.feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    [row] = [row for row in rows if row["id"] == WRONG]
    row["color"] = next(color for color in COLORS if color != row["color"])
    assert shop.run("index", write_csv(shop.folder / "changed.csv", [row]), "--json").json["updated"] == 1
    [conflict] = shop.run("conflicts", "--attribute", "color", "--json").json["conflicts"]
    assert (conflict["id"], conflict["shop"]) == (WRONG, [row["color"]])


def test_evaluation_is_far_above_chance(shop):
    report = shop.folder / "report"
    found = shop.run("evaluate", "attributes", shop.feed, "--report", report, "--json").json
    assert found["attributes"]["color"]["accuracy"] > 0.8
    assert found["attributes"]["product_type"]["accuracy"] > 0.8
    assert (report / "index.html").exists()


def test_an_export_has_the_predictions_apart(shop):
    shop.run("export", "--out", shop.folder / "items.jsonl")
    rows = {row["id"]: row for row in map(json.loads, (shop.folder / "items.jsonl").read_text("utf-8").splitlines())}
    named = {item_id: row["predicted.color"] for item_id, row in rows.items() if "predicted.color" in row}
    colors = read_colors(shop.feed)
    assert len(named) > ITEMS / 2
    right = [BARE.get(item_id) or colors[item_id] for item_id in named]
    assert sum(map(str.__eq__, right, named.values())) > 0.9 * len(named)
    assert not any("color" in rows[item_id] for item_id in BARE)


def test_doctor_is_content(shop):
    assert shop.run("doctor", "--json").json["ok"]


def test_damaged_weights_are_refused_by_name(shop):
    [weights] = shop.data.glob("models/heads/*/heads.safetensors")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    try:
        answer = shop.run("classify", shop.folder / "photos" / "1.jpg")
        assert answer.code == DAMAGED
        assert "heads.safetensors" in answer.err
    finally:
        weights.write_bytes(whole)
