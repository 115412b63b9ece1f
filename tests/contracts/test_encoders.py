"""What every encoder keeps. Registering one enrols it here.

Skipped for an encoder whose weights are not on this machine: tests fetch nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from search.encoder import Encoder, EncoderCard, MapEncoder, Picture
from search.encoders import graph
from search.encoders.registry import find_card, list_cards, open_encoder
from search.encoders.weights import WeightsSource
from search.errors import SetupError, WeightsMissingError
from search.heat_map import map_heat
from search.pools import PARTS, to_embeddings
from tests.contracts.tiny_clip import find_tiny_clip

MODELS = Path(os.environ.get("VITRINE_MODELS") or Path(__file__).parents[2] / ".cache" / "models")
"""Kept from run to run: making a graph takes seconds."""


def fetch_nothing(source: WeightsSource, **_: object) -> Path:
    raise WeightsMissingError(f"{source.file_name} is not on this machine, and tests fetch nothing")


@pytest.fixture(scope="module", params=[*(card.name for card in list_cards()), "clip"])
def card(request: pytest.FixtureRequest) -> EncoderCard:
    """The card of an encoder, or of a family's small one, which is known once it was opened by its name."""
    if request.param != "clip":
        return find_card(request.param)
    pytest.importorskip("open_clip", reason="the extra clip is not installed")
    name = find_tiny_clip(MODELS)
    opened = open_encoder(name, models=MODELS, threads=1).space
    return replace(find_card(name), dimension=opened.dimension, weights_sha256=opened.weights_sha256)


@pytest.fixture(scope="module")
def encoder(card: EncoderCard) -> Iterator[Encoder]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "fetch_weights", fetch_nothing)
        try:
            yield open_encoder(card.name, models=MODELS, threads=2)
        except WeightsMissingError as error:
            pytest.skip(error.message)


