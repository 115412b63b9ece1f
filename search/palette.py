"""The palette of a product photo: its few main colours and how much of the product each of them is.

The pixels that belong to the product, each weighed by how surely it does, are counted in coarse cells of colour; the
cell with the most around it that the eye takes for the same colour takes all of that, and so on with what is left. No
model and no random start: the same photo always has the same palette. Works with decoded pictures. Knows nothing of
names of colours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search import cielab
from search.color_difference import measure_delta_e, to_hex
from search.color_sample import ColorSample, sample_colors
from search.encoder import Picture

Palette = tuple[tuple[str, float], ...]
"""("#rrggbb", share) with the largest share first; the shares sum to 1."""

MAX_COLORS = 5

MERGED_BELOW = 14.0
"""CIEDE2000: cells nearer than this are one colour in light and shade. Between 10 and 18 a ranking by colour names
hardly differs (`python -m bench.color_study`): the folds of a garment are that far apart, colours with names of their
own are farther."""

SMALLEST_SHARE = 0.03
"""Of the product; what is less is a button or noise, and counts with the colour it is nearest to."""

_SMALLEST_CELL = 0.002
_LEVELS = 8
"""Steps of a channel in the first count: 512 cells, of which a photo fills some dozens."""


def measure_palette(picture: Picture) -> Palette:
    """Up to `MAX_COLORS` colours of the product in a picture."""
    return measure_sample(sample_colors(picture))


def measure_sample(sample: ColorSample) -> Palette:
    """The same of a picture that was sampled before."""
    colors, mass = _count_cells(sample)
    lab = cielab.convert_to_lab(colors)
    apart = _measure_pairs(lab)
    leaders = _choose_leaders(apart < MERGED_BELOW, mass)
    nearest = apart[:, leaders].argmin(axis=1)
    shares = np.bincount(nearest, mass, len(leaders))
    means = np.stack([np.bincount(nearest, mass * channel, len(leaders)) for channel in colors.T], axis=1)
    order = np.argsort(-shares, kind="stable")
    total = mass.sum()
    return tuple((to_hex(means[i] / shares[i]), round(float(shares[i] / total), 4)) for i in order)


def _count_cells(sample: ColorSample) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean RGB and weight of the cells that have some, shapes (cells, 3) and (cells,)."""
    levels = (sample.rgb >> 5).astype(np.intp)
    cells = ((levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]).ravel()
    weights = sample.weights.astype(np.float64).ravel()
    mass = np.bincount(cells, weights, _LEVELS**3).astype(np.float64, copy=False)
    there = np.flatnonzero(mass >= min(_SMALLEST_CELL, mass.max()))
    sums = [np.bincount(cells, weights * sample.rgb[..., c].ravel(), _LEVELS**3)[there] for c in range(3)]
    return np.stack(sums, axis=1) / mass[there, None], mass[there]


def _measure_pairs(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of all pairs, shape (colours, colours); each pair is measured once."""
    first, second = np.triu_indices(len(lab), 1)
    apart = np.zeros((len(lab), len(lab)))
    apart[first, second] = apart[second, first] = measure_delta_e(lab[first], lab[second])
    return apart


def _choose_leaders(alike: NDArray[np.bool_], mass: NDArray[np.float64]) -> list[int]:
    """Cells that stand for the palette's colours, each with the most that no other one had before."""
    left = mass.copy()
    leaders: list[int] = []
    while len(leaders) < MAX_COLORS:
        gathered = np.where(left > 0, alike @ left, 0)
        best = int(gathered.argmax())
        if gathered[best] < SMALLEST_SHARE * mass.sum():
            break
        leaders.append(best)
        left[alike[best]] = 0
    return leaders
