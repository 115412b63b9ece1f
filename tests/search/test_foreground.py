"""Which pixels count."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from search.cielab import encode_colors
from search.foreground import _load_skin_table, find_background, weigh_foreground

SKIN = (224, 172, 138)
RED = (190, 20, 40)

Box = tuple[int, int, int, int]


def _draw(background: tuple[int, int, int], *boxes: tuple[Box, tuple[int, int, int]]) -> NDArray[np.uint8]:
    picture = Image.new("RGB", (64, 64), background)
    for box, colour in boxes:
        ImageDraw.Draw(picture).rectangle(box, fill=colour)
    return np.asarray(picture)


def _weigh(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    return weigh_foreground(rgb, encode_colors(rgb))


@pytest.mark.parametrize("background", [(255, 255, 255), (200, 200, 200), (0, 0, 0), (30, 90, 200)])
def test_plain_background_has_no_weight(background: tuple[int, int, int]) -> None:
    weights = _weigh(_draw(background, ((20, 16, 43, 47), RED)))
    inside = weights[16:48, 20:44]
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert inside.sum() == pytest.approx(1, abs=1e-5)
    assert (inside > 0).all()


def test_noisy_background_is_background() -> None:
    rgb = _draw((200, 200, 200), ((20, 16, 43, 47), RED)).astype(np.int16)
    rgb += np.random.default_rng(1).normal(0, 3, rgb.shape).round().astype(np.int16)
    background = find_background(rgb.clip(0, 255).astype(np.uint8))
    assert not background[18:46, 22:42].any()
    outside = np.ones((64, 64), dtype=bool)
    outside[16:48, 20:44] = False
    assert background[outside].mean() > 0.95


def test_white_inside_an_outline_belongs_to_the_product() -> None:
    rgb = _draw((255, 255, 255), ((16, 16, 47, 47), (225, 225, 225)), ((18, 18, 45, 45), (255, 255, 255)))
    assert not find_background(rgb)[16:48, 16:48].any()
    assert find_background(rgb)[:16].all()


def test_one_colour_all_over_counts_everywhere() -> None:
    assert (_weigh(_draw((250, 250, 250))) > 0).all()


def test_product_that_touches_a_side_is_not_background() -> None:
    rgb = _draw((255, 255, 255), ((16, 24, 47, 63), RED))
    assert not find_background(rgb)[24:, 16:48].any()


def test_skin_counts_less_beside_a_product_and_in_full_where_it_is_the_product() -> None:
    worn = _weigh(_draw((255, 255, 255), ((16, 8, 47, 15), SKIN), ((16, 16, 47, 55), RED)))
    plain = _weigh(_draw((255, 255, 255), ((16, 8, 47, 15), (40, 60, 160)), ((16, 16, 47, 55), RED)))
    assert 0 < worn[8:16].sum() < 0.5 * plain[8:16].sum()
    bag = _weigh(_draw((255, 255, 255), ((16, 8, 47, 15), RED), ((16, 16, 47, 55), SKIN)))
    as_blue = _weigh(_draw((255, 255, 255), ((16, 8, 47, 15), RED), ((16, 16, 47, 55), (40, 60, 160))))
    np.testing.assert_allclose(bag, as_blue, atol=1e-6)


def test_middle_of_the_product_counts_more_than_its_ends() -> None:
    weights = _weigh(_draw((255, 255, 255), ((16, 4, 47, 59), RED)))
    assert weights[28:36].sum() > 1.5 * weights[4:12].sum()


def test_skin_from_light_to_dark_is_told_from_wheat_and_chestnut() -> None:
    table = _load_skin_table()
    skin = [(224, 172, 138), (198, 134, 96), (141, 85, 54), (90, 56, 37)]
    other = [(245, 222, 179), (150, 75, 30), (255, 255, 255), (20, 20, 22), (200, 24, 36), (40, 60, 160)]
    assert table[encode_colors(np.array(skin, dtype=np.uint8))].min() > 0.5
    assert table[encode_colors(np.array(other, dtype=np.uint8))].max() < 0.25
