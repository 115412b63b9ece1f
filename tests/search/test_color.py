"""The measured colour space, on drawn products and on real ones."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from search import cielab, foreground
from search.encoders.color import CARD, DEFAULT_COLOR_WEIGHT, SAMPLES, SIDE, ColorEncoder
from search.encoders.registry import find_card, open_encoder
from search.pools import PARTS, to_embeddings

Colour = tuple[int, int, int]

WHITE, GREY, BLACK = (255, 255, 255), (190, 190, 190), (12, 12, 14)
RED, BLUE, SKIN, HAIR = (200, 24, 36), (28, 60, 180), (224, 172, 138), (50, 34, 26)


def _shirt(colour: Colour, background: Colour = WHITE, size: int = 240) -> Image.Image:
    """A shirt with a shaded fold and a darker outline, as studio light gives it."""
    picture = Image.new("RGB", (240, 240), background)
    draw = ImageDraw.Draw(picture)
    shade = tuple(int(channel * 0.88) for channel in colour)
    outline = [(70, 50), (105, 40), (135, 40), (170, 50), (215, 105), (188, 122), (165, 95), (165, 205), (75, 205)]
    draw.polygon([*outline, (75, 95), (52, 122), (25, 105)], fill=colour, outline=shade, width=4)
    draw.polygon([(118, 60), (124, 60), (130, 200), (112, 200)], fill=shade)
    return picture.resize((size, size), Image.Resampling.BOX if size < 240 else Image.Resampling.NEAREST)


def _shoe(colour: Colour, background: Colour = WHITE) -> Image.Image:
    picture = Image.new("RGB", (300, 200), background)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(30, 60), (110, 55), (150, 100), (260, 125), (270, 150), (30, 150)], fill=colour)
    draw.rectangle((30, 150, 270, 160), fill=(60, 60, 60))
    return picture


def _dress(colour: Colour, *, worn: bool) -> Image.Image:
    picture = Image.new("RGB", (200, 400), WHITE)
    draw = ImageDraw.Draw(picture)
    if worn:
        draw.ellipse((76, 16, 124, 60), fill=HAIR)
        draw.ellipse((80, 24, 120, 76), fill=SKIN)
        draw.rectangle((92, 70, 108, 92), fill=SKIN)
        draw.rectangle((48, 96, 64, 210), fill=SKIN)
        draw.rectangle((136, 96, 152, 210), fill=SKIN)
        draw.rectangle((80, 280, 96, 385), fill=SKIN)
        draw.rectangle((104, 280, 120, 385), fill=SKIN)
    draw.polygon([(68, 90), (132, 90), (128, 170), (160, 285), (40, 285), (72, 170)], fill=colour)
    return picture


def embed(encoder: ColorEncoder, prepared: Sequence[np.ndarray]) -> np.ndarray:
    return to_embeddings(encoder.pool(prepared))


def _cosines(of: Image.Image, *others: Image.Image) -> list[float]:
    encoder = ColorEncoder()
    rows = embed(encoder, [encoder.prepare(picture) for picture in (of, *others)])
    return [float(row @ rows[0]) for row in rows[1:]]


def test_registered_under_its_card(tmp_path: Path) -> None:
    assert find_card("color") is CARD
    encoder = open_encoder("color", models=tmp_path)
    assert encoder.space.dimension == CARD.dimension == encoder.prepare(_shirt(RED)).shape[1]
    assert len(encoder.space.weights_sha256) == 64
    assert not list(tmp_path.iterdir())
    assert 0 < DEFAULT_COLOR_WEIGHT < 1


def test_colour_counts_more_than_shape() -> None:
    shoe, shirt = _cosines(_shirt(RED), _shoe(RED), _shirt(BLUE))
    assert shoe > 0.7
    assert shirt < 0.4


@pytest.mark.parametrize("colour", [RED, BLUE, (240, 200, 40), (20, 20, 22), (245, 245, 244), SKIN])
def test_background_does_not_decide(colour: Colour) -> None:
    """The product is nearer to itself on any background than to another colour on its own background."""
    other = (30, 120, 60)
    for background in (WHITE, GREY, BLACK):
        same = _cosines(_shirt(colour, background), *(_shirt(colour, b) for b in (WHITE, GREY, BLACK)))
        different = _cosines(_shirt(colour, background), _shirt(other, background))
        assert min(same) > max(different) + 0.2, (background, same, different)


def test_white_on_white_is_white() -> None:
    white, red, black = _cosines(_shirt((250, 250, 250)), _shoe((247, 247, 248)), _shoe(RED), _shoe(BLACK))
    assert white > max(red, black) + 0.3


def test_picture_of_one_colour_has_that_colour() -> None:
    plain = Image.new("RGB", (50, 50), RED)
    shirt, other = _cosines(plain, _shirt(RED), _shirt(BLUE))
    assert shirt > other + 0.3


def test_wearer_does_not_decide() -> None:
    worn = _dress(RED, worn=True)
    alone, skin_coloured, skin_worn = _cosines(
        worn, _dress(RED, worn=False), _dress(SKIN, worn=False), _dress(SKIN, worn=True)
    )
    assert alone > 0.8
    assert alone > max(skin_coloured, skin_worn) + 0.4


def test_skin_coloured_product_is_found_by_its_colour() -> None:
    alone, red = _cosines(_dress(SKIN, worn=True), _dress(SKIN, worn=False), _dress(RED, worn=False))
    assert alone > red + 0.4


@pytest.mark.parametrize("size", [64, 113, 480, 960])
def test_size_of_the_picture_does_not_matter(size: int) -> None:
    assert _cosines(_shirt(RED), _shirt(RED, size=size))[0] > 0.99


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 2), (640, 11)])
def test_any_shape_gives_a_unit_vector(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (shape[1], shape[0], 3), dtype=np.uint8)
    encoder = ColorEncoder()
    row = embed(encoder, [encoder.prepare(Image.fromarray(noise))])[0]
    assert row.dtype == np.float32
    assert (row >= 0).all()
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)


def test_same_picture_same_bytes_in_any_batch() -> None:
    encoder = ColorEncoder()
    ready = [encoder.prepare(_shirt(colour)) for colour in (RED, BLUE, GREY)]
    together = embed(encoder, ready)
    again = embed(ColorEncoder(), [encoder.prepare(_shirt(BLUE))])
    assert together[1].tobytes() == again[0].tobytes()
    assert embed(encoder, []).shape == (0, CARD.dimension)


def test_the_whole_is_the_histogram_of_the_weighted_picture() -> None:
    """To the bit: stored embeddings are compared with those made today."""
    picture = _dress(RED, worn=True)
    sampled = picture.resize((SIDE * SAMPLES, SIDE * SAMPLES), Image.Resampling.NEAREST)
    rgb = np.asarray(sampled.resize((SIDE, SIDE), Image.Resampling.BOX))
    colors = cielab.encode_colors(rgb)
    expected = np.sqrt(cielab.count_colors(colors, foreground.weigh_foreground(rgb, colors))).astype(np.float32)
    assert ColorEncoder().prepare(picture)[0].tobytes() == expected.tobytes()


def test_a_band_has_the_colour_that_is_in_it() -> None:
    """Three stripes of a product on white: each band is its stripe's colour, the whole has all three."""
    colours = (RED, BLUE, (240, 200, 40))
    striped = Image.new("RGB", (240, 240), WHITE)
    for band, colour in enumerate(colours):
        ImageDraw.Draw(striped).rectangle((60, 80 * band, 180, 80 * band + 79), colour)
    encoder = ColorEncoder()
    parts = encoder.prepare(striped)
    plain = np.stack([encoder.prepare(Image.new("RGB", (50, 50), colour))[0] for colour in colours])
    cosines = parts @ plain.T
    assert (np.diag(cosines[1:]) > 0.9).all()
    assert (cosines[1:] - np.diag(np.diag(cosines[1:])) < 0.4).all()
    assert (cosines[0] > 0.3).all()
    np.testing.assert_allclose(np.linalg.norm(parts, axis=1), 1, atol=1e-5)


def test_a_band_without_product_is_zeros() -> None:
    picture = Image.new("RGB", (240, 240), WHITE)
    ImageDraw.Draw(picture).rectangle((60, 100, 180, 150), RED)
    lengths = np.linalg.norm(ColorEncoder().prepare(picture), axis=1)
    assert lengths.shape == (len(PARTS),)
    np.testing.assert_allclose(lengths, [1, 0, 1, 0], atol=1e-5)


def test_real_photos_find_their_colour(catalogue_dir: Path) -> None:
    """Nearest neighbour among 400 real photos has the same colour label far oftener than chance (about 0.1)."""
    with (catalogue_dir / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"][:400]
    encoder = ColorEncoder()
    prepared = []
    for row in rows:
        with Image.open(catalogue_dir / row["image"]) as photo:
            prepared.append(encoder.prepare(photo.convert("RGB")))
    matrix = embed(encoder, prepared)
    scores = matrix @ matrix.T
    np.fill_diagonal(scores, -1)
    labels = np.array([row["baseColour"] for row in rows])
    assert (labels[scores.argmax(axis=1)] == labels).mean() > 0.45
