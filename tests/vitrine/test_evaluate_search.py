"""`vitrine calibrate` and what `vitrine evaluate` measures of search, over a drawn shop with a split of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.calibration import FILE_NAME
from tests.contracts.drawn_shop import draw_shop, write_csv
from tests.vitrine.conftest import SETTINGS, Indexed, run_vitrine

ITEMS = 81


@pytest.fixture(scope="module")
def split_shop(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    """A shop a third of whose items are for training, validation and test each."""
    folder = tmp_path_factory.mktemp("split")
    rows = draw_shop(folder, ITEMS)
    for number, row in enumerate(rows):
        row["split"] = ("train", "val", "test")[number // 3 % 3]
    feed = write_csv(folder / "feed.csv", rows)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        answer = run_vitrine(folder / "data", "index", feed, "--json")
    assert answer.code == 0, answer.err
    return Indexed(folder=folder, data=folder / "data", feed=feed)


def test_calibrate_says_how_honest_it_is_and_leaves_one_file(split_shop: Indexed) -> None:
    document = split_shop.run("calibrate", split_shop.feed, "--relevant", "color", "--json").json
    assert document["relevant"] == ["color"]
    assert document["questions"] == {"photo": ITEMS // 3}
    assert document["held_out"].keys() == {"efficientnet_lite0", "color", "fusion"}
    color = document["held_out"]["color"]
    assert color["curve"] in ("logistic", "isotonic")
    assert color["all"]["brier"] < color["all"]["sharpness"]
    assert Path(document["file"]) == split_shop.data / FILE_NAME
    table = split_shop.run("calibrate", split_shop.feed, "--relevant", "color")
    assert "Brier" in table.out
    assert "--min-relevance" in table.err


def test_cutoff_needs_a_calibration_and_then_fills_its_folder(split_shop: Indexed, tmp_path: Path) -> None:
    (split_shop.data / FILE_NAME).unlink(missing_ok=True)
    refused = split_shop.run("evaluate", "cutoff", split_shop.feed)
    assert refused.code == 2
    assert "vitrine calibrate" in refused.err
    assert split_shop.run("calibrate", split_shop.feed, "--relevant", "color").code == 0
    document = split_shop.run("evaluate", "cutoff", split_shop.feed, "--out", tmp_path / "out", "--json").json
    plain = document["scenarios"]["plain"]
    assert plain["questions"] == plain["answerable"] == ITEMS // 3
    assert document["scenarios"]["held out"]["answerable"] == 0
    assert [level["min_relevance"] for level in plain["levels"]][4] == 0.5
    assert json.loads((tmp_path / "out" / "cutoff.json").read_text("utf-8")) == document
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {"cutoff.json", "cutoff.md", "cutoff.png", "reliability.png"}
    assert "held out: close" in split_shop.run("evaluate", "cutoff", split_shop.feed).out


def test_filters_are_measured_at_every_share_the_shop_has(split_shop: Indexed, tmp_path: Path) -> None:
    arguments = ("evaluate", "filters", split_shop.feed, "--k", 3, "--count", 10)
    document = split_shop.run(*arguments, "--out", tmp_path, "--json").json
    assert document["items"] == ITEMS
    assert [each["wanted"] for each in document["shares"]][:3] == [1.0, 0.5, 0.1]
    assert all(each["recall"] == 1.0 for each in document["shares"]), "so few photos are all compared"
    assert (tmp_path / "filters.png").read_bytes().startswith(b"\x89PNG")
    assert "recall@3" in split_shop.run(*arguments).out


def test_compare_takes_weights_or_names(split_shop: Indexed, tmp_path: Path) -> None:
    arguments = ("evaluate", "compare", split_shop.feed, "--relevant", "color", "--k", 3, "--a", "efficientnet_lite0")
    document = split_shop.run(*arguments, "--b", "color=1", "--out", tmp_path, "--json").json
    measure = document["measures"]["p_at_3"]
    assert measure["difference"] == pytest.approx(measure["b"] - measure["a"])
    assert measure["low"] <= measure["difference"] <= measure["high"]
    assert document["weights"]["b"] == {"color": 1.0}
    assert "b less a" in (tmp_path / "compare.md").read_text("utf-8")
    assert split_shop.run(*arguments, "--b", "colour").code == 2
    assert split_shop.run(*arguments, "--b", "clip=1").code == 2


def test_retrieval_is_graded_and_drawn(split_shop: Indexed, tmp_path: Path) -> None:
    arguments = ("evaluate", "retrieval", split_shop.feed, "--relevant", "color", "--k", 3)
    grades = ("--grade", "color=2", "--grade", "product_type=1")
    document = split_shop.run(*arguments, *grades, "--out", tmp_path, "--json").json
    assert document["grades"] == {"color": 2.0, "product_type": 1.0}
    assert 0 < document["spaces"]["fusion"]["graded_ndcg_at_3"] <= 1
    assert {file.name for file in tmp_path.iterdir()} == {"retrieval.json", "retrieval.md", "cmc.png", "measures.png"}
    for wrong in ("color", "color=-1", "color=many", "colour=1"):
        assert split_shop.run(*arguments, "--grade", wrong).code == 2


def test_shop_too_small_to_calibrate_is_told_so(split_shop: Indexed) -> None:
    answer = split_shop.run("calibrate", split_shop.feed, "--relevant", "brand,colour")
    assert answer.code == 2
    assert "colour" in answer.err