def draw_pictures(count: int) -> list[Picture]:
    """Coloured shapes of many sizes and aspects, on white and on grounds of their own."""
    numbers = np.random.default_rng(3)
    pictures = []
    for _ in range(count):
        width, height = (int(side) for side in numbers.integers(40, 500, 2))
        ground = "white" if numbers.random() < 0.5 else tuple(int(level) for level in numbers.integers(0, 256, 3))
        picture = Image.new("RGB", (width, height), ground)
        ink = tuple(int(level) for level in numbers.integers(0, 256, 3))
        ImageDraw.Draw(picture).ellipse((width // 5, height // 5, width * 4 // 5, height * 4 // 5), ink)
        pictures.append(picture)
    return pictures


def embed(encoder: Encoder, prepared: Sequence[np.ndarray]) -> np.ndarray:
    """Embeddings of prepared photos."""
    return to_embeddings(encoder.pool(prepared))


def test_embeddings_are_unit_rows_of_the_space(card, encoder):
    embeddings = embed(encoder, [encoder.prepare(picture) for picture in draw_pictures(5)])
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (5, card.dimension)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert (encoder.space.name, encoder.space.dimension) == (card.name, card.dimension)
    assert encoder.space.weights_sha256.startswith(card.weights_sha256)
    assert encoder.space.weights_sha256


def test_pools_have_a_row_a_part(card, encoder):
    pools = encoder.pool([encoder.prepare(picture) for picture in draw_pictures(5)])
    assert pools.dtype == np.float32
    assert pools.shape == (5, len(PARTS), card.dimension)
    assert np.isfinite(pools).all()
    assert (np.abs(pools[:, 0]).max(axis=1) > 0).all()


def test_a_part_is_about_its_part_of_the_picture(encoder):
    """What is drawn into one band changes that band's pool most."""
    picture = Image.new("RGB", (240, 240), (200, 200, 200))
    ImageDraw.Draw(picture).rectangle((60, 20, 180, 220), "navy")
    before = encoder.pool([encoder.prepare(picture)])[0]
    for band in range(3):
        changed = picture.copy()
        ImageDraw.Draw(changed).rectangle((60, 80 * band + 20, 180, 80 * band + 60), "orange")
        moved = np.linalg.norm(encoder.pool([encoder.prepare(changed)])[0] - before, axis=1)
        assert moved[1:].argmax() == band, PARTS[1 + band]


def test_the_mean_of_a_map_is_the_pool(card, encoder):
    """So that what each place gives to a similarity sums to it."""
    if not isinstance(encoder, MapEncoder):
        pytest.skip(f"{card.name} does not say where on a picture it saw what it saw")
    for picture in draw_pictures(4):
        seen = encoder.map_picture(picture)
        pool = encoder.pool([encoder.prepare(picture)])[0, 0]
        assert seen.cells.dtype == np.float32
        assert seen.cells.shape[0] == card.dimension
        np.testing.assert_allclose(seen.cells.mean(axis=(1, 2)), pool, atol=1e-5 * np.abs(pool).max())
        left, top, right, bottom = seen.frame
        assert left <= 0 < 1 <= right
        assert top <= 0 < 1 <= bottom


def test_what_each_place_gives_sums_to_the_similarity(card, encoder):
    pictures = draw_pictures(5)
    embeddings = embed(encoder, [encoder.prepare(picture) for picture in pictures])
    for picture, ours in zip(pictures, embeddings, strict=True):
        for theirs in embeddings:
            heat = map_heat(picture, {encoder.space.name: theirs}, [encoder])
            if not heat:
                pytest.skip(f"{card.name} does not say where on a picture it saw what it saw")
            assert heat[0].values.sum(dtype=np.float64) == pytest.approx(float(ours @ theirs), abs=1e-4)


def test_no_photos_give_no_pools(card, encoder):
    assert encoder.pool([]).shape == (0, len(PARTS), card.dimension)


def test_a_photos_pools_do_not_depend_on_its_batch(encoder):
    prepared = [encoder.prepare(picture) for picture in draw_pictures(19)]
    together = encoder.pool(prepared)
    scale = np.abs(together).max()
    alone = np.concatenate([encoder.pool([one]) for one in prepared[::4]])
    backwards = encoder.pool(prepared[::-1])[::-1]
    np.testing.assert_allclose(alone, together[::4], atol=1e-5 * scale)
    np.testing.assert_allclose(backwards, together, atol=1e-5 * scale)
    np.testing.assert_allclose(to_embeddings(alone), to_embeddings(together[::4]), atol=1e-5)


def test_prepare_is_deterministic_and_leaves_the_picture_alone(encoder):
    for picture in draw_pictures(4):
        before = picture.tobytes()
        first, second = encoder.prepare(picture), encoder.prepare(picture.copy())
        assert first.dtype == second.dtype
        np.testing.assert_array_equal(first, second)
        assert picture.tobytes() == before


def test_a_prepared_photo_owns_its_pixels(encoder):
    """Preparing the next photo, or drawing over this one, changes nothing that is waiting for the model."""
    picture = draw_pictures(1)[0].resize((224, 224))
    prepared = encoder.prepare(picture)
    kept = prepared.copy()
    picture.paste((1, 2, 3), (0, 0, 224, 224))
    np.testing.assert_array_equal(prepared, kept)


def test_threads_get_what_one_thread_gets(encoder):
    pictures = draw_pictures(8)
    alone = encoder.pool([encoder.prepare(picture) for picture in pictures])
    with ThreadPoolExecutor(4) as threads:
        rows = list(threads.map(lambda picture: encoder.pool([encoder.prepare(picture)])[0], pictures * 3))
    np.testing.assert_allclose(np.stack(rows), np.concatenate([alone] * 3), atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize("size", [(1, 1), (1, 640), (640, 1), (640, 3), (224, 224), (223, 224)])
@pytest.mark.parametrize("colour", ["white", "black", "red"])
def test_odd_pictures_have_an_embedding_too(encoder, size, colour):
    pools = encoder.pool([encoder.prepare(Image.new("RGB", size, colour))])
    assert np.isfinite(pools).all()
    assert abs(float(np.linalg.norm(to_embeddings(pools))) - 1) < 1e-5


def test_a_picture_is_nearest_to_itself_made_smaller(encoder):
    pictures = draw_pictures(12)
    smaller = [picture.resize((picture.width * 2 // 3, picture.height * 2 // 3)) for picture in pictures]
    gallery = embed(encoder, [encoder.prepare(picture) for picture in pictures])
    queries = embed(encoder, [encoder.prepare(picture) for picture in smaller])
    assert (queries @ gallery.T).argmax(axis=1).tolist() == list(range(12))


def test_an_encoder_opened_again_is_the_same_space(card, encoder):
    again = open_encoder(card.name, models=MODELS, threads=1)
    assert again.space == encoder.space
    prepared = [encoder.prepare(picture) for picture in draw_pictures(3)]
    np.testing.assert_allclose(embed(again, prepared), embed(encoder, prepared), atol=1e-5)


def test_a_card_says_what_a_listing_needs(card):
    assert re.fullmatch(r"[A-Za-z0-9_-]+", card.name)
    assert card.dimension > 0
    assert card.licence or not card.weights_sha256
    assert card.source
    assert card.summary
    assert "\n" not in card.summary


def test_listing_cards_loads_nothing_heavy():
    code = (
        "import sys; from search.encoders.registry import list_cards; assert list_cards();"
        "print([m for m in ('torch', 'torchvision', 'timm', 'onnxruntime', 'onnx', 'tensorflow') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert said.stdout.strip() == "[]", said.stderr


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(SetupError, match="resnet50") as caught:
        find_card("resnet5000")
    assert caught.value.code == "unknown_encoder"
