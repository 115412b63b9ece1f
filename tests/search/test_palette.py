"""Palettes of drawn products: the product's colours and no other, in their shares, always the same."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from search.color_difference import measure_delta_e, to_lab
from search.color_sample import sample_colors
from search.palette import MAX_COLORS, MERGED_BELOW, SMALLEST_SHARE, measure_palette, measure_sample
from search.photo import decode_photo
from tests.search.pictures import draw_noise

WHITE = (255, 255, 255)
RED, BLUE, YELLOW, BLACK = (200, 24, 36), (28, 60, 180), (240, 200, 40), (12, 12, 14)


def draw_stripes(*colors: tuple[int, int, int], background: tuple[int, int, int] = WHITE) -> Image.Image:
    """Upright stripes of one width, the middle of the picture's height and width."""
    picture = Image.new("RGB", (320, 320), background)
    wide = 200 // len(colors)
    for place, color in enumerate(colors):
        ImageDraw.Draw(picture).rectangle((60 + place * wide, 40, 60 + (place + 1) * wide - 1, 280), color)
    return picture


def measure_apart(color: str, rgb: tuple[int, int, int]) -> float:
    return float(measure_delta_e(*to_lab([(color, 1.0), ("#" + bytes(rgb).hex(), 1.0)])))


def test_a_flat_picture_is_its_colour_exactly() -> None:
    assert measure_palette(Image.new("RGB", (80, 120), RED)) == (("#c81824", 1.0),)
    assert measure_palette(Image.new("RGB", (1, 1), BLACK)) == (("#0c0c0e", 1.0),)


@pytest.mark.parametrize("background", [WHITE, (190, 190, 190), BLACK])
def test_the_background_is_not_in_it(background: tuple[int, int, int]) -> None:
    palette = measure_palette(draw_stripes(RED, background=background))
    assert measure_apart(palette[0][0], RED) < 3
    assert palette[0][1] > 0.9
    assert all(measure_apart(color, background) > MERGED_BELOW for color, _ in palette)


def test_colours_have_their_shares_and_the_main_one_is_first() -> None:
    palette = measure_palette(draw_stripes(BLUE, RED, RED, BLUE, RED))
    assert [measure_apart(color, rgb) < 4 for (color, _), rgb in zip(palette, (RED, BLUE), strict=False)] == [True] * 2
    assert palette[0][1] == pytest.approx(0.6, abs=0.06)
    assert palette[1][1] == pytest.approx(0.4, abs=0.06)


def test_light_and_shade_of_one_colour_are_one() -> None:
    picture = np.asarray(draw_stripes(RED)).astype(float)
    folds = 1 - 0.12 * (1 + np.sin(np.arange(320) / 9)) / 2
    shaded = Image.fromarray(np.where(picture < 250, picture * folds[None, :, None], picture).astype(np.uint8))
    palette = measure_palette(shaded)
    assert palette[0][1] > 0.9
    assert measure_apart(palette[0][0], (188, 23, 34)) < 4


def test_what_must_hold_of_any_palette() -> None:
    many = [(c * 40 % 256, c * 97 % 256, c * 151 % 256) for c in range(1, 13)]
    for picture in (draw_noise(), draw_stripes(*many), draw_stripes(RED, YELLOW, BLUE, BLACK)):
        palette = measure_palette(picture)
        shares = [share for _, share in palette]
        assert 1 <= len(palette) <= MAX_COLORS
        assert sum(shares) == pytest.approx(1, abs=0.001)
        assert shares == sorted(shares, reverse=True)
        assert min(shares) >= SMALLEST_SHARE - 0.001
        assert measure_palette(picture.copy()) == palette == measure_sample(sample_colors(picture))


def test_real_photos_have_the_colour_they_are_said_to_have(catalogue_dir: Path) -> None:
    """The main colours of what is labelled so: the median lies nearer to its own name's usual red than to any other."""
    usual = {"Red": "#a52530", "Blue": "#40608a", "Black": "#1c1c1e", "White": "#e6e6e8", "Green": "#5a7048"}
    with (catalogue_dir / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["baseColour"] in usual][:150]
    right: Counter[bool] = Counter()
    labs = to_lab([(color, 1.0) for color in usual.values()])
    for row in rows:
        palette = measure_palette(decode_photo((catalogue_dir / row["image"]).read_bytes()).picture)
        nearest = int(measure_delta_e(labs, to_lab(palette[:1])).argmin())
        right[list(usual)[nearest] == row["baseColour"]] += 1
    assert right[True] / right.total() > 0.7
