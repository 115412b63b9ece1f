"""Names on the command line to labelled images, and a sweep over them as the command line runs it."""

from __future__ import annotations

import csv
import json

import pytest
from PIL import Image

from search.errors import InputError, NotFoundError
from vitrine.commands.open_images import open_images
from vitrine.commands.train_sweep import SweepOptions, train_sweep
from vitrine.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data")


@pytest.fixture
def table(tmp_path):
    """A feed that is also a many-hot CSV: dark photos and light ones, every one another."""
    with (tmp_path / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "product_type", "light", "split"])
        for n in range(80):
            Image.new("RGB", (10, 10), (n + 150 * (n % 2),) * 3).save(tmp_path / f"{n}.png")
            split = ("train", "train", "train", "val", "test")[n // 2 % 5]
            writer.writerow([n, f"{n}.png", ("Night", "Day")[n % 2], n % 2, split])
    return tmp_path / "table.csv"


def test_a_feed_and_a_many_hot_csv_are_told_apart_by_what_was_declared(table, settings, capsys):
    feed = open_images(str(table), settings=settings, side=8)
    assert feed.train.attributes == {"product_type": ("Day", "Night")}
    assert [len(images) for images in (feed.train, feed.val, feed.test)] == [48, 16, 16]
    assert feed.train.shape == (8, 8, 3)
    many = open_images(str(table), settings=settings, side=8, channels=1, many_hot="all")
    assert many.train.attributes == {"labels": ("light",)}
    assert many.train.shape == (8, 8, 1)
    assert "left out" not in capsys.readouterr().err


def test_what_is_left_out_is_said(table, settings, capsys):
    rows = table.read_text("utf-8").splitlines()
    rows[1] = rows[1].replace("Night", "Dusk")
    rows[2] = rows[2].replace("1.png", "gone.png")
    table.write_text("\n".join(rows), "utf-8")
    open_images(str(table), settings=settings)
    said = capsys.readouterr().err
    assert "product_type: 1 labels have too few training photos and are left out: Dusk (1)" in said
    assert "row 2: there is no photo 'gone.png'" in said


def test_fashion_mnist_is_found_by_name_and_by_folder(fashion_mnist_dir, settings):
    splits = open_images(str(fashion_mnist_dir), settings=settings)
    assert splits.train.shape == (28, 28, 1)
    larger = open_images(str(fashion_mnist_dir), settings=settings, side=32, channels=3)
    assert larger.train.read_batch([0, 1]).shape == (2, 32, 32, 3)
    assert larger.fingerprint == splits.fingerprint
    with pytest.raises(InputError, match="no 'color'; it has product_type"):
        open_images(str(fashion_mnist_dir), settings=settings, attributes=["color"])


def test_what_is_not_there_is_refused(settings):
    with pytest.raises(NotFoundError, match="no images 'fashion'; give fashion-mnist"):
        open_images("fashion", settings=settings)


def test_a_sweep_prints_its_cells_and_goes_on_from_its_folder(table, settings, tmp_path, capsys):
    options = SweepOptions(side=8, fixed=["epochs=1", "batch=16", "threads=1", "augmentation=none"])

    def sweep(grid):
        train_sweep(settings, "spikeable", str(table), grid, options, tmp_path / "out", as_json=True)
        return json.loads(capsys.readouterr().out)

    found = sweep(["rate=0.001,0.01"])
    assert [cell["values"].keys() for cell in found["cells"]] == [{"rate"}] * 2
    assert found["base"]["epochs"] == 1
    files = {path: path.read_bytes() for path in (tmp_path / "out" / "cells").iterdir()}
    assert len(files) == 2
    assert sweep(["rate=0.001,0.01"]) == found
    assert {path: path.read_bytes() for path in (tmp_path / "out" / "cells").iterdir()} == files


def test_several_values_where_one_is_fixed_are_refused_before_anything_is_read(settings, tmp_path):
    with pytest.raises(InputError, match="several values"):
        train_sweep(
            settings, "spikeable", "nowhere", ["rate=1"], SweepOptions(fixed=["batch=1,2"]), tmp_path, as_json=True
        )
