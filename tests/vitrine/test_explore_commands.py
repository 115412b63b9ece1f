"""`vitrine similar`, `vitrine map` and `vitrine looks` as a person types them."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest
from PIL import Image

from indexer.explore.saved_looks import load_looks
from indexer.explore.saved_map import load_map
from tests.vitrine.conftest import run_vitrine


def test_similar_writes_every_items_neighbours(shop, tmp_path):
    to = tmp_path / "similar.parquet"
    answer = shop.run("similar", "--all", "--out", to, "-k", 5)
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"225 neighbours of 45 items in {to}, ")
    frame = pl.read_parquet(to)
    hits = shop.run("search", "--item", "item-7", "-n", 5, "--json").json["hits"]
    own = frame.filter(pl.col("id") == "item-7")
    assert own["neighbour_id"].to_list() == [hit["id"] for hit in hits]
    assert own["score"].to_list() == pytest.approx([hit["score"] for hit in hits], abs=1e-5)
    assert {"part_efficientnet_lite0", "part_color"} <= set(frame.columns)


def test_similar_takes_filters_and_weights_and_says_so_in_json(shop, tmp_path):
    to = tmp_path / "similar.jsonl"
    answer = shop.run(
        *("similar", "--all", "--out", to, "-k", 3, "--filter", "color=Red", "--gallery-filter", "color!=Red"),
        *("--gallery-filter", "price<40", "--weight", "color=1", "--group-by", "brand", "--exact", "--json"),
    )
    report = answer.json
    # Three brands, less the item's own.
    assert (report["items"], report["rows"], report["resumed"], report["finished"]) == (9, 18, 0, True)
    assert report["items_per_second"] == pytest.approx(9 / report["seconds"])
    rows = [json.loads(line) for line in to.read_text().splitlines()]
    assert all(row.keys() == {"id", "rank", "neighbour_id", "score", "relevance", "part_color"} for row in rows)


def test_a_map_is_written_and_kept_for_the_page(shop, tmp_path):
    to = tmp_path / "map.png"
    answer = shop.run("map", "--out", to, "--method", "pca", "--color-by", "color")
    assert answer.code == 0, answer.err
    assert f"45 items by pca in {to}" in answer.out
    assert "trustworthiness 0." in answer.out
    with Image.open(to) as picture:
        assert picture.format == "PNG"
    kept = load_map(shop.data)
    assert (len(kept.points), kept.color_by) == (45, "color")
    report = shop.run("map", "--out", tmp_path / "map.parquet", "--axis", "color=Red..Blue", "-n", 20, "--json").json
    assert (report["items"], report["total"], report["method"]) == (20, 45, "axes")
    assert pl.read_parquet(tmp_path / "map.parquet").columns[:3] == ["x", "y", "id"]
    assert (len(load_map(shop.data).points), load_map(shop.data).method) == (20, "axes")
    again = shop.run("map", "--out", tmp_path / "projector", "--method", "pca", "--filter", "price<40", "--json")
    assert again.json["total"] == 30
    assert (tmp_path / "projector" / "projector_config.pbtxt").is_file()


def test_looks_are_listed_and_kept_for_the_page(shop):
    answer = shop.run("looks", "-k", 5, "--space", "color", "--purity", "color")
    assert answer.code == 0, answer.err
    assert "purity 1.000" in answer.out
    assert "5 looks of 45 items" in answer.err
    kept = load_looks(shop.data)
    assert all(look.name in answer.out for look in kept.looks)
    document = shop.run("looks", "-k", 3, "--filter", "product_type=Dresses", "--json").json
    assert (document["items"], document["purity"], len(document["looks"])) == (15, None, 3)
    assert document["looks"][0]["cover_id"] == load_looks(shop.data).looks[0].item_ids[0]


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("similar", "--out", "s.parquet"), 2, "say --all"),
        (("similar", "--all", "--out", "s.xlsx"), 2, "'.xlsx'"),
        (("similar", "--all", "--out", "none/s.csv"), 2, "there is no folder"),
        (("similar", "--all", "--out", "s.csv", "-k", 46), 2, "the gallery has 45 items"),
        (("similar", "--all", "--out", "s.csv", "-k", 0), 2, "1 to 250"),
        (("similar", "--all", "--out", "s.csv", "--filter", "hue=Red"), 2, "no attribute 'hue'"),
        (("similar", "--all", "--out", "s.csv", "--filter", "color=Mauve"), 2, "no item matches"),
        (("similar", "--all", "--out", "s.csv", "--weight", "depth=1"), 2, "no space 'depth'"),
        (("similar", "--all", "--out", "s.csv", "--group-by", "hue"), 2, "not an attribute"),
        (("map", "--out", "m.gif"), 2, "'.gif'"),
        (("map", "--out", "none/m.png"), 2, "there is no folder"),
        (("map", "--out", "m.png", "--space", "depth"), 2, "no space 'depth'"),
        (("map", "--out", "m.png", "--color-by", "hue"), 2, "not an attribute"),
        (("map", "--out", "m.png", "--axis", "hue=Red..Blue"), 2, "not an attribute"),
        (("map", "--out", "m.png", "--axis", "color=Red..Mauve"), 2, "no item of the map has color 'Mauve'"),
        (("map", "--out", "m.png", "--axis", "red, blue"), 4, "no text encoder"),
        (("map", "--out", "m.png", "--axis", "red"), 2, "neither two values"),
        (("map", "--out", "m.png", "--axis", "color=Red..Blue", "--method", "pca"), 2, "give one of the two"),
        (("map", "--out", "m.png", "--filter", "color=Mauve"), 2, "no item matches"),
        (("map", "--out", "m.png", "-n", 3), 2, "here are 3"),
        (("map", "--out", "m.png", "--method", "magic"), 2, "magic"),
        (("looks", "-k", 46), 2, "there are 45 items"),
        (("looks", "-k", 1), 2, "2 to 500"),
        (("looks", "-n", 1), 2, "2 items or more"),
        (("looks", "-k", 10, "--filter", "color=Red"), 2, "there are 9 items"),
        (("looks", "--filter", "color=Mauve"), 2, "no item matches"),
        (("looks", "--space", "depth"), 2, "no space 'depth'"),
        (("looks", "--purity", "hue"), 2, "not an attribute"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_what_makes_no_sense_is_refused_in_words(shop, tmp_path, arguments, code, why):
    answer = shop.run(*arguments)
    assert (answer.code, answer.out) == (code, "")
    # Words may be broken over lines, by typer's own messages.
    assert why in " ".join(answer.err.split()), answer.err
    assert not list(tmp_path.glob("[sm].*"))


def test_without_a_catalogue_the_way_to_one_is_said(tmp_path):
    for arguments in (("similar", "--all", "--out", "s.csv"), ("map", "--out", "m.png"), ("looks",)):
        answer = run_vitrine(tmp_path / "nothing", *arguments)
        assert answer.code == 4
        assert "vitrine index FEED" in answer.err
    assert not list(tmp_path.iterdir())


def test_a_catalogue_on_a_disk_that_is_gone_half_way_is_an_error_of_ours(small_shop, tmp_path):
    (tmp_path / "out").mkdir()
    answer = small_shop.run("map", "--out", tmp_path / "out" / "m.png", "--method", "pca")
    assert answer.code == 0, answer.err
    shutil.rmtree(small_shop.data / "thumbnails")
    answer = small_shop.run("map", "--out", tmp_path / "out" / "m.png", "--method", "pca", "--thumbnails")
    assert answer.code == 0, answer.err


def test_help_names_the_columns_that_embedding_atlas_wants(shop):
    text = " ".join(shop.run("map", "--help").out.split())
    assert "embedding-atlas map.parquet --x x --y y" in text
    assert "tensorboard --logdir" in text
