"""Small photo files with known colours, for the sources of labelled images."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

Rgb = tuple[int, int, int]


def write_photo(path: Path, colour: Rgb, *, size: tuple[int, int] = (24, 24)) -> Path:
    """A PNG of one colour: what is read back is exactly what was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, format="PNG")
    return path


def number_colour(number: int) -> Rgb:
    """Another colour for each number below 65,536."""
    return number % 256, number // 256, 40
