"""Colours as questions: they lie where photos of them lie, and palettes come in the order of their distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from search.color_difference import compare_palettes
from search.color_query import SPACE, embed_colors, measure_tolerance, rank_by_color, read_color_example
from search.encoders.color import CARD, ColorEncoder
from search.pools import to_embeddings

RED, BLUE, WHITE = "#c81824", "#1c3cb4", "#ffffff"

colors = st.binary(min_size=3, max_size=3).map(lambda rgb: "#" + rgb.hex())
palettes = st.lists(st.tuples(colors, st.floats(0.05, 1)), min_size=1, max_size=5)


def embed_photo(picture: Image.Image) -> np.ndarray:
    encoder = ColorEncoder()
    return to_embeddings(encoder.pool([encoder.prepare(picture)]))[0]


@pytest.mark.parametrize("color", [RED, BLUE, WHITE, "#010203", "#80705f"])
def test_a_photo_of_one_colour_is_the_question_itself(color: str) -> None:
    asked = embed_colors([(color, 1.0)])
    assert asked.dtype == np.float32
    np.testing.assert_allclose(asked, embed_photo(Image.new("RGB", (90, 60), color)), atol=1e-6)


def test_shares_count_and_their_sum_does_not() -> None:
    photo = Image.new("RGB", (64, 64), RED)
    ImageDraw.Draw(photo).rectangle((0, 0, 63, 31), WHITE)
    ImageDraw.Draw(photo).rectangle((0, 32, 63, 63), RED)
    half = embed_colors([(RED, 0.5), (WHITE, 0.5)])
    np.testing.assert_array_equal(half, embed_colors([(RED, 4.0), (WHITE, 4.0)]))
    mostly = embed_colors([(RED, 0.9), (WHITE, 0.1)])
    red = embed_colors([(RED, 1.0)])
    assert red @ mostly > red @ half > 0.6
    assert np.linalg.norm(half) == pytest.approx(1, abs=1e-6)


def test_as_it_is_written() -> None:
    example = read_color_example("navy:3, white:1", weight=-0.5)
    assert example.colors == (("#01153e", 0.75), (WHITE, 0.25))
    assert example.weight == -0.5
    assert example.embeddings[SPACE].shape == (CARD.dimension,)


def test_tolerance_is_about_what_is_a_tenth_of_the_product() -> None:
    palette = [(BLUE, 0.85), (WHITE, 0.1), (RED, 0.05)]
    assert measure_tolerance(palette, WHITE) == 0
    assert measure_tolerance(palette, BLUE) == 0
    assert (measure_tolerance(palette, RED) or 0) > 20
    assert measure_tolerance([], RED) is None


def test_the_order_is_that_of_the_whole_palette() -> None:
    found = rank_by_color(
        [[], [(WHITE, 0.8), (RED, 0.2)], [("#c01c28", 1.0)], [(RED, 1.0)], [(BLUE, 1.0)]], [(RED, 1.0)]
    )
    assert np.argsort(found).tolist() == [3, 2, 1, 4, 0]
    assert found[3] == 0
    assert np.isinf(found[0])


@settings(max_examples=100, deadline=None)
@given(palettes, palettes, colors)
def test_never_more_than_the_earth_mover_s_distance_and_equal_to_it_for_one_colour(a: list, b: list, c: str) -> None:
    both, none, one = rank_by_color([a, [], a], b)[0], rank_by_color([[]], b)[0], rank_by_color([a], [(c, 0.3)])[0]
    assert 0 <= both <= compare_palettes(a, b).palette + 1e-6
    assert np.isinf(none)
    assert one == pytest.approx(compare_palettes(a, [(c, 1.0)]).palette, abs=1e-6)


def test_nothing_to_rank() -> None:
    assert rank_by_color([], [(RED, 1.0)]).shape == (0,)
