"""Differences of colours against the published pairs and scikit-image; palettes against what must hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.cielab import convert_to_lab
from search.color_difference import compare_palettes, measure_delta_e, to_hex, to_lab, to_rgb

# Sharma, Wu and Dalal 2005, table 1: L*, a*, b* of both, and their difference.
PUBLISHED = Path(__file__).with_name("ciede2000_pairs.txt")

RED, BLUE, WHITE, BLACK = "#c81824", "#1c3cb4", "#ffffff", "#000000"

colors = st.binary(min_size=3, max_size=3).map(lambda rgb: "#" + rgb.hex())
palettes = st.lists(st.tuples(colors, st.floats(0.01, 1)), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def pairs() -> np.ndarray:
    rows = np.loadtxt(PUBLISHED)
    assert rows.shape == (34, 7)
    return rows


def test_the_published_pairs(pairs: np.ndarray) -> None:
    for one, other in ((pairs[:, :3], pairs[:, 3:6]), (pairs[:, 3:6], pairs[:, :3])):
        np.testing.assert_allclose(measure_delta_e(one, other), pairs[:, 6], atol=5.1e-5)


def test_as_scikit_image_has_it() -> None:
    color = pytest.importorskip("skimage.color", reason="scikit-image is part of the extra 'bench'")
    random = np.random.default_rng(3)
    one, other = (convert_to_lab(random.integers(0, 256, (5_000, 3), dtype=np.uint8)) for _ in range(2))
    np.testing.assert_allclose(measure_delta_e(one, other), color.deltaE_ciede2000(one, other), atol=1e-9)


def test_shapes_broadcast() -> None:
    lab = to_lab([(RED, 1), (BLUE, 1), (WHITE, 1)])
    table = measure_delta_e(lab[:, None], lab[None])
    assert table.shape == (3, 3)
    np.testing.assert_array_equal(np.diag(table), 0)
    np.testing.assert_allclose(table, table.T, atol=1e-12)
    assert table[0, 1] == measure_delta_e(lab[0], lab[1])


def test_black_and_white_are_a_hundred_apart() -> None:
    assert compare_palettes([(BLACK, 1.0)], [(WHITE, 1.0)]).main == pytest.approx(100, abs=1e-3)


def test_hex_there_and_back() -> None:
    assert to_rgb([RED, WHITE]).tolist() == [[200, 24, 36], [255, 255, 255]]
    assert to_hex(np.array([200.4, 23.6, 300])) == "#c818ff"


def test_the_work_of_a_palette_is_that_of_the_share_that_moves() -> None:
    """A third of the white has to become red; the rest stays."""
    difference = compare_palettes([(WHITE, 2.0), (RED, 1.0)], [(WHITE, 1.0), (RED, 2.0)])
    apart = measure_delta_e(*to_lab([(WHITE, 1), (RED, 1)]))
    assert difference.palette == pytest.approx(apart / 3, rel=1e-9)
    assert difference.main == 0


def test_the_main_colour_is_the_first() -> None:
    difference = compare_palettes([(RED, 0.6), (WHITE, 0.4)], [(WHITE, 0.5), (RED, 0.5)])
    assert difference.main > 30
    assert difference.palette < 10


@settings(max_examples=100, deadline=None)
@given(palettes, palettes, palettes)
def test_a_distance_of_palettes_is_one(a: list, b: list, c: list) -> None:
    """Zero to itself, the same both ways, never more than the farthest pair of colours, at least the means' share."""
    assert compare_palettes(a, a).palette == pytest.approx(0, abs=1e-6)
    there = compare_palettes(a, b).palette
    assert there == pytest.approx(compare_palettes(b, a).palette, abs=1e-6)
    pairwise = measure_delta_e(to_lab(a)[:, None], to_lab(b)[None])
    assert pairwise.min() - 1e-6 <= there <= pairwise.max() + 1e-6


@pytest.mark.parametrize("palette", [[], [(RED, 0.0)], [(RED, -1.0), (BLUE, 2.0)], [(RED, float("nan"))]])
def test_what_is_no_palette_is_refused(palette: list) -> None:
    with pytest.raises(ValueError, match="is no palette"):
        compare_palettes(palette, [(RED, 1.0)])
