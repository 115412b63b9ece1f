"""A grey garment on nothing becomes a coloured one on white.

Works with arrays in [0, 1]. Knows nothing of where a garment comes from or of which colours there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from indexer.demo.palette import Rgb
from search.encoder import Picture

SIDE = 224
"""Side of a demo photo, pixels."""

_MARGIN_SHARE = 14  # the margin is this fraction of the garment's picture
_LARGEST_HOLE = 24  # pixels of 784; a dark print is smaller than this, the hole of a bag's handle larger


def tint_garment(grey: NDArray[np.float32], colour: Rgb) -> Picture:
    """A photo of `SIDE` x `SIDE` pixels, the garment in this colour, its own light and shade kept, on white.

    The garment's mean lightness becomes the colour itself; what is darker in it becomes a shade of the colour, what
    is lighter a tint.

    Args:
        grey: lightness of the garment, 0 where there is none, in [0, 1], shape (height, width), square.
    """
    covered = _fill_small_holes(grey > 0.04)
    mean = max(float(grey[covered].mean()) if covered.any() else 1.0, 1e-3)
    # A grey pixel on the rim is one the garment covers in part, not a dark one.
    rim = covered & ~ndimage.binary_erosion(covered)
    coverage = np.where(rim, np.clip(grey / (0.8 * mean), 0.0, 1.0), covered).astype(np.float32)
    # Off the garment its mean stands, so that enlarging it puts no dark line around it.
    lightness = np.where(covered, np.maximum(grey / mean, 0.8 * rim), 1.0).astype(np.float32)
    light = _enlarge(lightness, around=1.0)
    alpha = np.clip((_enlarge(coverage, around=0.0) - 0.5) * 1.7 + 0.5, 0.0, 1.0)[..., None]

    base = np.asarray(colour, dtype=np.float32) / 255.0
    shade = base * (0.45 + 0.55 * np.minimum(light, 1.0))[..., None]
    tint = shade + (1.0 - shade) * (0.30 * np.clip(light - 1.0, 0.0, 1.0))[..., None]
    pixels = tint * alpha + (1.0 - alpha)
    return Image.fromarray(np.rint(pixels * 255.0).astype(np.uint8))


def _fill_small_holes(covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same mask without the holes that are dark prints rather than openings; sized for 28 x 28 pixels."""
    holes, count = ndimage.label(~covered)
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    largest = _LARGEST_HOLE * covered.size / 784
    small = (sizes <= largest) & (np.arange(count + 1) > 0)
    return np.asarray(covered | small[holes], dtype=np.bool_)


def _enlarge(plane: NDArray[np.float32], *, around: float) -> NDArray[np.float32]:
    """The plane with a margin of this value around it, smoothly brought to the size of a photo."""
    margin = max(1, plane.shape[0] // _MARGIN_SHARE)
    framed = Image.fromarray(np.pad(plane, margin, constant_values=around))
    return np.asarray(framed.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32)
