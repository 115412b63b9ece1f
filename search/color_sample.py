"""The small picture that colour is measured on, and how much each of its pixels has to do with the product.

Works with a decoded picture. One sample serves the colour space and the palette alike, so the two never speak of
different pixels. Knows nothing of bins, palettes or encoders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search import cielab, foreground
from search.encoder import Picture

SIDE = 64
SAMPLES = 2
"""The picture is measured at SIDE * SIDE pixels, each the mean of SAMPLES * SAMPLES of the original's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorSample:
    """A picture of SIDE * SIDE pixels.

    Attributes:
        rgb: uint8, shape (SIDE, SIDE, 3).
        colors: index of each pixel's colour in the table of `search.cielab`; shape (SIDE, SIDE).
        weights: how much each pixel has to do with the product; float32, shape (SIDE, SIDE), summing to 1.
    """

    rgb: NDArray[np.uint8]
    colors: NDArray[np.intp]
    weights: NDArray[np.float32]


def sample_colors(picture: Picture) -> ColorSample:
    """The picture made small, and weighed."""
    # Sampling first makes the mean cheap for any size: a mean over all pixels of a large photo takes 1.3 ms.
    sampled = picture.resize((SIDE * SAMPLES, SIDE * SAMPLES), Image.Resampling.NEAREST)
    rgb = np.asarray(sampled.resize((SIDE, SIDE), Image.Resampling.BOX))
    colors = cielab.encode_colors(rgb)
    return ColorSample(rgb=rgb, colors=colors, weights=foreground.weigh_foreground(rgb, colors))
