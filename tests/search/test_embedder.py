"""One photo through the encoders and the live classifier: pools once, everything else from them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from search.embedder import Embedder
from search.pools import PARTS, PoolBatch
from tests.contracts.color_tagger import ColorTagger
from tests.contracts.pixel_encoder import PixelEncoder

COLORS = {"red": (200, 30, 40), "blue": (40, 60, 190)}


class CountingTagger(ColorTagger):
    """Remembers how many photos each call was about."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(COLORS, "fine", seed=seed)
        self.calls: list[int] = []

    def tag(self, pools: PoolBatch):
        self.calls.append(len(pools["fine"]))
        return super().tag(pools)


def draw_file(color: tuple[int, int, int]) -> bytes:
    picture = Image.new("RGB", (120, 120), "white")
    picture.paste(color, (30, 20, 90, 100))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def encoders() -> tuple[PixelEncoder, PixelEncoder]:
    return PixelEncoder("fine", 8), PixelEncoder("coarse", 3)


def test_without_a_classifier_a_photo_has_embeddings_and_pools(encoders):
    embedded = Embedder(lambda: encoders).embed_photo(draw_file(COLORS["red"]))
    assert embedded.tagging is None
    assert embedded.embeddings.keys() == embedded.pools.keys() == {"fine", "coarse"}
    for encoder in encoders:
        name, dimension = encoder.space.name, encoder.space.dimension
        assert embedded.pools[name].shape == (len(PARTS), dimension)
        whole = embedded.pools[name][0]
        np.testing.assert_allclose(embedded.embeddings[name], whole / np.linalg.norm(whole), atol=1e-6)
        assert encoder.embedded == 1


def test_a_batch_is_one_pass_and_one_question_to_the_classifier(encoders):
    tagger = CountingTagger()
    embedder = Embedder(lambda: encoders, lambda: tagger)
    files = [draw_file(color) for color in (*COLORS.values(), (120, 120, 120))]
    embedded = embedder.embed([embedder.prepare(file).prepared for file in files])
    assert tagger.calls == [3]
    assert [each.tagging.predictions["color"].values[0][0] for each in embedded[:2]] == ["red", "blue"]
    for each, file in zip(embedded, files, strict=True):
        alone = embedder.embed_photo(file)
        assert each.tagging.predictions == alone.tagging.predictions
        np.testing.assert_array_equal(each.embeddings[tagger.space.name], each.tagging.vector)
        for name, vector in alone.embeddings.items():
            np.testing.assert_allclose(each.embeddings[name], vector, atol=1e-6)
        assert each.embeddings.keys() == {"fine", "coarse", "classifier"}
        assert each.pools.keys() == {"fine", "coarse"}


def test_nothing_to_embed_asks_nobody(encoders):
    tagger = CountingTagger()
    assert Embedder(lambda: encoders, lambda: tagger).embed([]) == []
    assert tagger.calls == []


def test_the_classifier_is_the_one_that_is_live_at_that_moment(encoders):
    live: list[ColorTagger | None] = [None, CountingTagger(seed=1), CountingTagger(seed=2)]
    versions = [each and each.version for each in live]
    embedder = Embedder(lambda: encoders, lambda: live.pop(0))
    seen = [embedder.embed_photo(draw_file(COLORS["red"])).tagging for _ in range(3)]
    assert [each and each.model for each in seen] == versions
    assert len(set(versions)) == 3
