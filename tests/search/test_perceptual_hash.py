"""The perceptual hash on drawn and on real photos: nearly the same for one picture, far apart for two."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search.perceptual_hash import HASH_BITS, compute_phash, count_bits, count_differing_bits, to_numbers
from search.photo import decode_photo, encode_thumbnail
from tests.contracts.drawn_shop import SHAPES, draw_photo
from tests.search.pictures import draw_noise, draw_picture, save


@pytest.fixture(scope="module")
def garments(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    folder = tmp_path_factory.mktemp("garments")
    pictures = []
    for number, shape in enumerate(SHAPES):
        draw_photo(folder / f"{number}.png", number, shape=shape, side=240)
        pictures.append(Image.open(folder / f"{number}.png").convert("RGB"))
    return pictures


def save_again(picture: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(save(picture, "JPEG", quality=quality))).convert("RGB")


def test_sixteen_hex_digits_and_half_of_the_bits_set() -> None:
    for picture in (draw_picture(), draw_noise(), draw_picture(3, 2)):
        phash = compute_phash(picture)
        assert len(bytes.fromhex(phash)) == HASH_BITS // 8
        assert phash == compute_phash(picture.copy())
    assert count_differing_bits(compute_phash(draw_noise()), "0" * 16) == HASH_BITS // 2


def test_a_plain_picture_has_a_hash_too() -> None:
    assert len(compute_phash(Image.new("RGB", (5, 900), "white"))) == 16


@pytest.mark.parametrize("quality", [90, 70, 40])
def test_saving_again_hardly_changes_it(garments: list[Image.Image], quality: int) -> None:
    for picture in garments:
        assert count_differing_bits(compute_phash(picture), compute_phash(save_again(picture, quality))) <= 4


@pytest.mark.parametrize("side", [64, 150, 600, 1_000])
def test_another_size_hardly_changes_it(garments: list[Image.Image], side: int) -> None:
    for picture in garments:
        resized = picture.resize((side, side), Image.Resampling.BICUBIC)
        assert count_differing_bits(compute_phash(picture), compute_phash(resized)) <= 8


def test_other_pictures_are_far_apart(garments: list[Image.Image]) -> None:
    hashes = [compute_phash(picture) for picture in (*garments, draw_picture(), draw_noise())]
    for place, one in enumerate(hashes):
        for other in hashes[:place]:
            assert count_differing_bits(one, other) > 10


def test_counting_many_is_counting_each() -> None:
    hashes = ["0" * 16, "f" * 16, "0123456789abcdef", "1"]
    numbers = to_numbers(hashes)
    assert [f"{number:016x}" for number in numbers.tolist()] == [*hashes[:3], "0" * 15 + "1"]
    expected = [count_differing_bits(one, hashes[2]) for one in hashes]
    assert count_bits(numbers ^ numbers[2]).tolist() == expected == [32, 32, 0, 31]
    assert int(count_bits(numbers[1])) == 64


def test_real_photos(catalogue_dir: Path) -> None:
    """Resaved and as thumbnails: at most 6 bits. Two photos of different bytes: hardly ever that near."""
    with (catalogue_dir / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for _, row in zip(range(120), csv.DictReader(file), strict=False)]
    pictures = [decode_photo((catalogue_dir / row["image"]).read_bytes()).picture for row in rows]
    numbers = to_numbers([compute_phash(picture) for picture in pictures])
    for alter in (lambda p: save_again(p, 70), lambda p: Image.open(io.BytesIO(encode_thumbnail(p)))):
        altered = to_numbers([compute_phash(alter(picture)) for picture in pictures])
        assert count_bits(numbers ^ altered).max() <= 6
    apart = count_bits(numbers[:, None] ^ numbers[None])[np.triu_indices(len(numbers), 1)]
    assert (apart <= 6).mean() < 0.02  # 0.0005 of all 6,000; the first 200 are mostly shirts on one model
    assert np.median(apart) > 20
