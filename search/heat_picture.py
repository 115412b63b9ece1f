"""Heat maps as a picture to lay over a photo: transparent where little comes from, dark red where most does.

Works with heat maps and Pillow. Knows nothing of encoders or of where the photo is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.encoder import Picture
from search.heat_map import HeatMap

OVERLAY_SIDE = 240
"""Longer side of an overlay, pixels."""

LEVELS = 64
"""Colours of an overlay: as a palette it takes some 6 KB, a fifth of what four channels take."""

_RAMP = ((0.0, 255, 237, 160, 0), (0.35, 254, 217, 118, 70), (0.65, 253, 141, 60, 150), (1.0, 189, 0, 38, 205))
"""Heat, red, green, blue, opacity: ColorBrewer's YlOrRd (C. Brewer, colorbrewer2.org), which gets darker all along, so
that it can be told apart without its hues too."""


def join_heat(heat: Sequence[HeatMap], weights: Mapping[str, float], size: tuple[int, int]) -> NDArray[np.float32]:
    """Several spaces' heat as one, 0 to 1, shape (height, width) for a size of (width, height).

    Each space colours as much as it gives to the score: its weight times its cosine, spread as its positive values are.
    What speaks against the other picture, and what is beyond the picture's edge, is not shown.
    """
    width, height = size
    joined = np.zeros((height, width), np.float64)
    for each in heat:
        given = weights.get(each.space, 0.0) * max(each.cosine, 0.0)
        spread = np.maximum(_spread(each, size), 0)
        total = spread.sum(dtype=np.float64)
        if given > 0 and total > 0:
            joined += given * spread / total
    joined -= joined.min()
    top = joined.max()
    return np.asarray(joined / top if top > 0 else joined, dtype=np.float32)


def draw_overlay(heat: NDArray[np.float32]) -> bytes:
    """PNG bytes with a palette, of the heat's size, for values of 0 to 1."""
    picture = Image.fromarray(np.rint(heat * (LEVELS - 1)).astype(np.uint8))
    picture.putpalette(_make_ramp()[:, :3].tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG", transparency=_make_ramp()[:, 3].tobytes(), optimize=True)
    return out.getvalue()


def blend_heat(picture: Picture, heat: NDArray[np.float32]) -> Picture:
    """The picture, at the heat's size, with the heat over it."""
    height, width = heat.shape
    ground = picture.resize((width, height), Image.Resampling.BICUBIC).convert("RGBA")
    overlay = _make_ramp()[np.rint(heat * (LEVELS - 1)).astype(np.intp)]
    return Image.alpha_composite(ground, Image.fromarray(overlay)).convert("RGB")


def choose_size(picture: Picture, side: int = OVERLAY_SIDE) -> tuple[int, int]:
    """Width and height of a picture's overlay: its aspect, with this longer side."""
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    return width, height


def _spread(heat: HeatMap, size: tuple[int, int]) -> NDArray[np.float32]:
    """The values over the picture's pixels, smoothly; what is beyond its edge is cut off."""
    width, height = size
    x0, y0, x1, y1 = heat.frame
    whole = (max(1, round((x1 - x0) * width)), max(1, round((y1 - y0) * height)))
    left, top = round(-x0 * width), round(-y0 * height)
    grown = Image.fromarray(heat.values).resize(whole, Image.Resampling.BICUBIC)
    return np.asarray(grown.crop((left, top, left + width, top + height)), dtype=np.float32)


def _make_ramp() -> NDArray[np.uint8]:
    places = [step[0] for step in _RAMP]
    levels = np.linspace(0, 1, LEVELS)
    channels = [np.interp(levels, places, [step[channel] for step in _RAMP]) for channel in range(1, 5)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)
