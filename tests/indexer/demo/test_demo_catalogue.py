"""The demo catalogue says the truth about its photos, is the same each time, and needs nothing from outside."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.data.fashion_mnist_files import CATEGORIES, IMAGES
from indexer.demo.catalogue import draw_catalogue, make_demo_catalogue
from indexer.demo.drawing import SILHOUETTES, draw_garment
from indexer.demo.palette import COLOURS
from indexer.demo.tint import SIDE, tint_garment
from search.attributes import CANONICAL, PHOTO_COLUMNS
from search.errors import InputError, NotFoundError

SAMPLE = 120  # every category in every colour once


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_catalogue(tmp_path_factory.mktemp("drawn"), count=SAMPLE, seed=3)


def read_rows(feed: Path) -> list[dict[str, str]]:
    with feed.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def hash_folder(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB under D65 from sRGB in [0, 255] (IEC 61966-2-1, CIE 15)."""
    c = np.asarray(rgb, dtype=np.float64) / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    x, y, z = np.moveaxis(linear @ np.transpose(matrix) / [0.95047, 1.0, 1.08883], -1, 0)
    fx, fy, fz = (np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116) for t in (x, y, z))
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)


def name_of_mean_colour(photo: Path) -> str:
    """The name nearest to the mean of all that is not background."""
    pixels = np.asarray(Image.open(photo).convert("RGB"), dtype=np.float64)
    garment = pixels[pixels.min(axis=-1) < 252]
    distances = np.linalg.norm(to_lab(np.array(list(COLOURS.values()))) - to_lab(garment.mean(axis=0)), axis=-1)
    return list(COLOURS)[int(distances.argmin())]


def share_of_true_colours(feed: Path) -> float:
    rows = read_rows(feed)
    return float(np.mean([name_of_mean_colour(feed.parent / row["image_link"]) == row["color"] for row in rows]))


def test_feed_has_every_category_in_every_colour_equally_often(drawn):
    rows = read_rows(drawn.feed)
    pairs = Counter((row["product_type"], row["color"]) for row in rows)
    assert len(COLOURS) == 12
    assert pairs == {(category, colour): 1 for category in CATEGORIES for colour in COLOURS}


def test_feed_uses_canonical_names_and_leaves_nothing_empty(drawn):
    rows = read_rows(drawn.feed)
    assert set(rows[0]) <= {"id", *CANONICAL, *PHOTO_COLUMNS}
    assert all(value for row in rows for value in row.values())
    assert len({row["id"] for row in rows}) == SAMPLE
    assert all(row["price"].endswith(" EUR") and float(row["price"][:-4]) > 0 for row in rows)


def test_photos_are_there_and_stand_on_white(drawn):
    for row in read_rows(drawn.feed):
        with Image.open(drawn.feed.parent / row["image_link"]) as photo:
            assert photo.size == (SIDE, SIDE)
            assert min(photo.getpixel((x, y)) for x in (0, SIDE - 1) for y in (0, SIDE - 1)) >= (250, 250, 250)


def test_colour_of_drawn_garments_is_the_one_named(drawn):
    assert share_of_true_colours(drawn.feed) >= 0.95


def test_a_wrong_colour_is_noticed(tmp_path):
    grey = draw_garment("Coats", np.random.default_rng(0))
    tint_garment(grey, COLOURS["Green"]).save(tmp_path / "green.png")
    assert name_of_mean_colour(tmp_path / "green.png") == "Green"


def test_same_seed_same_files_other_seed_other_files(tmp_path):
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        draw_catalogue(tmp_path / name, count=12, seed=seed)
    one, two, three = (hash_folder(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert not set(one.values()) & set(three.values())


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_can_be_drawn_and_varies(category):
    random = np.random.default_rng(1)
    first, second = draw_garment(category, random), draw_garment(category, random)
    assert 0.03 < (first > 0).mean() < 0.7
    assert first.min() >= 0.0
    assert first.max() <= 1.0
    assert not np.array_equal(first > 0, second > 0)


def test_silhouettes_are_those_of_the_categories():
    assert set(SILHOUETTES) == set(CATEGORIES)


def test_where_fashion_mnist_cannot_be_had_garments_are_drawn_and_the_note_says_so(tmp_path, monkeypatch):
    def refuse(**_):
        raise NotFoundError("no network")

    monkeypatch.setattr("indexer.demo.catalogue.load_fashion_mnist", refuse)
    made = make_demo_catalogue(tmp_path / "demo", cache=tmp_path / "cache", count=3)
    assert made.source == "drawn"
    assert "drawn" in made.note
    assert "no network" in made.note
    assert len(read_rows(made.feed)) == 3


def test_a_folder_without_the_files_is_refused_by_name(tmp_path):
    with pytest.raises(NotFoundError, match=IMAGES):
        make_demo_catalogue(tmp_path / "demo", cache=tmp_path, count=3, fashion_mnist=tmp_path)
    assert not (tmp_path / "demo").exists()


def test_no_items_are_refused(tmp_path):
    with pytest.raises(InputError, match="0 items"):
        make_demo_catalogue(tmp_path, cache=tmp_path, count=0)


def test_a_run_cut_short_leaves_no_marker_and_the_next_one_is_whole(tmp_path):
    def stop_at_third(done, _):
        if done == 3:
            raise KeyboardInterrupt

    draw_catalogue(tmp_path / "whole", count=6)
    with pytest.raises(KeyboardInterrupt):
        draw_catalogue(tmp_path / "cut", count=6, progress=stop_at_third)
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {"photos"}
    draw_catalogue(tmp_path / "cut", count=6)
    assert hash_folder(tmp_path / "cut") == hash_folder(tmp_path / "whole")


def test_progress_is_told_photo_by_photo(tmp_path):
    steps = []
    draw_catalogue(tmp_path, count=4, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_colour_of_fashion_mnist_garments_is_the_one_named(fashion_mnist_dir, tmp_path):
    def make():
        return make_demo_catalogue(
            tmp_path / "demo", cache=tmp_path / "cache", count=480, fashion_mnist=fashion_mnist_dir
        )

    made = make()
    assert made.source == "fashion-mnist"
    assert share_of_true_colours(made.feed) >= 0.95
    before = hash_folder(tmp_path / "demo")
    assert make() == made
    assert hash_folder(tmp_path / "demo") == before
