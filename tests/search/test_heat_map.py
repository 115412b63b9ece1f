"""That what each place gives sums to the cosine, and is where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from search.embedding import Space, normalise_rows
from search.encoders.registry import open_encoder
from search.heat_map import HeatKind, map_heat, measure_heat
from search.pools import to_embeddings
from search.tagging import Tagging
from tests.contracts.pixel_encoder import PixelEncoder

CELLS = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 5), st.integers(1, 5)),
    elements=st.floats(-8, 8, width=32),
)


@settings(max_examples=2_000, deadline=None)
@given(CELLS, st.integers(0, 2**32 - 1))
def test_contributions_sum_to_the_cosine(cells, seed):
    dimension = len(cells)
    other = normalise_rows(np.random.default_rng(seed).normal(size=(1, dimension)).astype(np.float32))[0]
    mean = cells.mean(axis=(1, 2), dtype=np.float64)
    length = np.linalg.norm(mean)
    values = measure_heat(cells, other)
    assert values.shape == cells.shape[1:]
    if length > 1e-3:
        assert values.sum(dtype=np.float64) == pytest.approx(float(mean @ other / length), abs=1e-4 / min(length, 1))


def draw_halves(left: str, right: str) -> Image.Image:
    picture = Image.new("RGB", (120, 120), left)
    ImageDraw.Draw(picture).rectangle((60, 0, 119, 119), right)
    return picture


def test_colour_is_hot_where_the_colour_is_that_both_have(tmp_path):
    color = open_encoder("color", models=tmp_path, threads=1)
    picture = Image.new("RGB", (160, 160), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 20, 79, 139), "#c02020")
    draw.rectangle((80, 20, 139, 139), "#2040c0")
    red = Image.new("RGB", (160, 160), "white")
    ImageDraw.Draw(red).rectangle((20, 20, 139, 139), "#c02020")
    other = to_embeddings(color.pool([color.prepare(red)]))[0]
    (heat,) = map_heat(picture, {"color": other}, [color])
    assert heat.frame == (0, 0, 1, 1)
    assert heat.values[:, :4].sum() > 0.95 * heat.values.sum()
    assert heat.values[0].max() == 0  # white ground


def test_a_space_the_other_side_lacks_has_no_heat():
    encoder = PixelEncoder("pixels", 4)
    assert map_heat(draw_halves("white", "navy"), {}, [encoder]) == ()


class EncoderWithoutMaps:
    """An encoder that cannot say where."""

    def __init__(self):
        self._inner = PixelEncoder("pixels", 4)
        self.space, self.prepare, self.pool = self._inner.space, self._inner.prepare, self._inner.pool


def test_an_encoder_that_cannot_say_where_has_no_heat():
    encoder = EncoderWithoutMaps()
    picture = draw_halves("white", "navy")
    other = to_embeddings(encoder.pool([encoder.prepare(picture)]))[0]
    assert map_heat(picture, {"pixels": other}, [encoder]) == ()


class LeftTagger:
    """A classifier that looks at the left half of `PixelEncoder`'s grid, and is not linear in what it sees there."""

    space = Space(name="classifier", dimension=2, weights_sha256="left", trained=True)
    version = "left"

    def tag(self, pools):
        left = pools["pixels"][:, 0].reshape(-1, 6, 6, 3)[:, :, :3]
        energy = np.square(left / 100).sum(axis=(1, 2, 3))
        vectors = normalise_rows(np.stack([energy, np.ones_like(energy)], axis=1))
        return [Tagging(vector=vector, predictions={}, out_of_catalogue=0.0, model="left") for vector in vectors]


def test_a_classifier_loses_what_it_goes_by():
    encoder, tagger = PixelEncoder("pixels", 6), LeftTagger()
    picture = draw_halves("navy", "navy")
    (tagging,) = tagger.tag({"pixels": encoder.pool([encoder.prepare(picture)])})
    (heat,) = map_heat(picture, {"classifier": tagging.vector}, [encoder], tagger)
    assert (heat.space, heat.kind) == ("classifier", HeatKind.LOSSES)
    assert heat.cosine == pytest.approx(1, abs=1e-3)
    assert heat.values[:, :3].min() > 0
    assert heat.values[:, 4:].max() == pytest.approx(0, abs=1e-6)  # the third column's neighbour counts by half
    assert 0 < heat.values[2, 3] < heat.values[2, 1]


def test_a_classifier_and_an_encoder_are_both_told_of():
    encoder, tagger = PixelEncoder("pixels", 6), LeftTagger()
    picture = draw_halves("navy", "white")
    pools = encoder.pool([encoder.prepare(picture)])
    (tagging,) = tagger.tag({"pixels": pools})
    heat = map_heat(picture, {"pixels": to_embeddings(pools)[0], "classifier": tagging.vector}, [encoder], tagger)
    assert [each.space for each in heat] == ["pixels", "classifier"]
    assert heat[0].values.sum() == pytest.approx(1, abs=1e-4)
