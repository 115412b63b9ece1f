"""`vitrine conflicts` over a small catalogue with a classifier of colours: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from search.errors import NotFoundError, QueryError
from tests.api.conftest import TAGGER, build_catalogue, draw_photo, write_item
from vitrine.commands import conflicts as command
from vitrine.commands.conflicts import report_conflicts
from vitrine.settings import Settings


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """Twelve items that are right, one that is blue and said to be red, one with a colour that no other item has."""
    opened = build_catalogue(tmp_path_factory.mktemp("classified"), TAGGER)
    write_item(opened, "wrong", [draw_photo("Blue", seed=70)], title="=Red [bold] shirt", color="Red")
    write_item(opened, "odd", [draw_photo("Blue", seed=71)], title="Odd", color="Petrol")
    yield opened
    opened.close()


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A function that runs the command on a catalogue."""

    def run(catalogue, *, out=None, as_json=False, filters=(), attributes=(), min_confidence=0.5, limit=10):
        @contextmanager
        def open_it(settings, **_options) -> Iterator:
            yield catalogue

        monkeypatch.setattr(command, "open_catalogue", open_it)
        report_conflicts(
            Settings(data=tmp_path),
            filters=filters,
            attributes=attributes,
            min_confidence=min_confidence,
            limit=limit,
            out=out,
            as_json=as_json,
        )

    return run


def test_the_table_shows_both_sides(report, catalogue, capsys):
    report(catalogue)
    text = capsys.readouterr().out
    (line,) = [line for line in text.splitlines() if line.startswith("wrong")]
    assert "=Red [bold] shirt" in line
    assert line.index("color") < line.index(" Red ") < line.index(" Blue ")
    assert "1 conflicts" in text
    assert "1 labels that the classifier does not know" in text
    assert text.index("does not know") < text.index("Petrol")
    assert "item-" not in text


def test_as_json_it_is_one_document(report, catalogue, capsys):
    report(catalogue, as_json=True, attributes=["color"])
    wire = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in wire["conflicts"]] == ["wrong"]
    assert [each["id"] for each in wire["unknown"]] == ["odd"]
    assert wire["compared"] == {"color": 8}
    assert wire["conflicts"][0]["model"] == TAGGER.version


def test_a_filter_is_about_the_shop_s_values(report, catalogue, capsys):
    report(catalogue, as_json=True, filters=["color=Red"])
    assert json.loads(capsys.readouterr().out)["compared"] == {"color": 3}


def test_as_csv_a_formula_is_disarmed(report, catalogue, tmp_path, capsys):
    report(catalogue, out=tmp_path / "conflicts.csv")
    with (tmp_path / "conflicts.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {"wrong", "odd"}
    assert rows["wrong"]["title"] == "'=Red [bold] shirt"
    assert (rows["wrong"]["shop"], rows["wrong"]["predicted"]) == ("Red", "Blue")
    assert rows["odd"]["unknown_label"] == "True"
    assert "2 conflicts written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["conflicts.csv"]


def test_nothing_found_is_a_file_with_a_head(report, catalogue, tmp_path):
    report(catalogue, out=tmp_path / "none.csv", filters=["product_type=Hats"])
    assert (tmp_path / "none.csv").read_text("utf-8").startswith("id,title,image_link,attribute,shop,predicted")


def test_as_json_lines_every_line_is_a_conflict(report, catalogue, tmp_path):
    report(catalogue, out=tmp_path / "conflicts.jsonl", limit=1)
    lines = [json.loads(line) for line in (tmp_path / "conflicts.jsonl").read_text("utf-8").splitlines()]
    assert [(line["id"], line["shop"]) for line in lines] == [("wrong", ["Red"]), ("odd", ["Petrol"])]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attributes": ["product_type"]}, "'product_type' is not predicted; conflicts are found in: color"),
        ({"out": "conflicts.xlsx"}, "written as .csv or .jsonl"),
        ({"out": "nowhere/conflicts.csv"}, "there is no folder"),
        ({"filters": ["weight=3"]}, "no attribute 'weight'"),
    ],
    ids=["attribute", "suffix", "folder", "filter"],
)
def test_what_makes_no_sense_is_refused(report, catalogue, tmp_path, options, said):
    if "out" in options:
        options = {"out": tmp_path / options["out"]}
    with pytest.raises(QueryError, match=said):
        report(catalogue, **options)


def test_without_a_classifier_there_is_nothing_to_compare(report, tmp_path):
    plain = build_catalogue(tmp_path / "plain")
    with pytest.raises(NotFoundError) as refused:
        report(plain)
    plain.close()
    assert refused.value.code == "no_classifier"
