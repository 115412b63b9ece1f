"""The command line: what each command prints, which exit code it ends with, and what it leaves alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from search.manifest import FILE_NAME, load_manifest
from tests.contracts.drawn_shop import draw_shop, write_csv, write_json_lines
from tests.vitrine.conftest import run_vitrine
from vitrine import __version__
from vitrine.cli import app

ROOT = Path(__file__).parents[2]
COMMANDS = (
    *("index", "search", "regions", "explain", "similar", "map", "looks", "duplicates", "calibrate", "evaluate"),
    *("info", "doctor", "export", "delete", "serve", "demo"),
)


# what each command gives


def test_index_reports_what_it_did(first_index):
    shop, answer = first_index
    assert answer.code == 0
    report = answer.json
    assert {"read", "indexed", "updated", "unchanged", "failed", "photos", "finished"} <= report.keys()
    assert (report["read"], report["indexed"], report["unchanged"], report["failed"]) == (45, 45, 0, 0)
    assert report["photos"] == 60
    assert report["photos_per_second"] == pytest.approx(report["photos"] / report["seconds"], rel=0.02)
    assert (report["problems"], report["first_problems"], report["problems_file"]) == ({}, [], None)
    manifest = load_manifest(shop.data)
    assert [space.name for space in manifest.spaces] == ["efficientnet_lite0", "color"]
    assert sum(manifest.weights.values()) == pytest.approx(1)
    assert manifest.mapping["image_link"] == "image_link"


def test_a_second_index_finds_everything_unchanged(shop):
    report = shop.run("index", shop.feed, "--json").json
    assert (report["read"], report["unchanged"], report["indexed"], report["photos"]) == (45, 45, 0, 0)
    answer = shop.run("index", shop.feed)
    assert answer.code == 0
    assert "45 rows read: 0 indexed, 0 updated, 45 unchanged, 0 failed" in answer.out


def test_search_by_photo_answers_as_the_api_does(shop):
    answer = shop.run(
        *("search", "--photo", shop.folder / "photos" / "7.jpg", "--filter", "price<50", "--filter", "color!=Red"),
        *("--facet", "color", "--facet", "product_type", "--limit", 5, "--json"),
    )
    assert answer.code == 0
    document = answer.json
    assert document["query"]["kind"] == "photo"
    assert len(document["hits"]) == 5
    first = document["hits"][0]
    assert {"id", "score", "item", "parts", "photo"} <= first.keys()
    assert first["id"] == first["item"]["id"] == "item-7"
    assert first["score"] == pytest.approx(1, abs=1e-4)
    assert set(first["parts"]) == {"efficientnet_lite0", "color"}
    assert all(hit["item"]["price"] < 50 and hit["item"]["color"] != "Red" for hit in document["hits"])
    assert [hit["score"] for hit in document["hits"]] == sorted((h["score"] for h in document["hits"]), reverse=True)
    assert document["total"] == {"value": 32, "relation": "eq"}
    assert {c["value"]: c["count"] for c in document["facets"]["color"]} == dict.fromkeys(
        ["Red", "Blue", "Green", "Black", "Yellow"], 8
    )
    assert set(document["took_ms"]) == {"decode", "embed", "classify", "search", "total"}
    assert sum(document["weights"].values()) == pytest.approx(1)


def test_search_by_item_pages_through_everything_else_once(shop):
    ids: list[str] = []
    more: list[object] = []
    while True:
        document = shop.run("search", "--item", "item-3", "-n", 17, *more, "--json").json
        ids += [hit["id"] for hit in document["hits"]]
        if document["next_cursor"] is None:
            break
        more = ["--cursor", document["next_cursor"]]
    assert sorted(ids) == sorted(f"item-{n}" for n in range(45) if n != 3)


def test_search_for_nothing_lists_what_the_filters_let_through(shop):
    document = shop.run("search", "-f", "color=Red,Blue", "-f", "brand=Kite & Co", "-n", 50, "--json").json
    assert document["query"]["kind"] == "browse"
    assert document["total"]["value"] == len(document["hits"]) == 6
    assert {hit["item"]["brand"] for hit in document["hits"]} == {"Kite & Co"}
    assert {hit["score"] for hit in document["hits"]} == {None}


def test_weights_decide_what_is_near(shop):
    def ask(*weights: str) -> list[dict]:
        flags = [part for weight in weights for part in ("-w", weight)]
        return shop.run("search", "--item", "item-10", *flags, "-n", 8, "--json").json["hits"]

    by_color = ask("color=1")
    assert {hit["item"]["color"] for hit in by_color[:4]} == {"Red"}
    assert set(by_color[0]["parts"]) == {"color"}
    assert [hit["id"] for hit in ask("color=1", "efficientnet_lite0=0")] == [hit["id"] for hit in by_color]


def test_search_as_text_keeps_data_and_talk_apart(shop):
    answer = shop.run("search", "--photo", shop.folder / "photos" / "7.jpg", "-n", 3, "--facet", "color")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert len(lines) == 5
    assert "item-7" in lines[1]
    assert lines[4].startswith("color: ")
    assert "3 of 45 items" in answer.err
    assert "--cursor" in answer.err


def test_evaluate_retrieval_gives_each_space_and_the_fusion(shop):
    arguments = ("evaluate", "retrieval", shop.feed, "--relevant", "product_type,color", "--k", 10)
    document = shop.run(*arguments, "--json").json
    assert {"efficientnet_lite0", "color"} < document["spaces"].keys()
    assert len(document["spaces"]) == 3
    assert document["queries"] > 0
    assert document["gallery"] > 0
    for figures in document["spaces"].values():
        for name in ("p_at_10", "map_at_10", "ndcg_at_10"):
            low, high = figures["interval"][name]
            assert 0 <= low <= figures[name] <= high <= 1
    assert "nDCG@10" in shop.run(*arguments).out


def test_evaluate_retrieval_takes_queries_gallery_and_weights(shop):
    document = shop.run(
        *("evaluate", "retrieval", shop.feed, "--relevant", "color", "--k", 3, "--queries", "brand=Acme"),
        *("--gallery", "brand!=Acme", "-w", "color=1", "--exact", "--json"),
    ).json
    assert (document["queries"], document["gallery"]) == (15, 30)
    assert document["spaces"]["color"]["p_at_3"] > 0.9
    assert document["spaces"]["given"]["p_at_3"] == document["spaces"]["color"]["p_at_3"]


def test_evaluate_self_finds_every_photo(shop):
    document = shop.run("evaluate", "self", shop.feed, "--count", 20, "--json").json
    assert (document["asked"], document["found"]) == (20, 20)


def test_info_says_what_is_there(shop):
    facts = shop.run("info", "--json").json
    assert facts["version"] == __version__
    assert facts["items"] == 45
    assert [space["name"] for space in facts["spaces"]] == ["efficientnet_lite0", "color"]
    assert facts["attributes"]["price"] == "number"
    assert facts["profile"] == "generic"
    assert facts["last_run"]["state"] == "finished"
    assert {"color", "efficientnet_lite0", "resnet50"} <= {encoder["name"] for encoder in facts["encoders"]}
    assert "items: 45" in shop.run("info").out


def test_doctor_finds_nothing_wrong(shop):
    document = shop.run("doctor", "--json").json
    assert document["ok"]
    assert {f["check"] for f in document["findings"]} == {
        *("python", "disk", "encoders", "clip", "store", "classifier", "texts", "search"),
    }
    answer = shop.run("doctor")
    assert answer.code == 0
    assert "FAIL" not in answer.out


def test_doctor_is_content_with_an_empty_folder(tmp_path):
    answer = run_vitrine(tmp_path / "nothing", "doctor", "--json")
    assert (answer.code, answer.json["ok"]) == (0, True)
    assert not (tmp_path / "nothing").exists()


def test_doctor_finds_weights_that_are_others(shop, tmp_path):
    data = tmp_path / "other"
    data.mkdir()
    raw = json.loads((shop.data / FILE_NAME).read_text())
    raw["spaces"][0]["weights_sha256"] = "f" * 64
    (data / FILE_NAME).write_text(json.dumps(raw))
    answer = run_vitrine(data, "doctor", "--json")
    assert answer.code == 1
    assert [f["check"] for f in answer.json["findings"] if not f["ok"]] == ["encoders"]


def test_an_export_is_a_feed_that_changes_nothing(shop):
    answer = shop.run("export")
    assert answer.code == 0
    assert "45 items written" in answer.err
    rows = [json.loads(line) for line in answer.out.splitlines()]
    assert {row["id"] for row in rows} == {f"item-{n}" for n in range(45)}
    again = shop.run("index", write_json_lines(shop.folder / "again.jsonl", rows), "--json")
    assert (again.code, again.json["unchanged"]) == (0, 45)


def test_export_to_files(shop, tmp_path):
    for name in ("items.jsonl", "items.csv", "items.parquet"):
        answer = shop.run("export", "--out", tmp_path / name, "-f", "color=Green")
        assert (answer.code, answer.out) == (0, "")
        assert "9 items written" in answer.err
    with (tmp_path / "items.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["color"] for row in rows} == {"Green"}
    assert rows[0]["image_link"].startswith("photos/")
    assert len(pl.read_parquet(tmp_path / "items.parquet")) == 9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["items.csv", "items.jsonl", "items.parquet"]


def test_export_with_vectors(shop, tmp_path):
    assert shop.run("export", "--out", tmp_path / "items.parquet", "--vectors").code == 0
    table = pl.read_parquet(tmp_path / "items.parquet")
    assert table["vector_efficientnet_lite0"].list.len().unique().to_list() == [1280]
    norms = table.select(pl.col("vector_efficientnet_lite0").list.eval(pl.element() ** 2).list.sum())
    assert norms.to_series().to_list() == pytest.approx([1.0] * 45, abs=1e-4)
    row = json.loads(shop.run("export", "--vectors").out.splitlines()[0])
    assert set(row["vectors"]) == {"efficientnet_lite0", "color"}
    assert shop.run("export", "--out", tmp_path / "items.csv", "--vectors").code == 2
    assert shop.run("export", "--out", tmp_path / "items.xlsx").code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["items.parquet"]


def test_delete_by_id_and_by_filter(small_shop):
    run = small_shop.run
    assert run("delete", "item-3", "item-4", "nobody", "--yes", "--json").json == {"deleted": 2}
    assert run("delete", "-f", "color=Blue", "--yes").out == "3 items deleted\n"
    assert run("info", "--json").json["items"] == 7
    again = run("delete", "item-3", "--yes")
    assert again.code == 4
    assert "item-3" in again.err
    report = run("index", small_shop.feed, "--json").json  # and the feed brings them back
    assert (report["indexed"], report["unchanged"]) == (5, 7)


@pytest.mark.parametrize("arguments", [[], ["item-1", "-f", "color=Red", "--yes"], ["item-1"], ["-f", "color=Red"]])
def test_delete_refuses_what_is_unclear_or_unasked(shop, arguments):
    answer = shop.run("delete", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert shop.run("info", "--json").json["items"] == 45


def test_demo_draws_indexes_and_searches(tmp_path):
    answer = run_vitrine(tmp_path / "data", "demo", "--drawn", "--no-serve", "--items", 12)
    assert answer.code == 0, answer.err
    assert "12 rows read: 12 indexed" in answer.out
    assert "example: vitrine" in answer.err
    assert run_vitrine(tmp_path / "data", "info", "--json").json["items"] == 12


def test_auto_says_which_encoder_it_took_and_the_manifest_keeps_it(tmp_path, monkeypatch):
    monkeypatch.delenv("VITRINE_ENCODER")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 2))
    answer = run_vitrine(tmp_path / "data", "index", feed, "--json")
    assert answer.code == 0
    chosen = load_manifest(tmp_path / "data").spaces[0].name
    assert f"encoder {chosen}" in answer.err
    again = run_vitrine(tmp_path / "data", "index", feed, "--encoder", "auto", "--json")
    assert (again.code, again.json["unchanged"]) == (0, 2)


def test_help_and_version():
    runner = CliRunner()
    assert runner.invoke(app, ["--version"]).stdout == f"vitrine {__version__}\n"
    text = runner.invoke(app, ["--help"])
    assert text.exit_code == 0
    assert all(command in text.stdout for command in COMMANDS)
    for command in COMMANDS:
        assert runner.invoke(app, [command, "--help"]).exit_code == 0


def test_the_mapping_is_remembered(tmp_path):
    rows = [
        {"nr": row["id"], "Bild": row["image_link"], "Farbe": row["color"], "Dichte": 3}
        for row in draw_shop(tmp_path, 4)
    ]
    feed = write_csv(tmp_path / "feed.csv", rows)
    flags = ["--map", "id=nr", "-m", "image_link=Bild", "-m", "color=Farbe"]
    assert run_vitrine(tmp_path / "data", "index", feed, *flags, "--json").json["indexed"] == 4
    again = run_vitrine(tmp_path / "data", "index", feed, "--json")
    assert (again.code, again.json["unchanged"]) == (0, 4)
    assert (
        run_vitrine(tmp_path / "data", "search", "-f", "color=Red", "-f", "Dichte=3", "--json").json["total"]["value"]
        == 1
    )


def test_the_data_directory_comes_from_the_flag_else_the_environment(shop, monkeypatch, tmp_path):
    monkeypatch.setenv("VITRINE_DATA", str(shop.data))
    facts = CliRunner().invoke(app, ["info", "--json"])
    assert json.loads(facts.stdout)["items"] == 45
    assert run_vitrine(tmp_path / "elsewhere", "info").code == 4
    monkeypatch.delenv("VITRINE_DATA")
    (tmp_path / ".env").write_text(f"VITRINE_DATA={shop.data}\n")
    assert json.loads(CliRunner().invoke(app, ["info", "--json"]).stdout)["items"] == 45
