"""What the command line refuses: with which exit code, in which words, and before any work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.manifest import FILE_NAME, load_manifest
from search.stores.edge import open_edge_store
from tests.contracts.drawn_shop import draw_photo, draw_shop, write_csv
from tests.vitrine.conftest import run_vitrine
from vitrine.wiring import find_shard


def test_a_feed_with_faults_is_indexed_as_far_as_it_goes(tmp_path):
    rows = draw_shop(tmp_path, 8)
    (tmp_path / "photos" / "2.jpg").write_bytes(b"no photo")
    rows[4]["id"] = ""
    rows[6]["price"] = "dear"
    feed = write_csv(tmp_path / "feed.csv", rows)
    answer = run_vitrine(tmp_path / "data", "index", feed, "--json")
    assert answer.code == 3
    report = answer.json
    assert (report["indexed"], report["failed"]) == (5, 3)
    first = [(p["row"], p["id"], p["field"], p["code"]) for p in report["first_problems"]]
    assert first == [
        (3, "item-2", "image_link", "unsupported_format"),
        (5, None, "id", "missing_id"),
        (7, "item-6", "price", "wrong_type"),
    ]
    lines = Path(report["problems_file"]).read_text().splitlines()
    assert [json.loads(line) for line in lines] == report["first_problems"]
    text = run_vitrine(tmp_path / "data", "index", feed)
    assert text.code == 3
    assert "row 3: " in text.err
    assert "3 failed" in text.out


def test_a_dry_run_says_what_would_be_and_writes_nothing(tmp_path, list_tree):
    rows = draw_shop(tmp_path, 8)
    rows[4]["id"] = ""
    rows[6]["image_link"] = "photos/none.jpg"
    for row in rows:
        row["Farbe"] = row.pop("color")
    feed = write_csv(tmp_path / "feed.csv", rows)
    before = list_tree(tmp_path)
    answer = run_vitrine(tmp_path / "data", "index", feed, "--dry-run", "--map", "color=Farbe", "--json")
    assert answer.code == 0
    document = answer.json
    assert (document["rows"], document["usable"]) == (8, 6)
    assert document["mapping"]["color"] == "Farbe"
    assert document["problem_counts"] == {"missing_id": 1, "missing_photo": 1}
    assert [(p["row"], p["code"]) for p in document["problems"]] == [(5, "missing_id"), (7, "missing_photo")]
    text = run_vitrine(tmp_path / "data", "index", feed, "--dry-run")
    assert "8 rows, 6 usable" in text.out
    assert "row 5: " in text.out
    assert list_tree(tmp_path) == before


def test_a_dry_run_beside_a_catalogue_leaves_it_as_it_is(shop, list_tree):
    before = list_tree(shop.data)
    assert shop.run("index", shop.feed, "--dry-run", "--map", "title=brand").code == 0
    assert list_tree(shop.data) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--map", "color=Farbe"], "Farbe"),
        (["--map", "color"], "FIELD=COLUMN"),
        (["--map", "=brand"], "FIELD=COLUMN"),
        (["--encoder", "resnet51"], "efficientnet_lite0"),
        (["--encoder", "color"], "color"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(tmp_path, list_tree, arguments, says):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 2))
    before = list_tree(tmp_path)
    answer = run_vitrine(tmp_path / "data", "index", feed, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert list_tree(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.csv", None),
        ("feed.xlsx", "x"),
        ("feed.csv", ""),
        ("feed.csv", "title,price\nShirt,5\n"),
        ("feed.csv", "id,title\n1,Shirt\n"),
    ],
)
def test_a_feed_that_cannot_be_read_is_refused_before_any_work(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_text(content)
    answer = run_vitrine(tmp_path / "data", "index", tmp_path / name, "--json")
    assert (answer.code, answer.out) == (2, "")
    assert not (tmp_path / "data").exists()


def test_a_catalogue_of_another_encoder_is_left_alone(shop, list_tree):
    before = list_tree(shop.data)
    answer = shop.run("index", shop.feed, "--encoder", "resnet50")
    assert answer.code == 2
    assert "efficientnet_lite0" in answer.err
    assert "another data directory" in answer.err
    assert shop.run("index", shop.feed, "--encoder", "nonsense").code == 2
    assert list_tree(shop.data) == before


def test_a_catalogue_of_other_weights_is_left_alone(small_shop):
    file = small_shop.data / FILE_NAME
    raw = json.loads(file.read_text())
    raw["spaces"][0]["weights_sha256"] = "f" * 64
    file.write_text(json.dumps(raw))
    draw_photo(small_shop.folder / "photos" / "1.jpg", 600)
    for arguments in (("index", small_shop.feed), ("search", "--photo", small_shop.folder / "photos" / "1.jpg")):
        answer = small_shop.run(*arguments)
        assert answer.code == 2
        assert "ffffffffffff" in answer.err
    facts = small_shop.run("info", "--json").json
    assert (facts["items"], facts["last_run"]["state"]) == (12, "finished")  # no new run began
    assert small_shop.run("search", "--item", "item-1", "--json").code == 0  # compares what is there already


def test_missing_weights_name_the_file_and_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("VITRINE_MODELS", str(tmp_path / "models"))
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 2))
    answer = run_vitrine(tmp_path / "data", "index", feed, "--encoder", "resnet50")
    assert (answer.code, answer.out) == (5, "")
    assert "resnet50-11ad3fa6.pth" in answer.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["search"],
        ["search", "--item", "1"],
        ["info"],
        ["export"],
        ["delete", "1", "--yes"],
        ["evaluate", "self", "feed.csv"],
    ],
)
def test_without_a_catalogue_the_way_to_one_is_named(tmp_path, arguments):
    answer = run_vitrine(tmp_path / "data", *arguments)
    assert (answer.code, answer.out) == (4, "")
    assert "vitrine index FEED" in answer.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--item", "nobody"], 4, "nobody"),
        (["--item", "\udcff"], 4, "no item"),
        (["--item", "item-1", "--region", "0,0,1,1"], 2, "one photo"),
        (["--text", "the"], 2, "word"),
        (["--text", "x" * 1_001], 2, "1001"),
        (["--color", "blurple grn"], 2, "colour"),
        (["--item", "item-1^nan"], 2, "weight"),
        (["--item", "item-1", "--min-relevance", "0.5"], 2, "calibrate"),
        (["--group-by", "nothing"], 2, "nothing"),
        (["--histogram", "color=x"], 2, "BINS"),
        (["--diversity", "2", "--item", "item-1"], 2, "diversity"),
        (["--photo", "none.jpg"], 2, "none.jpg"),
        (["--photo", "bad.jpg"], 1, ""),
        (["-f", "colour=Red"], 2, "color"),
        (["-f", "color=\udcff"], 2, "UTF-8"),
        (["-f", "price<dear"], 2, "dear"),
        (["-f", "nonsense"], 2, "name=value"),
        (["-w", "color"], 2, "SPACE=NUMBER"),
        (["-w", "color=nan"], 2, "nan"),
        (["-w", "resnet50=1"], 2, "efficientnet_lite0"),
        (["--facet", "price"], 2, "brand"),
        (["-n", "0"], 2, "limit"),
        (["-n", "251"], 2, "250"),
        (["--cursor", "nonsense"], 2, "cursor"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(shop, tmp_path, arguments, code, says):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff no photo")
    answer = shop.run("search", *arguments, "--json")
    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err
    assert answer.err.startswith("error ")


def test_relevance_by_an_unknown_attribute_is_refused(shop):
    answer = shop.run("evaluate", "retrieval", shop.feed, "--relevant", "product_type,colour")
    assert (answer.code, answer.out) == (2, "")
    assert "colour" in answer.err


def test_evaluating_a_feed_that_was_not_indexed_is_refused(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 3, first=900))
    answer = shop.run("evaluate", "retrieval", feed, "--relevant", "color")
    assert answer.code == 2
    assert "vitrine index" in answer.err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}'])
def test_a_damaged_catalogue_is_exit_6(tmp_path, content):
    data = tmp_path / "data"
    data.mkdir()
    (data / FILE_NAME).write_text(content)
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 2))
    for arguments in (["search"], ["info"], ["index", feed]):
        answer = run_vitrine(data, *arguments)
        assert (answer.code, answer.out) == (6, "")
        assert FILE_NAME in answer.err
    assert (data / FILE_NAME).read_text() == content


def test_a_store_somebody_else_has_open_is_exit_5(small_shop):
    manifest = load_manifest(small_shop.data)
    store = open_edge_store(find_shard(small_shop.data, manifest), spaces=manifest.spaces, schema=manifest.attributes)
    for arguments in (["search", "--item", "item-1"], ["index", small_shop.feed], ["export"]):
        answer = small_shop.run(*arguments)
        assert (answer.code, answer.out) == (5, "")
        assert "store_in_use" in answer.err
    store.close()
    assert small_shop.run("search", "--item", "item-1").code == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VITRINE_PORT", "http"),
        ("VITRINE_PORT", "70000"),
        ("VITRINE_THREADS", "-1"),
        ("VITRINE_MAX_UPLOAD_MB", "0"),
        ("VITRINE_MAX_CONCURRENT", "many"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    answer = run_vitrine(tmp_path, "info")
    assert (answer.code, answer.out) == (2, "")
    assert name in answer.err
    assert "Traceback" not in answer.err
