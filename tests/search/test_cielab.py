"""CIELAB and its bins."""

from __future__ import annotations

import numpy as np
import pytest

from search.cielab import (
    BIN_COUNT,
    LEVELS,
    compress_chroma,
    convert_to_lab,
    count_colors,
    encode_colors,
    load_color_table,
)

# Computed by skimage.color.rgb2lab of scikit-image (D65, 2 degree observer).
PUBLISHED = {
    (255, 0, 0): (53.2406, 80.0923, 67.2028),
    (0, 255, 0): (87.7351, -86.1830, 83.1797),
    (0, 0, 255): (32.2957, 79.1856, -107.8573),
    (255, 255, 255): (100.0, -0.0025, 0.0047),
    (0, 0, 0): (0.0, 0.0, 0.0),
    (128, 128, 128): (53.5850, -0.0015, 0.0028),
    (222, 184, 135): (77.0184, 7.0486, 30.0216),
    (0, 0, 128): (12.9712, 47.5011, -64.7004),
    (5, 3, 8): (1.0381, 1.2182, -1.7077),
    (200, 30, 90): (44.1609, 65.8066, 10.6150),
}


def test_lab_agrees_with_scikit_image() -> None:
    lab = convert_to_lab(np.array(list(PUBLISHED), dtype=np.uint8))
    np.testing.assert_allclose(lab, list(PUBLISHED.values()), atol=1e-3)


def test_logarithm_keeps_lightness_hue_and_greys() -> None:
    lab = convert_to_lab(np.array([(200, 30, 90), (20, 200, 250), (90, 90, 90)], dtype=np.uint8))
    pressed = compress_chroma(lab)
    np.testing.assert_allclose(pressed[:, 0], lab[:, 0])
    hues = [np.arctan2(colors[:2, 2], colors[:2, 1]) for colors in (lab, pressed)]
    np.testing.assert_allclose(*hues)
    assert (np.hypot(*pressed[:2, 1:].T) < np.hypot(*lab[:2, 1:].T)).all()
    np.testing.assert_allclose(pressed[2], lab[2], atol=1e-3)


def test_shares_of_every_color_sum_to_one_over_different_bins() -> None:
    table = load_color_table()
    assert table.bin_count == BIN_COUNT
    assert table.bins.shape == table.shares.shape
    assert len(table.bins) == LEVELS**3
    assert (np.diff(np.sort(table.bins, axis=1), axis=1) > 0).all()
    np.testing.assert_allclose(table.shares.sum(axis=1), 1, rtol=1e-5)
    assert set(table.bins[:, 0]) | set(table.bins.ravel()) == set(range(BIN_COUNT))


def test_index_names_the_nearest_color_of_the_table() -> None:
    rgb = np.random.default_rng(7).integers(0, 256, (500, 3), dtype=np.uint8)
    of_table = load_color_table().lab[encode_colors(rgb)]
    level = np.round(rgb.astype(float) / 255 * (LEVELS - 1)) * 255 / (LEVELS - 1)
    np.testing.assert_allclose(of_table, convert_to_lab(level), atol=1e-4)


def test_counts_keep_the_weight_and_are_additive() -> None:
    rng = np.random.default_rng(3)
    colors = rng.integers(0, LEVELS**3, (8, 9)).astype(np.intp)
    weights = rng.random((8, 9)).astype(np.float32)
    counts = count_colors(colors, weights)
    assert counts.shape == (BIN_COUNT,)
    assert counts.sum() == pytest.approx(weights.sum(), rel=1e-5)
    halves = count_colors(colors[:4], weights[:4]) + count_colors(colors[4:], weights[4:])
    np.testing.assert_allclose(counts, halves, rtol=1e-9, atol=1e-12)
