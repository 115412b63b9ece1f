"""`vitrine evaluate attributes` over a small catalogue with a classifier of colours: who is measured, what is said."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from search.errors import InputError, NotFoundError, QueryError
from search.pools import PoolBatch
from tests.api.conftest import COLORS, TAGGER, build_catalogue
from vitrine.commands import evaluate_attributes as command
from vitrine.commands.evaluate_attributes import measure_attributes
from vitrine.settings import Settings


class ColorPredictor:
    """The probabilities of every colour, which is as many as the tagger shows."""

    def predict(self, pools: PoolBatch) -> Mapping[str, np.ndarray]:
        tagged = [dict(tagging.predictions["color"].values) for tagging in TAGGER.tag(pools)]
        return {"color": np.array([[shares[color] for color in COLORS] for shares in tagged])}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """Twelve items, red, green and blue in turn, with a classifier."""
    opened = build_catalogue(tmp_path_factory.mktemp("classified"), TAGGER)
    yield opened
    opened.close()


@pytest.fixture
def measure(catalogue, monkeypatch, tmp_path, capsys):
    """A function that runs the command with a feed and gives what it printed as JSON, and what it said."""

    @contextmanager
    def open_it(settings, *, say) -> Iterator:
        yield catalogue

    monkeypatch.setattr(command, "open_catalogue", open_it)
    monkeypatch.setattr(command, "_load_predictor", lambda settings, record: ColorPredictor())

    def run(feed: Path, *, split=None, queries=(), report=None, as_json=True):
        capsys.readouterr()
        settings = Settings(data=tmp_path)
        measure_attributes(settings, feed, split=split, queries=queries, report=report, as_json=as_json)
        printed = capsys.readouterr()
        return (json.loads(printed.out) if as_json else printed.out), printed.err

    return run


def write_feed(folder: Path, colors: Mapping[int, str] | None = None, *, split: bool = True, items: int = 12) -> Path:
    """The twelve items, six of them for training, two to choose by, four for testing; some with another colour."""
    path = folder / "feed.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image_link", "color", *(["split"] if split else [])])
        for number in range(items):
            color = (colors or {}).get(number, tuple(COLORS)[number % 3])
            part = "train" if number < 6 else "val" if number < 8 else "test"
            writer.writerow([f"item-{number}", "photo.jpg", color, *([part] if split else [])])
    return path


def test_the_test_part_is_measured_where_nothing_is_said(measure, tmp_path) -> None:
    wire, said = measure(write_feed(tmp_path))
    assert wire["parts"] == {"test": 4}
    assert "4 items measured: 4 test, as the feed says" in said
    color = wire["attributes"]["color"]
    assert (color["n"], color["labels"], color["n_left_out"]) == (4, 3, 0)
    assert color["accuracy"] == color["map"] == wire["exact_match"] == 1.0
    assert wire["model"] == TAGGER.version
    assert color["confusions"] == []
    assert set(color["per_label"]) == set(COLORS)


def test_a_wrong_label_of_the_shop_is_a_mistake_with_a_name(measure, tmp_path) -> None:
    wire, _ = measure(write_feed(tmp_path, {8: "Red"}))
    color = wire["attributes"]["color"]
    assert color["accuracy"] == 0.75
    assert color["confusions"] == [{"true": "Red", "predicted": "Blue", "count": 1}]
    assert color["interval"]["accuracy"][0] < 0.75 < color["interval"]["accuracy"][1]


def test_a_colour_that_was_never_learnt_is_not_counted_but_reported(measure, tmp_path) -> None:
    wire, said = measure(write_feed(tmp_path, {9: "Mauve"}))
    color = wire["attributes"]["color"]
    assert (color["n"], color["n_left_out"], color["accuracy"]) == (3, 1, 1.0)
    assert wire["foreign_values"] == {"color": {"Mauve": 1}}
    assert "none of the classifier's labels (Mauve); 1 items are not counted" in said


def test_a_label_the_feed_never_uses_is_named(measure, tmp_path) -> None:
    wire, said = measure(write_feed(tmp_path, dict.fromkeys(range(2, 12, 3), "Red")))
    assert wire["labels_not_in_feed"] == {"color": ["Blue"]}
    assert "1 of the classifier's labels are nowhere in the feed (Blue)" in said


def test_items_for_training_are_measured_when_asked_for_and_that_is_said(measure, tmp_path) -> None:
    wire, said = measure(write_feed(tmp_path), split="train")
    assert wire["parts"] == {"train": 6}
    assert "6 of them are for training" in said
    wire, said = measure(write_feed(tmp_path), queries=["product_type=circle"])
    assert wire["parts"] == {"train": 3, "val": 1, "test": 2}
    assert "3 of them are for training" in said
    wire, said = measure(write_feed(tmp_path), split="test", queries=["product_type=circle"])
    assert wire["parts"] == {"test": 2}
    assert "for training" not in said


def test_a_feed_without_splits_is_dealt_as_for_training(measure, tmp_path) -> None:
    wires = [measure(write_feed(tmp_path, split=False), split=split) for split in ("train", "train")]
    assert wires[0] == wires[1]
    assert "dealt by a hash of their ids" in wires[0][1]
    assert wires[0][0]["n"] < 13


def test_items_that_are_not_in_the_catalogue_are_counted(measure, tmp_path) -> None:
    wire, said = measure(write_feed(tmp_path, items=14))
    assert wire["not_indexed"] == 2
    assert "2 items of the feed are not in the catalogue" in said
    assert wire["parts"] == {"test": 4}


def test_a_person_gets_a_table(measure, tmp_path) -> None:
    printed, _ = measure(write_feed(tmp_path, {8: "Red"}), as_json=False)
    assert "color" in printed
    assert "0.750 [" in printed
    assert "every known attribute right: 0.750" in printed


def test_a_report_has_the_figures_and_photos_of_the_items(measure, tmp_path) -> None:
    folder = tmp_path / "report"
    wire, _ = measure(write_feed(tmp_path, {8: "Red"}), report=folder)
    text = (folder / "index.html").read_text("utf-8")
    assert wire["report"] == str(folder / "index.html")
    assert "0.750<small>" in text
    assert "4 photos with the predicted and the true color: 3 right, 1 wrong" in text
    assert (folder / "01-color-examples.png").exists()


def test_a_folder_that_cannot_take_a_report_is_refused_before_anything_is_measured(measure, tmp_path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="something else"):
        measure(tmp_path / "no such feed.csv", report=tmp_path)


@pytest.mark.parametrize(
    ("split", "queries", "what"),
    [
        ("tset", (), "split 'tset' is none"),
        ("test", ("product_type=hat",), "is in split test"),
        (None, ("product_type=hat",), "the filters let through"),
    ],
)
def test_a_part_without_items_is_refused(measure, tmp_path, split, queries, what) -> None:
    with pytest.raises(QueryError, match=what):
        measure(write_feed(tmp_path), split=split, queries=queries)


def test_a_feed_without_a_learnt_label_is_refused(measure, tmp_path) -> None:
    with pytest.raises(InputError, match="nothing to measure"):
        measure(write_feed(tmp_path, dict.fromkeys(range(12), "Mauve")))


def test_a_catalogue_without_a_classifier_says_what_to_do(measure, tmp_path, tmp_path_factory, monkeypatch) -> None:
    bare = build_catalogue(tmp_path_factory.mktemp("bare"))

    @contextmanager
    def open_it(settings, *, say) -> Iterator:
        yield bare

    monkeypatch.setattr(command, "open_catalogue", open_it)
    try:
        with pytest.raises(NotFoundError, match="no classifier"):
            measure(write_feed(tmp_path))
    finally:
        bare.close()
