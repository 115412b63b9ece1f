"""Boxes read, refused and cut; knows nothing of where one is asked with."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from search.errors import QueryError
from search.region import SMALLEST_CROP, SMALLEST_SIDE, WHOLE, Box, crop_picture, read_box
from tests.search.pictures import differ, draw_noise, draw_picture

SHARE = st.floats(0, 1)


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ([0.1, 0.1, 1.2, 0.9], "/region/2"),
        ([-0.1, 0.1, 0.5, 0.9], "/region/0"),
        ([0, 0, 300, 400], "/region/2"),
        ([0.5, 0.1, 0.5, 0.9], "/region"),
        ([0.1, 0.9, 0.5, 0.1], "/region"),
        ([0.1, 0.1, 0.9, 0.119], "/region"),
        ([0.1, 0.1, 0.9], "/region"),
        ([0.1, 0.1, 0.9, 0.9, 1.0], "/region"),
        ([0.1, 0.1, 0.9, math.nan], "/region"),
        ([0.1, 0.1, math.inf, 0.9], "/region"),
        ([0.1, 0.1, 0.9, "0.9"], "/region"),
        ([False, False, True, True], "/region"),
        ([0, 0, 1, 10**400], "/region/3"),
        ([0.1, 0.1, 0.9, None], "/region"),
        ("0,0,1,1", "/region"),
        ({"x0": 0}, "/region"),
        (None, "/region"),
        (list(range(100_000)), "/region"),
    ],
)
def test_what_is_no_region_is_refused_and_pointed_at(values: object, pointer: str) -> None:
    with pytest.raises(QueryError) as caught:
        read_box(values, "/region")
    assert caught.value.code == "invalid_region"
    assert caught.value.pointer == pointer
    assert len(caught.value.message) < 250


def test_the_smallest_region_is_read() -> None:
    box = read_box([0.3, 0.4, 0.32, 0.42], "/region")  # 0.32 - 0.3 is a hair more than 0.02, 0.42 - 0.4 a hair less
    assert box == Box(x0=0.3, y0=0.4, x1=0.32, y1=0.42)
    with pytest.raises(QueryError):
        read_box([0.3, 0.4, 0.3 + SMALLEST_SIDE * 0.9, 0.5], "/region")


def test_whole_numbers_are_shares_too() -> None:
    assert read_box((0, 0, 1, 1), "") == WHOLE


def test_the_box_of_the_whole_photo_gives_the_whole_photo() -> None:
    for width, height in ((96, 64), (1, 1), (5, 640), (333, 7)):
        picture = draw_noise(width, height)
        assert differ(crop_picture(picture, WHOLE), picture) == 0
        assert differ(WHOLE.crop(picture), picture) == 0


def test_a_quarter_is_cut_at_its_pixels() -> None:
    lime = np.asarray(crop_picture(draw_picture(), Box(x0=0.5, y0=0, x1=1, y1=0.5)))
    assert lime.shape == (32, 48, 3)
    assert (lime == (0, 255, 0)).all()


def test_a_pixel_that_is_touched_is_inside() -> None:
    assert crop_picture(draw_picture(100, 100), Box(x0=0.101, y0=0.3, x1=0.399, y1=0.7)).size == (30, 40)


@settings(max_examples=2_000, deadline=None)
@given(SHARE, SHARE, SHARE, SHARE, st.integers(1, 700), st.integers(1, 700))
def test_a_crop_holds_its_box_and_never_leaves_the_photo(
    a: float, b: float, c: float, d: float, width: int, height: int
) -> None:
    values = [min(a, c), min(b, d), max(a, c), max(b, d)]
    if min(values[2] - values[0], values[3] - values[1]) < SMALLEST_SIDE - 1e-9:
        with pytest.raises(QueryError, match=r"too small|no area"):
            read_box(values, "/region")
        return
    box = read_box(values, "/region")
    cut = crop_picture(Image.new("RGB", (width, height)), box)
    for side, whole, share in zip(cut.size, (width, height), (box.x1 - box.x0, box.y1 - box.y0), strict=True):
        assert min(SMALLEST_CROP, whole) <= side <= whole
        assert side >= share * whole - 1e-5
        assert side <= max(share * whole + 2, SMALLEST_CROP)


@settings(max_examples=2_000, deadline=None)
@given(st.lists(st.one_of(st.floats(), st.integers(), st.none(), st.booleans(), st.text()), max_size=6))
def test_anything_is_a_box_or_refused(values: list[object]) -> None:
    try:
        box = read_box(values, "/region")
    except QueryError as error:
        told = error
    else:
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
        return
    assert told.code == "invalid_region"
    assert (told.pointer or "").startswith("/region")
