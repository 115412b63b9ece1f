"""`vitrine duplicates` over a small shop in which one photo was copied and one resaved."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.contracts.drawn_shop import draw_photo, write_csv
from tests.vitrine.conftest import SETTINGS, Indexed


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    """Six items: the second has the photo of the first, the third's is that of the fourth, saved again."""
    folder = tmp_path_factory.mktemp("copied")
    for number in range(4):
        draw_photo(folder / f"{number}.jpg", number * 37, side=240)
    (folder / "same.jpg").write_bytes((folder / "0.jpg").read_bytes())
    with Image.open(folder / "3.jpg") as photo:
        photo.convert("RGB").save(folder / "again.jpg", quality=95)
    photos = {"a": "0", "a-again": "same", "c": "again", "d": "3", "e": "1", "f": "2"}
    rows = [{"id": i, "title": f"=[bold] {i}", "image_link": f"{name}.jpg"} for i, name in photos.items()]
    shop = Indexed(folder=folder, data=folder / "data", feed=write_csv(folder / "feed.csv", rows))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        answer = shop.run("index", shop.feed, "--json")
    assert answer.code == 0, answer.err
    return shop


def list_groups(wire: dict) -> list[list[str]]:
    return [[photo["id"] for photo in group["photos"]] for group in wire["groups"]]


def test_the_table_has_a_line_for_each_photo(copied: Indexed) -> None:
    answer = copied.run("duplicates")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0] == "6 photos looked at: 2 groups, 4 photos in them"
    assert [line.split()[:4] for line in lines[2:4]] == [
        ["1", "same", "file", "a"],
        ["a-again", "0", "=[bold]", "a-again"],
    ]
    assert lines[4].split()[0] == "2"
    assert lines[4].split()[3] == "c"


def test_as_json_it_is_one_document_with_all_groups(copied: Indexed) -> None:
    wire = copied.run("duplicates", "--json", "--limit", 1).json
    assert list_groups(wire) == [["a", "a-again"], ["c", "d"]]
    assert (wire["photos"], wire["unmeasured"], wire["found"]) == (6, 0, 2)
    same, near = wire["groups"]
    assert (same["exact"], same["bits"], same["similarity"]) == (True, 0, 1.0)
    assert not near["exact"]
    assert 0 <= near["bits"] <= 6
    assert 0.97 <= near["similarity"] < 1


def test_what_counts_can_be_narrowed(copied: Indexed) -> None:
    assert list_groups(copied.run("duplicates", "--json", "--exact").json) == [["a", "a-again"]]
    assert list_groups(copied.run("duplicates", "--json", "--min-similarity", 1).json) == [["a", "a-again"]]


def test_more_groups_than_the_limit_are_told_of(copied: Indexed) -> None:
    assert "1 more groups" in copied.run("duplicates", "--limit", 1).out


def test_files_have_all_of_it_and_no_formula(copied: Indexed, tmp_path: Path) -> None:
    answer = copied.run("duplicates", "--out", tmp_path / "found.csv")
    assert (answer.code, answer.out) == (0, "")
    assert "2 groups written" in answer.err
    with (tmp_path / "found.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["group"], row["id"]) for row in rows] == [("1", "a"), ("1", "a-again"), ("2", "c"), ("2", "d")]
    assert rows[0]["title"] == "'=[bold] a"
    assert copied.run("duplicates", "--out", tmp_path / "found.jsonl").code == 0
    lines = (tmp_path / "found.jsonl").read_text("utf-8").splitlines()
    assert list_groups({"groups": [json.loads(line) for line in lines]}) == [["a", "a-again"], ["c", "d"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.csv", "found.jsonl"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "found.xlsx"], "written as .csv or .jsonl"),
        (["--out", "nowhere/found.csv"], "there is no folder"),
        (["--max-bits", "65"], "--max-bits"),
        (["--min-similarity", "1.5"], "--min-similarity"),
    ],
)
def test_what_makes_no_sense_is_refused(copied: Indexed, options: list[str], said: str) -> None:
    answer = copied.run("duplicates", *options)
    assert answer.code == 2
    assert said in answer.err


def test_without_a_catalogue_it_says_so(tmp_path: Path) -> None:
    answer = Indexed(folder=tmp_path, data=tmp_path / "none", feed=tmp_path / "no.csv").run("duplicates")
    assert answer.code != 0
    assert "vitrine index" in answer.err
