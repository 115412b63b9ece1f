"""What is suggested of drawn photos, of noise, and of the shared catalogue where it is there."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from search.region import WHOLE, read_box
from search.region_suggestions import suggest_regions
from tests.search.people import ANKLE, HEAD_ENDS, HEM, draw_person, draw_things
from tests.search.pictures import draw_noise

CATALOGUE = Path(__file__).parents[3] / "shared" / "catalogue"
PARTS = ("upper body", "lower body", "feet")


def by_name(picture):
    return {region.name: region for region in suggest_regions(picture)}


def test_a_person_is_cut_at_hem_and_shoes():
    found = by_name(draw_person())
    assert list(found) == ["whole product", *PARTS]
    upper, lower, feet = (found[name].box for name in PARTS)
    assert HEAD_ENDS / 400 < upper.y0 < 95 / 400
    assert upper.y1 == lower.y0 == pytest.approx(HEM / 400, abs=0.02)
    assert lower.y1 == feet.y0 == pytest.approx(ANKLE / 400, abs=0.02)
    assert feet.y1 == pytest.approx(391 / 400, abs=0.01)
    assert upper.x0 == pytest.approx(78 / 300, abs=0.03)
    assert lower.x0 == pytest.approx(96 / 300, abs=0.03) or lower.x0 < 96 / 300  # hands hang into its first rows


def test_clothes_of_one_colour_are_cut_at_the_hip():
    found = by_name(draw_person(trousers="#b02030"))
    cut = found["upper body"].box.y1
    assert cut == found["lower body"].box.y0
    assert 0.4 < cut < 0.6


def test_a_person_cut_off_at_the_hip_has_no_feet():
    found = by_name(draw_person().crop((0, 0, 300, 230)))
    assert "feet" not in found
    assert found["upper body"].box.y1 == pytest.approx(HEM / 230, abs=0.03)


def test_a_person_without_a_head_is_seen_by_legs_and_hands():
    found = by_name(draw_person().crop((0, 150, 300, 400)))
    assert found["upper body"].box.y0 == 0
    assert found["lower body"].box.y0 == pytest.approx((HEM - 150) / 250, abs=0.03)
    assert found["feet"].box.y0 == pytest.approx((ANKLE - 150) / 250, abs=0.03)


def test_trousers_alone_are_nobody():
    trousers = Image.new("RGB", (300, 400), "white")
    trousers.paste(draw_person().crop((96, 201, 205, 371)), (96, 100))
    assert not set(by_name(trousers)) & set(PARTS)


def test_separate_things_are_named_by_size():
    found = by_name(draw_things())
    assert list(found) == ["whole product", "object", "object 2"]
    assert found["whole product"].box.to_wire() == pytest.approx([0.05, 0.2, 0.9, 0.8], abs=0.02)
    assert found["whole product"].share == 1
    assert found["object"].box.to_wire() == pytest.approx([0.05, 0.2, 0.45, 0.8], abs=0.02)
    assert found["object 2"].box.to_wire() == pytest.approx([0.75, 0.4, 0.9, 0.7], abs=0.02)
    assert found["object"].share + found["object 2"].share == pytest.approx(1)
    assert found["object"].share == pytest.approx(80 * 60 / (80 * 60 + 30 * 30), abs=0.02)


@pytest.mark.parametrize("picture", [Image.new("RGB", (80, 60), "white"), draw_noise(90, 70)])
def test_a_photo_on_which_nothing_stands_out_is_suggested_whole(picture):
    regions = suggest_regions(picture)
    assert regions[0].name == "whole product"
    assert regions[0].box == WHOLE


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)), fill=st.just(255)),
    st.booleans(),
)
def test_every_suggestion_can_be_asked_with(pixels, framed):
    if framed and min(pixels.shape[:2]) > 2:
        pixels[[0, -1]] = pixels[:, [0, -1]] = 255
    regions = suggest_regions(Image.fromarray(pixels))
    assert regions
    assert regions[0].name == "whole product"
    names = [region.name for region in regions]
    assert len(names) == len(set(names))
    for region in regions:
        assert read_box(region.box.to_wire(), "/region").to_wire() == region.box.to_wire()
        assert 0 <= region.share <= 1 + 1e-9


def read_photos(category, count):
    with (CATALOGUE / "products.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["subCategory"] == category]
    for row in itertools.islice(rows, 0, len(rows), max(len(rows) // count, 1)):
        with Image.open(CATALOGUE / row["image"]) as photo:
            yield photo.convert("RGB")


@pytest.mark.skipif(not CATALOGUE.is_dir(), reason="the shared catalogue is not here")
@pytest.mark.parametrize(
    ("category", "least", "most"),
    [("Topwear", 0.8, 0.95), ("Bottomwear", 0.65, 0.85), ("Shoes", 0, 0.02), ("Bags", 0, 0.01), ("Watches", 0, 0.01)],
)
def test_people_are_found_where_clothes_are_worn(category, least, most):
    seen = [any(name in PARTS for name in by_name(photo)) for photo in read_photos(category, 80)]
    assert least <= sum(seen) / len(seen) <= most
