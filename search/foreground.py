"""How much each pixel of a product photo has to do with the product.

Works with a small RGB array and gives weights; needs no model. Knows nothing of bins, encoders or files.

Three cheap signs, one after the other. Background: what is connected to the border and has the border's colour (a white
product on white keeps what its outline closes off). Place: the product is about the middle of what remains. Skin: where
something else covers most of what remains, skin belongs to a person who wears it, so it counts less; where skin colour
is nearly all there is, it is the product.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from search.cielab import load_color_table

SMALLEST_FOREGROUND = 0.03
"""Share of the picture; with less than that, background and product cannot be told apart and all pixels count."""

TOLERANCE = (4.0, 24.0)
"""Least and greatest difference (0..255, largest of the channels) from the border's colour that is still background."""

NOISE_FACTOR = 3.0
"""Between the two, the tolerance is this many times the border's median deviation: JPEG noise, paper, soft shadows."""

PLACE_SPREAD = 0.7
"""Standard deviation of the place weight, in half sides of the box around the foreground."""

SKIN_DISCOUNT = 0.8
"""How much of the weight of a pixel that is surely skin is taken away where something else is the product."""

WORN_SHARE = (0.4, 0.7)
"""Share of what is not skin from which skin starts to count less, and from which it is discounted in full."""

_CROSS = ((0, 1, 0), (1, 1, 1), (0, 1, 0))  # pixels are connected by their sides
_SKIN_CENTRE = (60.0, 25.0, 54.0)  # lightness, chroma, hue in degrees
_SKIN_SPREAD = (28.0, 11.0, 14.0)
_SKIN_HEIGHT = 1.5  # of the bell, cut at 1: its middle is flat


def weigh_foreground(rgb: NDArray[np.uint8], colors: NDArray[np.intp]) -> NDArray[np.float32]:
    """Weights that sum to 1, shape (height, width), for a picture of shape (height, width, 3).

    Args:
        colors: what `search.cielab.encode_colors` makes of the picture; the caller has it anyway.
    """
    foreground = ~find_background(rgb)
    if foreground.mean() < SMALLEST_FOREGROUND:
        foreground[:] = True
    down, across = _weigh_place(foreground.any(axis=1)), _weigh_place(foreground.any(axis=0))
    weights = down[:, None] * across * foreground
    weights /= weights.sum()
    skin = _load_skin_table()[colors]
    other = 1 - float((weights * skin).sum())
    worn = min(max((other - WORN_SHARE[0]) / (WORN_SHARE[1] - WORN_SHARE[0]), 0.0), 1.0)
    weights *= 1 - SKIN_DISCOUNT * worn * skin
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def find_background(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of about the border's median colour that are connected to the border through their like."""
    planes = np.moveaxis(rgb, 2, 0).astype(np.int16, order="C")  # channels first: three times as fast from here on
    border = np.concatenate([planes[:, 0], planes[:, -1], planes[:, 1:-1, 0], planes[:, 1:-1, -1]], axis=1)
    middle = border.shape[1] // 2
    colour = np.partition(border, middle, axis=1)[:, middle]
    noise = np.partition(np.abs(border - colour[:, None]).max(axis=0), middle)[middle]
    tolerance = min(max(TOLERANCE[0], NOISE_FACTOR * float(noise)), TOLERANCE[1])
    alike = np.abs(planes - colour[:, None, None]).max(axis=0) <= tolerance
    labels, count = ndimage.label(alike, _CROSS)
    touching = np.zeros(count + 1, dtype=np.bool_)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching[side] = True
    touching[0] = False  # 0 is what is not alike
    return np.asarray(touching[labels])


def find_skin(colors: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Pixels that are rather of skin's colour than not; of colours as `search.cielab.encode_colors` gives them."""
    return np.asarray(_load_skin_table()[colors] > 0.5)


def _weigh_place(occupied: NDArray[np.bool_]) -> NDArray[np.float32]:
    places = np.flatnonzero(occupied)
    first, last = places[0], places[-1]
    half = max((last - first + 1) / 2, 1.0)
    distance = (np.arange(len(occupied)) - (first + last) / 2) / half
    return np.asarray(np.exp(-0.5 * (distance / PLACE_SPREAD) ** 2), dtype=np.float32)


@cache
def _load_skin_table() -> NDArray[np.float32]:
    """How much each colour of the table is like skin, 0 to 1.

    A bell over CIELAB lightness, chroma and hue, set by hand: above 0.5 for (224, 172, 138), (198, 134, 96),
    (141, 85, 54) and (90, 56, 37), below 0.25 for wheat (245, 222, 179) and chestnut (150, 75, 30). To compare, skin
    measured in CIELAB: Xiao et al., "Characterising the variations in ethnic skin colours", Skin Research and
    Technology 23 (2017).
    """
    lightness, a, b = load_color_table().lab.T
    seen = np.stack([lightness, np.hypot(a, b), np.degrees(np.arctan2(b, a))], axis=1)
    distance = (seen - np.array(_SKIN_CENTRE)) / np.array(_SKIN_SPREAD)
    return np.asarray(np.minimum(1, _SKIN_HEIGHT * np.exp(-0.5 * (distance**2).sum(axis=1))), dtype=np.float32)
