"""Draws garments with Pillow, in grey, for where no photos can be had.

One silhouette per category, each with some variation. Knows nothing of colours, files or catalogues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

_SIDE = 448  # drawn at twice the size of a photo, so that edges come out smooth

Point = tuple[float, float]
Outline = list[Point]
"""Corners of a shape, in [0, 1] from the upper left."""


def draw_garment(category: str, random: Generator) -> NDArray[np.float32]:
    """Lightness of a garment of this category, 0 where there is none, in [0, 1], shape (448, 448).

    Raises:
        KeyError: a category that is not in `SILHOUETTES`.
    """
    parts, seams = SILHOUETTES[category](random)
    shape = Image.new("L", (_SIDE, _SIDE), 0)
    pen = ImageDraw.Draw(shape)
    for outline in parts:
        pen.polygon(_to_pixels(outline), fill=255)
    covered = np.asarray(shape.filter(ImageFilter.GaussianBlur(3)), dtype=np.float32) / 255.0

    # Light from one side, soft folds, and seams.
    down, across = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE
    slope, folds, phase = random.uniform(-0.25, 0.25), random.uniform(5, 12), random.uniform(0, 6)
    light = 0.62 + slope * (across - 0.5) + 0.04 * np.sin(folds * across * 2 + 3 * down + phase)
    lines = Image.new("L", (_SIDE, _SIDE), 0)
    pen = ImageDraw.Draw(lines)
    for seam in seams:
        pen.line(_to_pixels(seam), fill=255, width=5)
    light = light - 0.22 * np.asarray(lines, dtype=np.float32) / 255.0
    return np.asarray(np.clip(light, 0.1, 1.0) * (covered > 0.5), dtype=np.float32)


def _to_pixels(outline: Outline) -> list[Point]:
    return [(x * _SIDE, y * _SIDE) for x, y in outline]


def _mirror(half: Outline) -> Outline:
    """A whole outline from its left half, from the top down."""
    return half + [(1.0 - x, y) for x, y in reversed(half)]


def _draw_top(random: Generator, *, sleeve: float, width: float, hem: float) -> tuple[list[Outline], list[Outline]]:
    """Anything with a neck and two sleeves; `sleeve` is how far down they reach."""
    neck, flare = random.uniform(0.08, 0.13), random.uniform(-0.02, 0.03)
    side = 0.5 - width / 2
    half = [
        (0.5 - neck, 0.08),
        (side - 0.02, 0.15),
        (side - 0.17, sleeve - 0.03),
        (side - 0.06, sleeve),
        (side, 0.36),
        (side - flare, hem),
    ]
    throat = [(0.5 - neck, 0.08), (0.5, 0.08 + random.uniform(0.05, 0.1)), (0.5 + neck, 0.08)]
    return [[*_mirror(half), *reversed(throat)]], [throat]


def _draw_tshirt(random: Generator) -> tuple[list[Outline], list[Outline]]:
    return _draw_top(random, sleeve=random.uniform(0.34, 0.42), width=random.uniform(0.42, 0.5), hem=0.9)


def _draw_pullover(random: Generator) -> tuple[list[Outline], list[Outline]]:
    hem = random.uniform(0.82, 0.9)
    parts, seams = _draw_top(random, sleeve=random.uniform(0.76, 0.84), width=random.uniform(0.42, 0.5), hem=hem)
    return parts, [*seams, [(0.27, hem - 0.07), (0.73, hem - 0.07)]]


def _draw_shirt(random: Generator) -> tuple[list[Outline], list[Outline]]:
    parts, seams = _draw_top(random, sleeve=random.uniform(0.7, 0.78), width=random.uniform(0.38, 0.45), hem=0.92)
    return parts, [*seams, [(0.5, 0.15), (0.5, 0.92)], [(0.38, 0.12), (0.46, 0.24), (0.5, 0.15)]]


def _draw_coat(random: Generator) -> tuple[list[Outline], list[Outline]]:
    parts, seams = _draw_top(random, sleeve=random.uniform(0.72, 0.8), width=random.uniform(0.4, 0.48), hem=0.97)
    lapels = [[(0.4, 0.1), (0.5, 0.42)], [(0.6, 0.1), (0.5, 0.42)], [(0.5, 0.42), (0.5, 0.97)]]
    return parts, seams + lapels + [[(0.34, 0.62), (0.44, 0.62)], [(0.56, 0.62), (0.66, 0.62)]]


def _draw_trousers(random: Generator) -> tuple[list[Outline], list[Outline]]:
    waist, cuff = random.uniform(0.13, 0.17), random.uniform(0.08, 0.13)
    left = [(0.5 - waist, 0.06), (0.27, 0.94), (0.27 + cuff, 0.94), (0.5, 0.4)]
    right = [(1 - x, y) for x, y in reversed(left)]
    return [[*left, *right]], [[(0.5 - waist, 0.11), (0.5 + waist, 0.11)], [(0.5, 0.11), (0.5, 0.4)]]


def _draw_dress(random: Generator) -> tuple[list[Outline], list[Outline]]:
    waist, skirt = random.uniform(0.1, 0.13), random.uniform(0.18, 0.32)
    half = [(0.41, 0.05), (0.37, 0.05), (0.36, 0.2), (0.5 - waist, 0.4), (0.5 - skirt, 0.95)]
    throat = [(0.59, 0.05), (0.5, random.uniform(0.12, 0.2)), (0.41, 0.05)]
    return [[*_mirror(half), *throat]], [[(0.5 - waist, 0.4), (0.5 + waist, 0.4)]]


def _draw_sandal(random: Generator) -> tuple[list[Outline], list[Outline]]:
    heel = random.uniform(0.0, 0.14)
    sole = [(0.06, 0.68), (0.4, 0.66 - heel / 2), (0.94, 0.66 - heel), (0.94, 0.76), (0.8, 0.72), (0.06, 0.76)]
    straps = [[(x, 0.68), (x + 0.2, 0.4 - heel), (x + 0.27, 0.4 - heel), (x + 0.09, 0.68)] for x in (0.16, 0.42, 0.6)]
    return [sole, *straps], [[(0.06, 0.72), (0.9, 0.7 - heel / 2)]]


def _draw_sneaker(random: Generator) -> tuple[list[Outline], list[Outline]]:
    tongue = random.uniform(0.3, 0.38)
    upper = [(0.05, 0.6), (0.3, 0.54), (0.55, tongue), (0.66, tongue + 0.06), (0.92, tongue + 0.04), (0.95, 0.7)]
    laces = [[(x, 0.86 - x), (x + 0.08, 0.96 - x)] for x in (0.34, 0.41, 0.48)]
    return [[*upper, (0.05, 0.74)]], [*laces, [(0.05, 0.68), (0.95, 0.66)]]


def _draw_boot(random: Generator) -> tuple[list[Outline], list[Outline]]:
    shaft, heel = random.uniform(0.1, 0.22), random.uniform(0.02, 0.1)
    outline = [(0.06, 0.72), (0.32, 0.6), (0.48, 0.45), (0.5, shaft), (0.86, shaft), (0.9, 0.82 + heel)]
    return [[*outline, (0.74, 0.82 + heel), (0.7, 0.8), (0.06, 0.82)]], [
        [(0.06, 0.77), (0.9, 0.77)],
        [(0.68, 0.2), (0.68, 0.5)],
    ]


def _draw_bag(random: Generator) -> tuple[list[Outline], list[Outline]]:
    top, slant = random.uniform(0.4, 0.5), random.uniform(0.0, 0.06)
    body = [(0.1 + slant, top), (0.9 - slant, top), (0.94, 0.9), (0.06, 0.9)]
    grip = random.uniform(0.14, 0.24)
    handle = [
        (0.28, top),
        (0.32, grip),
        (0.68, grip),
        (0.72, top),
        (0.66, top),
        (0.63, grip + 0.06),
        (0.37, grip + 0.06),
    ]
    return [body, [*handle, (0.34, top)]], [[(0.1, top + 0.14), (0.9, top + 0.14)]]


SILHOUETTES: Mapping[str, Callable[[Generator], tuple[list[Outline], list[Outline]]]] = {
    "T-shirts": _draw_tshirt,
    "Trousers": _draw_trousers,
    "Pullovers": _draw_pullover,
    "Dresses": _draw_dress,
    "Coats": _draw_coat,
    "Sandals": _draw_sandal,
    "Shirts": _draw_shirt,
    "Sneakers": _draw_sneaker,
    "Bags": _draw_bag,
    "Ankle boots": _draw_boot,
}
"""By category: outlines to fill, and seams to draw on them."""
