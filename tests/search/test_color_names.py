"""Colours as people write them: every form, every name of the shared catalogue, and refusals that help."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor

from search import shop_colors
from search.color_names import (
    LONGEST_PALETTE,
    LONGEST_TEXT,
    MOST_COLORS,
    list_color_names,
    name_color,
    read_color,
    read_palette,
)
from search.errors import QueryError


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("#a02030", "#a02030"),
        ("A02030", "#a02030"),
        (" #ABC ", "#aabbcc"),
        ("abc", "#aabbcc"),
        ("rgb(1,2,3)", "#010203"),
        ("RGB( 160 , 32, 48 )", "#a02030"),
        ("white", "#ffffff"),
        ("Navy Blue", "#01153e"),
        ("navy-blue", "#01153e"),
        ("NAVY_BLUE", "#01153e"),
        ("navyblue", "#01153e"),
        ("Off White", "#ffffe4"),
        ("light gray", "#d8dcd6"),
        ("lightgrey", "#d8dcd6"),
        ("rebecca purple", "#663399"),
        ("rose gold", "#b76e79"),
    ],
)
def test_every_form_is_read(text: str, color: str) -> None:
    assert read_color(text) == color


@given(st.binary(min_size=3, max_size=3))
def test_any_colour_is_read_in_all_forms_alike(rgb: bytes) -> None:
    color = "#" + rgb.hex()
    assert read_color(color) == read_color(color[1:].upper()) == read_color(f"rgb{tuple(rgb)}") == color


def test_a_shop_s_brown_is_no_red() -> None:
    """CSS's is (165, 42, 42)."""
    assert read_color("brown") != ImageColor.colormap["brown"]
    assert read_color("dark grey") < read_color("grey")  # CSS has it the other way round


def test_every_name_there_is_can_be_written_and_every_css_name_is_there() -> None:
    names = list_color_names()
    assert list(names) == sorted(set(names))
    for name in (*names, *ImageColor.colormap):
        assert read_color(name) == read_color(name.replace(" ", "-").upper())


def test_the_surveyed_values_are_the_survey_s() -> None:
    from matplotlib.colors import to_hex

    for name, color in shop_colors.SURVEYED.items():
        assert to_hex("xkcd:" + name) == color


def test_a_colour_has_the_name_of_the_nearest() -> None:
    assert name_color("#e30303") == "red"
    assert name_color("#02143c") == "navy"
    assert name_color("#fefefe") == "white"
    for name in shop_colors.SURVEYED:
        assert read_color(name_color(read_color(name))) == read_color(name)


def test_the_catalogue_s_colours_are_known(catalogue_dir: Path) -> None:
    with (catalogue_dir / "products.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["baseColour"] for row in csv.DictReader(file)}
    assert len(labels) > 30
    for label in labels - {"Multi", "NA"}:
        assert read_color(label).startswith("#")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("blu", "names spelt like it: blue"),
        ("burgandy", "names spelt like it: burgundy"),
        ("Multi", "no single colour"),
        ("xyzzyx", "'xyzzyx' is no colour that is known here"),
        ("", "'' is no colour"),
        ("#12345", "is no colour"),
        ("rgb(1,2,300)", "is no colour"),
        ("rgb(1,2)", "is no colour"),
        ("#١٢٣", "is no colour"),
    ],
)
def test_what_is_no_colour_is_refused_with_a_way_out(text: str, said: str) -> None:
    with pytest.raises(QueryError, match="#a02030") as refused:
        read_color(text, pointer="/color")
    assert said in refused.value.message
    assert (refused.value.code, refused.value.pointer) == ("unknown_color", "/color")


@pytest.mark.parametrize(("read", "longest"), [(read_color, LONGEST_TEXT), (read_palette, LONGEST_PALETTE)])
def test_a_long_text_is_refused_before_it_is_read(read, longest: int) -> None:
    with pytest.raises(QueryError) as refused:
        read("#" * 1_000_000)
    assert refused.value.code == "text_too_long"
    assert len(refused.value.message) < 200
    assert str(longest) in refused.value.message


def test_a_palette_has_shares_that_sum_to_one() -> None:
    assert read_palette("#a02030:0.7, white:0.3") == (("#a02030", 0.7), ("#ffffff", 0.3))
    assert read_palette("#a02030:7,white:3") == (("#a02030", 0.7), ("#ffffff", 0.3))
    assert read_palette("rgb(1,2,3), white") == (("#010203", 0.5), ("#ffffff", 0.5))
    assert read_palette("rgb(1,2,3):3,white:1") == (("#010203", 0.75), ("#ffffff", 0.25))
    assert read_palette("navy") == (("#01153e", 1.0),)
    assert read_palette("white,navy,White,#fff") == (("#ffffff", 0.75), ("#01153e", 0.25))


@pytest.mark.parametrize("share", ["0", "-1", "nan", "inf", "1e400", "", "half", "1:2"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(QueryError, match="no share of a colour") as refused:
        read_palette(f"white:{share}", pointer="/color")
    assert (refused.value.code, refused.value.pointer) == ("invalid_palette", "/color")


def test_shares_for_some_only_or_too_many_colours_are_refused() -> None:
    with pytest.raises(QueryError, match="shares for 1 of its 2 colours"):
        read_palette("white:0.5,red")
    with pytest.raises(QueryError, match=f"{MOST_COLORS} colours at most, this one has {MOST_COLORS + 1}"):
        read_palette(",".join(["red"] * (MOST_COLORS + 1)))
    with pytest.raises(QueryError) as refused:
        read_palette("red,,white")
    assert refused.value.code == "unknown_color"
