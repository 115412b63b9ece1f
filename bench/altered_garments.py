"""Catalogue photos as customers might send them: turned, cut, blurred, darkened, on other backgrounds.

No such picture is an outlier. Knows nothing of scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from bench.outlier_pictures import DEVELOPMENT, read_sample_photos

BACKGROUND_LEVEL = 240
"""A pixel whose darkest channel is above it is background."""


def paste_onto(background: Image.Image, garment: Image.Image, *, scale: float) -> Image.Image:
    """The garment, without its white surroundings, in the middle of another picture."""
    darkest = np.asarray(garment).min(axis=2)
    mask = Image.fromarray((255 * (darkest < BACKGROUND_LEVEL)).astype(np.uint8))
    mask = mask.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.MedianFilter(5))
    size = (round(garment.width * scale), round(garment.height * scale))
    place = ((garment.width - size[0]) // 2, (garment.height - size[1]) // 2)
    picture = background.resize(garment.size)
    picture.paste(garment.resize(size), place, mask.resize(size))
    return picture


def crop_middle(garment: Image.Image, share: float) -> Image.Image:
    """The middle of a picture; `share` of each side is kept."""
    across, down = (round(side * (1 - share) / 2) for side in garment.size)
    return garment.crop((across, down, garment.width - across, garment.height - down))


def alter_garments(garments: Sequence[Image.Image]) -> Mapping[str, Sequence[Image.Image]]:
    """Every garment altered in every way, by the name of the way."""
    random = np.random.default_rng(5)
    colours = [tuple(map(int, random.integers(60, 256, 3))) for _ in garments]
    photos = [each.picture for each in read_sample_photos(DEVELOPMENT)]
    ways: Mapping[str, Callable[[int, Image.Image], Image.Image]] = {
        "middle 80 %": lambda _, garment: crop_middle(garment, 0.8),
        "middle 60 %": lambda _, garment: crop_middle(garment, 0.6),
        "turned by 20": lambda _, garment: garment.rotate(20, fillcolor="white"),
        "turned by 90": lambda _, garment: garment.rotate(90),
        "half as large": lambda _, garment: paste_onto(Image.new("RGB", (8, 8), "white"), garment, scale=0.5),
        "dark": lambda _, garment: ImageEnhance.Brightness(garment).enhance(0.45),
        "blurred": lambda _, garment: garment.filter(ImageFilter.GaussianBlur(3)),
        "grey": lambda _, garment: garment.convert("L").convert("RGB"),
        "on a colour": lambda n, garment: paste_onto(Image.new("RGB", (8, 8), colours[n]), garment, scale=1),
        "on a photo": lambda n, garment: paste_onto(photos[n % len(photos)], garment, scale=0.85),
    }
    return {name: [alter(n, garment) for n, garment in enumerate(garments)] for name, alter in ways.items()}
