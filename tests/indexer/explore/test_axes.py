"""Axes of one's own: how they are written, where items lie on them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.explore.axes import TextAxis, ValueAxis, embed_ends, parse_axis, place_across, place_items
from indexer.explore.labels import read_labels
from search.errors import NotFoundError, QueryError


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("color=Red..Blue", ValueAxis(attribute="color", low="Red", high="Blue")),
        (" color = Navy Blue .. Off White ", ValueAxis(attribute="color", low="Navy Blue", high="Off White")),
        ("red,blue", TextAxis(low="red", high="blue")),
        ("a plain shirt , a printed shirt", TextAxis(low="a plain shirt", high="a printed shirt")),
        ("a shirt, red..a shirt, blue", TextAxis(low="a shirt, red", high="a shirt, blue")),
    ],
)
def test_an_axis_is_read(text, axis):
    assert parse_axis(text) == axis


@pytest.mark.parametrize(
    "text", ["", "red", "red,", ",", "..", "color=", "color=Red", "color=..", "a,b,c", "x" * 2_000]
)
def test_what_is_no_axis_is_refused(text):
    with pytest.raises(QueryError) as refused:
        parse_axis(text)
    assert refused.value.pointer == "/axis"


@pytest.mark.parametrize("text", ["red,red", "color=Red..Red"])
def test_an_axis_needs_two_ends(text):
    with pytest.raises(QueryError, match="two ends"):
        parse_axis(text)


def test_the_two_groups_lie_at_minus_one_and_one(read):
    table = read()
    placed = place_items(parse_axis("color=Red..Blue"), table, {})
    colors = np.array([read_labels(point, "color")[0] for point in table.points])
    assert placed[colors == "Red"].mean() == pytest.approx(-1, abs=1e-4)
    assert placed[colors == "Blue"].mean() == pytest.approx(1, abs=1e-4)
    assert placed[colors == "Red"].max() < placed[colors == "Blue"].min()
    np.testing.assert_allclose(place_items(parse_axis("color=Blue..Red"), table, {}), -placed, atol=1e-4)


def test_a_value_that_no_item_has_is_named_with_those_there_are(read):
    with pytest.raises(QueryError, match=r"no item of the map has color 'Mauve'; there are .*Red \(12\)") as refused:
        place_items(parse_axis("color=Mauve..Blue"), read(), {})
    assert refused.value.code == "unknown_value"


def test_two_texts_place_items_by_the_difference_of_their_scores(read):
    chance = np.random.default_rng(0)
    table = read(also=("color",))
    dimension = table.blocks["color"].shape[1]
    vectors = {text: {"color": chance.normal(size=dimension).astype(np.float32)} for text in ("red", "blue")}
    axis = parse_axis("red,blue")
    texts = embed_ends((axis,), vectors.__getitem__)
    placed = place_items(axis, table, texts)
    scores = {text: table.blocks["color"] @ each["color"] for text, each in vectors.items()}
    np.testing.assert_allclose(placed, scores["blue"] - scores["red"], atol=1e-4)
    assert np.ptp(placed) > 0


def test_texts_need_an_encoder():
    with pytest.raises(NotFoundError, match=r"color=Red\.\.Blue") as refused:
        embed_ends((parse_axis("red,blue"),), refuse_text)
    assert refused.value.code == "no_text_encoder"
    assert embed_ends((parse_axis("color=Red..Blue"),), refuse_text) == {}


def refuse_text(text):
    raise NotFoundError(f"no text encoder for {text!r}", code="no_text_encoder")


def test_the_second_axis_says_what_the_first_does_not(read):
    table = read()
    first = place_items(parse_axis("color=Red..Blue"), table, {})
    second = place_across(table.fuse(), first)
    assert abs(np.corrcoef(first, second)[0, 1]) < 1e-3
    assert np.std(second) > 0.05
    np.testing.assert_array_equal(second, place_across(table.fuse(), first))


def test_a_first_axis_on_which_all_lie_alike_takes_nothing_away(read):
    rows = read().fuse()
    assert np.isfinite(place_across(rows, np.zeros(len(rows), dtype=np.float32))).all()
