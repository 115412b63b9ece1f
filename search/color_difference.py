"""How different two colours, or two palettes, look: CIEDE2000, and the least work of turning one palette into another.

Works with CIELAB values (see `search/cielab.py`) and with palettes of hex colours and shares. Knows nothing of photos,
of names of colours or of how a palette is measured.

A difference of 1 is about the least that is seen side by side, 2 to 5 is another shade of the same colour, from 10 to
20 on most people give it another name, and black to white is 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.cielab import convert_to_lab

Palette = Sequence[tuple[str, float]]
"""Colours, "#rrggbb", and the share of each; main one first, shares not necessarily summing to 1."""

_RANGE = 25.0**7
_ROUNDING = 1e-9
"""Degrees; hues that are exactly opposite, where the formula jumps, stay on the side the paper's table has them on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteDifference:
    """How far apart two palettes are, both in CIEDE2000 units.

    Attributes:
        main: between the two main colours.
        palette: the earth mover's distance, see `compare_palettes`.
    """

    main: float
    palette: float


def measure_delta_e(lab_a: NDArray[np.generic], lab_b: NDArray[np.generic]) -> NDArray[np.float64]:
    """CIEDE2000 difference of L*, a*, b* colours; shapes (..., 3) that broadcast to one another, (...) out.

    From G. Sharma, W. Wu and E. N. Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary
    test data, and mathematical observations", Color Research and Application 30 (2005); kL = kC = kH = 1.
    """
    lightness_a, a_a, b_a = np.moveaxis(np.asarray(lab_a, np.float64), -1, 0)
    lightness_b, a_b, b_b = np.moveaxis(np.asarray(lab_b, np.float64), -1, 0)
    mean_chroma = (np.hypot(a_a, b_a) + np.hypot(a_b, b_b)) / 2
    stretch = 1 + 0.5 * (1 - _rise(mean_chroma))
    chroma_a, hue_a = _to_polar(stretch * a_a, b_a)
    chroma_b, hue_b = _to_polar(stretch * a_b, b_b)

    grey = chroma_a * chroma_b == 0
    turn = hue_b - hue_a
    turn = np.where(grey, 0, (turn + 180) % 360 - 180)
    # Opposite hues, 180 degrees apart, count as -180 here and as +180 in the paper: only the square of it is used.
    hue_step = 2 * np.sqrt(chroma_a * chroma_b) * np.sin(np.radians(turn / 2))
    total = hue_a + hue_b
    apart = np.abs(hue_a - hue_b) > 180 + _ROUNDING
    mean_hue = np.where(grey, total, np.where(apart, (total + np.where(total < 360, 360, -360)) / 2, total / 2))
    mean_lightness, mean_chroma = (lightness_a + lightness_b) / 2, (chroma_a + chroma_b) / 2

    weight = (
        1
        - 0.17 * _cos(mean_hue - 30)
        + 0.24 * _cos(2 * mean_hue)
        + 0.32 * _cos(3 * mean_hue + 6)
        - 0.20 * _cos(4 * mean_hue - 63)
    )
    squared = (mean_lightness - 50) ** 2
    lightness_part = (lightness_b - lightness_a) / (1 + 0.015 * squared / np.sqrt(20 + squared))
    chroma_part = (chroma_b - chroma_a) / (1 + 0.045 * mean_chroma)
    hue_part = hue_step / (1 + 0.015 * mean_chroma * weight)
    rotation = -2 * _rise(mean_chroma) * np.sin(np.radians(60 * np.exp(-(((mean_hue - 275) / 25) ** 2))))
    summed = lightness_part**2 + chroma_part**2 + hue_part**2 + rotation * chroma_part * hue_part
    return np.asarray(np.sqrt(np.maximum(summed, 0)), dtype=np.float64)


def compare_palettes(a: Palette, b: Palette) -> PaletteDifference:
    """The difference of the main colours, and of the palettes as wholes.

    The latter is the earth mover's distance (Rubner, Tomasi and Guibas, "The earth mover's distance as a metric for
    image retrieval", IJCV 40, 2000): shares are masses, brought to a sum of 1; moving a share of one colour to another
    one costs the share times their CIEDE2000 difference, and the cheapest way to make one palette of the other counts.
    So it is 0 for equal palettes, and the plain difference for two of one colour each.

    Raises:
        ValueError: an empty palette, or one without a positive share.
    """
    leaving, arriving = _to_masses(a), _to_masses(b)
    costs = measure_delta_e(to_lab(a)[:, None], to_lab(b)[None])
    return PaletteDifference(main=float(costs[0, 0]), palette=_move_shares(costs, leaving, arriving))


def to_lab(palette: Palette) -> NDArray[np.float64]:
    """L*, a*, b* of the palette's colours, shape (colours, 3)."""
    return convert_to_lab(to_rgb([color for color, _ in palette]))


def to_rgb(colors: Sequence[str]) -> NDArray[np.uint8]:
    """Colours "#rrggbb" as numbers, shape (colours, 3).

    Raises:
        ValueError: something that is no such colour.
    """
    joined = bytes.fromhex("".join(color.removeprefix("#") for color in colors))
    return np.frombuffer(joined, np.uint8).reshape(len(colors), 3)


def to_hex(rgb: NDArray[np.generic]) -> str:
    """Three numbers in 0..255, rounded, as "#rrggbb"."""
    return "#" + bytes(np.clip(np.rint(rgb), 0, 255).astype(np.uint8)).hex()


def _move_shares(costs: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Least cost of moving masses `a` to masses `b`: the transport problem as a linear programme."""
    if min(costs.shape) == 1:
        return float(a @ costs @ b)  # there is one way only
    from scipy.optimize import linprog  # here, as it takes long to import and few answers need it

    rows, columns = costs.shape
    leaving = np.kron(np.eye(rows), np.ones(columns))
    arriving = np.kron(np.ones(rows), np.eye(columns))
    # The last of the equations follows from the others, and rounding would make it contradict them.
    solved = linprog(costs.ravel(), A_eq=np.vstack([leaving, arriving])[:-1], b_eq=np.concatenate([a, b])[:-1])
    assert solved.success, solved.message
    return max(float(solved.fun), 0.0)


def _to_masses(palette: Palette) -> NDArray[np.float64]:
    shares = np.array([share for _, share in palette], dtype=np.float64)
    if not (len(shares) and (shares >= 0).all() and np.isfinite(total := shares.sum()) and total > 0):
        raise ValueError(f"{list(palette)!r} is no palette: it takes colours with positive shares")
    return np.asarray(shares / total)


def _to_polar(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Chroma, and hue in degrees from 0 to 360; the hue of a grey is 0."""
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _rise(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """The formula's step from 0 to 1 at a chroma of about 25."""
    seventh = chroma**7
    return np.asarray(np.sqrt(seventh / (seventh + _RANGE)))


def _cos(degrees: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.cos(np.radians(degrees)))
