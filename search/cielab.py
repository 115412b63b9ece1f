"""Colours as numbers that follow the eye: sRGB to CIELAB, and the bins that colours are counted in.

Works with arrays of colours. Knows nothing of photos, of where in one a colour stands, or of encoders.

sRGB is IEC 61966-2-1, its matrix and white point D65 for the 2 degree observer; CIELAB is CIE 15:2004, section 8.2.1.
CIELAB overstates differences between vivid colours: the same step counts about six times less at chroma 120 than at
grey. DIN 6176 (the DIN99 formula) mends that with the chroma's logarithm, ln(1 + 0.045 C) / 0.045, which is taken from
there; so bins are fine around grey, where the eye tells beige from white, and wide where red is red.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

LEVELS = 32
"""Steps of a channel in the tables: 32 * 32 * 32 = 32,768 colours."""

LIGHTNESS_STEP = 20.0
CHROMA_STEP = 8.0
"""Distance of neighbouring bins on the lightness axis, and on the two colour axes after the logarithm."""

SPREAD = 0.5
"""Standard deviation of a colour around itself, in steps: it makes a small change of colour a small one of bins."""

NEAREST = 8
"""How many bins a colour is shared between."""

BIN_COUNT = 249

_SRGB_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
_CHROMA_FACTOR = 0.045
_RAREST_BIN = 8  # a bin that fewer of the table's colours fall into is left out: its neighbours take them


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorTable:
    """What is known in advance of each of the 32,768 colours, at the index `encode_colors` gives.

    Attributes:
        lab: L*, a*, b*; float32, shape (32768, 3).
        bins: the bins a colour counts in; shape (32768, NEAREST).
        shares: how much it counts in each of them, summing to 1; float32, shape (32768, NEAREST).
        bin_count: number of bins.
    """

    lab: NDArray[np.float32]
    bins: NDArray[np.intp]
    shares: NDArray[np.float32]
    bin_count: int


def convert_to_lab(rgb: NDArray[np.generic]) -> NDArray[np.float64]:
    """L* in [0, 100], a* and b* of sRGB colours in 0..255; shape (..., 3) in and out."""
    value = rgb.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    relative = linear @ _SRGB_TO_XYZ.T / _WHITE_D65
    root = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def encode_colors(rgb: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Index in the table of the colour nearest to each pixel; shape (..., 3) in, (...) out."""
    level = _load_levels()
    index: NDArray[np.intp] = (level[rgb[..., 0]] * LEVELS + level[rgb[..., 1]]) * LEVELS + level[rgb[..., 2]]
    return index


def count_colors(indices: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Soft histogram: how much weight each bin gets; shape (BIN_COUNT,). The two arguments have one shape."""
    table = load_color_table()
    by_color = np.bincount(indices.ravel(), weights.ravel(), LEVELS**3)
    present = np.flatnonzero(by_color > 0)
    shared = table.shares[present] * by_color[present, None]
    return np.bincount(table.bins[present].ravel(), shared.ravel(), table.bin_count).astype(np.float64, copy=False)


@cache
def load_color_table() -> ColorTable:
    """The table, computed at the first call (0.2 s) and then kept (4 MB)."""
    from scipy.spatial import KDTree  # here, as it takes longer to import than all the rest of the space

    level = np.arange(LEVELS) * 255 / (LEVELS - 1)
    rgb = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = convert_to_lab(rgb)
    colors = compress_chroma(lab) / (LIGHTNESS_STEP, CHROMA_STEP, CHROMA_STEP)
    cells, members = np.unique(np.round(colors), axis=0, return_counts=True)
    centres = cells[members >= _RAREST_BIN]
    distances, bins = KDTree(centres).query(colors, k=NEAREST)
    shares = np.exp(-(distances**2) / (2 * SPREAD**2))
    shares /= shares.sum(axis=1, keepdims=True)
    return ColorTable(lab=lab.astype(np.float32), bins=bins, shares=shares.astype(np.float32), bin_count=len(centres))


def compress_chroma(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same lightness and hue with DIN 6176's logarithm of the chroma; shape (..., 3) in and out."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    factor = np.log1p(_CHROMA_FACTOR * chroma) / (_CHROMA_FACTOR * np.maximum(chroma, 1e-9))
    return np.stack([lab[..., 0], lab[..., 1] * factor, lab[..., 2] * factor], axis=-1)


@cache
def _load_levels() -> NDArray[np.intp]:
    return np.asarray(np.round(np.arange(256) * (LEVELS - 1) / 255), dtype=np.intp)
