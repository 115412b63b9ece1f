"""Pictures drawn for the photo tests, and ways to write and compare them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")


def draw_picture(width: int = 96, height: int = 64) -> Image.Image:
    """Four quarters of four colours: no two ways of turning it look the same."""
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width // 2 - 1, height // 2 - 1), "red")
    pen.rectangle((width // 2, 0, width, height // 2 - 1), "lime")
    pen.rectangle((0, height // 2, width // 2 - 1, height), "blue")
    return picture


def draw_noise(width: int = 96, height: int = 64) -> Image.Image:
    noise = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def save(picture: Image.Image, format_name: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_name, **options)
    return out.getvalue()


def differ(left: Image.Image, right: Image.Image) -> float:
    """Mean absolute difference of two pictures, in levels of 255."""
    assert left.size == right.size
    return float(np.abs(np.asarray(left, np.int16) - np.asarray(right, np.int16)).mean())
