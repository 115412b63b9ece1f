"""What is laid over a photo: where it is, how strong, and how large."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from search.heat_map import HeatKind, HeatMap
from search.heat_picture import OVERLAY_SIDE, blend_heat, choose_size, draw_overlay, join_heat


def make_heat(values, *, space="a", frame=(0.0, 0.0, 1.0, 1.0), cosine=None):
    array = np.array(values, np.float32)
    total = float(array.sum()) if cosine is None else cosine
    return HeatMap(space=space, kind=HeatKind.PARTS, values=array, frame=frame, cosine=total)


CORNER = [[0.6, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_heat_is_where_it_was_and_0_to_1():
    heat = join_heat([make_heat(CORNER)], {"a": 1.0}, (90, 60))
    assert heat.shape == (60, 90)
    assert (heat.min(), heat.max()) == (0, 1)
    assert np.unravel_index(heat.argmax(), heat.shape) < (20, 30)
    assert heat[30:, 45:].max() == pytest.approx(0, abs=0.02)


def test_a_frame_beyond_the_picture_is_cut_off():
    """Three columns over a square of which the picture is the middle: its middle column covers all of the width."""
    heat = join_heat([make_heat([[0.0, 1.0, 0.0]], frame=(-1.0, 0.0, 2.0, 1.0))], {"a": 1.0}, (40, 120))
    middle = heat[:, 15:25].mean()
    assert middle > heat[:, :3].mean()
    assert middle > heat[:, -3:].mean()


def test_a_space_colours_as_much_as_it_gives_to_the_score():
    left, right = make_heat([[0.5, 0.0]], space="a"), make_heat([[0.0, 0.5]], space="b")
    heat = join_heat([left, right], {"a": 0.8, "b": 0.2}, (60, 30))
    assert heat[:, :20].mean() > 2 * heat[:, -20:].mean()
    equal = join_heat([left, right], {"a": 0.5, "b": 0.5}, (60, 30))
    assert equal[:, :20].mean() == pytest.approx(equal[:, -20:].mean(), rel=0.02)


def test_what_speaks_against_is_not_shown():
    heat = join_heat([make_heat([[0.5, -0.5]], cosine=0.1)], {"a": 1.0}, (60, 30))
    assert heat[:, 45:].max() == 0


def test_no_likeness_is_no_heat():
    for cosine, weight in ((-0.3, 1.0), (0.0, 1.0), (0.6, 0.0)):
        heat = join_heat([make_heat(CORNER, cosine=cosine)], {"a": weight}, (30, 30))
        assert heat.max() == 0
    assert join_heat([], {}, (30, 20)).shape == (20, 30)


def test_an_overlay_is_a_small_png_that_is_transparent_where_it_is_cold():
    picture = Image.new("RGB", (600, 450), "white")
    size = choose_size(picture)
    assert size == (OVERLAY_SIDE, 180)
    png = draw_overlay(join_heat([make_heat(np.random.default_rng(1).random((7, 7)))], {"a": 1.0}, size))
    assert len(png) < 20_000
    overlay = Image.open(io.BytesIO(png))
    assert overlay.size == size
    pixels = np.asarray(overlay.convert("RGBA"))
    assert pixels[..., 3].min() == 0
    assert pixels[..., 3].max() == 205
    cold = np.asarray(Image.open(io.BytesIO(draw_overlay(np.zeros((10, 20), np.float32)))).convert("RGBA"))
    assert (cold[..., 3] == 0).all()


def test_a_blend_is_the_photo_where_it_is_cold():
    heat = join_heat([make_heat(CORNER)], {"a": 1.0}, (60, 60))
    blended = np.asarray(blend_heat(Image.new("RGB", (60, 60), (10, 120, 200)), heat))
    assert (blended[-1, -1] == (10, 120, 200)).all()
    assert blended[0, 0, 0] > 100
