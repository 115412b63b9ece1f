"""Where a person's upper body, lower body and feet are on a product photo, if a person is on it.

Works with the outline of what is in front of the background, and where skin is in it. No model: a face is skin near the
top of an outline that gets shoulders below it; where the photo begins below the face, two legs are. How far down a body
its parts are is known in shares of its height, and the picture moves the cuts to where clothes change colour.

The shares are the segment lengths of R. Drillis and R. Contini, "Body segment parameters", Technical Report 1166.03,
New York University 1966, as drawn in D. A. Winter, "Biomechanics and Motor Control of Human Movement", 4th edition
2009, figure 4.1, in heights above the floor: chin 0.870, shoulder 0.818, hip 0.530, ankle 0.039. How far the cuts may
move from there was set by looking at photos of `../shared/catalogue`, as were the other figures below. Knows nothing
of files, boxes, encoders or words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.color_difference import measure_delta_e

SHOULDERS = 1 - 0.835
"""From the crown down, in body heights, where an outline has become twice as wide as the face: between chin and
shoulder, on the slope of the neck."""

HIP = 1 - 0.530
ANKLE = 1 - 0.039
SHOE = 0.06
"""How high a shoe stands on a photo that is taken from the front, in body heights: its tip is nearer than the ankle."""

HEAD_WIDTH = (0.085, 0.17)
"""A head across, in body heights: least, and most with hair on both sides."""

_HEM = (0.33, 0.62)  # from the crown: where a top may end
_ANKLE = (0.03, 0.13)  # from the floor up: where shoes may begin
_FLOOR = 0.88  # from the crown; an outline that reaches further down ends with feet
_HEM_BELOW_TOP = (0.02, 0.45)  # the same on a photo without a head, in shares of the outline's height
_LEGS = 1 - _HEM[0] - 0.12  # body heights from the hem of a usual top to the floor
_CHANGE = 12.0  # CIEDE2000 between the rows above and below a hem
_NEAR = 3  # rows that are looked at on either side of it
_SMALLEST_HEIGHT = 24  # pixels of an outline; in less, nothing can be told
_SMALLEST_HEAD = 6  # pixels
_HEAD_SHARE = 0.45  # of the outline's height, from its top, above which shoulders are looked for
_HEAD_ASPECT = (0.8, 2.2)  # height to width, from the crown to the shoulders
_CUT_HEAD_ASPECT = 0.5  # the least where the photo cuts a head off
_WIDENING = 1.4  # shoulders to head
_SLOPE = 1.3  # the same where shoulders begin
_FACE_SHARE = 0.12  # of a head's middle, how much is of skin's colour at least
_LEG_ROWS = 0.25  # of the outline's lower half, how many rows have two legs
_WORN_SKIN = 0.01  # share of the outline that is skin, on a photo without a head
_HAND = 0.008  # share of the outline that is skin on either side, where hands are
_SMALLEST_PART = 0.06  # body heights; a part of which fewer rows are on the photo is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A picture's foreground.

    Attributes:
        mask: what belongs to the one thing that is looked at, shape (height, width).
        skin: which of that is of skin's colour.
        lab: L*, a*, b* of each pixel, shape (height, width, 3).
    """

    mask: NDArray[np.bool_]
    skin: NDArray[np.bool_]
    lab: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPart:
    """Rows of the outline, from `start` to before `end`, and what they are of: `upper body`, `lower body`, `feet`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """Rows are counted from the picture's top; `width` is in pixels and with the hair."""

    start: int
    shoulders: int
    column: float
    width: float


def find_body_parts(outline: Outline) -> tuple[BodyPart, ...]:
    """The parts of the person that are on the photo, from above; none where nobody seems to be on it."""
    rows = np.flatnonzero(outline.mask.any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    if bottom - top < _SMALLEST_HEIGHT:
        return ()
    head = _find_head(outline, top, bottom)
    if head is not None:
        return _cut_below_head(outline, head, bottom)
    if top == 0 and _is_worn(outline, top, bottom):
        return _cut_without_head(outline, top, bottom)
    return ()


def _find_head(outline: Outline, top: int, bottom: int) -> _Head | None:
    """Where the outline widens most below something about as wide as it is high that has skin in its middle."""
    widths = outline.mask.sum(axis=1).astype(np.float64)
    best, wider = None, _WIDENING
    for row in range(top + _SMALLEST_HEAD, top + round(_HEAD_SHARE * (bottom - top))):
        height = row - top
        width = max(float(np.median(widths[top + height // 3 : row])), 1.0)
        step = max(height // 4, 2)
        ratio = float(np.median(widths[row + step : row + 2 * step])) / width
        low, high = _HEAD_ASPECT if top else (_CUT_HEAD_ASPECT, _HEAD_ASPECT[1])
        if ratio > wider and low <= height / width <= high:
            best, wider = row, ratio
    if best is None:
        return None
    width = max(float(np.median(widths[top + (best - top) // 3 : best])), 1.0)
    # Arms make what is below the shoulders wider still: they begin where the outline first is wider than the head.
    best = min(
        best, top + next(row for row, w in enumerate(widths[top:]) if row >= (best - top) / 2 and w >= _SLOPE * width)
    )
    height = best - top
    head = outline.mask[top:best]
    column = float(np.median(np.nonzero(head[height // 4 :])[1]))
    across = slice(max(round(column - width / 4), 0), round(column + width / 4) + 1)
    down = slice(top + height // 4, best)
    if outline.skin[down, across].sum() < _FACE_SHARE * outline.mask[down, across].sum():
        return None
    return _Head(start=top, shoulders=best, column=column, width=width)


def _cut_below_head(outline: Outline, head: _Head, bottom: int) -> tuple[BodyPart, ...]:
    least, most = (head.width / share for share in reversed(HEAD_WIDTH))
    tall = (head.shoulders - head.start) / SHOULDERS
    # A head that the photo cuts off gives no crown to measure from.
    tall = 2 * head.width / sum(HEAD_WIDTH) if head.start == 0 and tall < least else min(max(tall, least), most)
    crown = head.shoulders - SHOULDERS * tall
    hem = _find_change(outline.lab, outline.mask & ~outline.skin, crown + _HEM[0] * tall, crown + _HEM[1] * tall)
    hem = round(crown + HIP * tall) if hem is None else hem
    to_the_floor = bottom >= crown + _FLOOR * tall
    ankle = _find_ankle(outline, bottom, tall) or round(bottom - SHOE * tall) if to_the_floor else bottom
    return _name_parts(head.shoulders, hem, ankle, bottom, tall)


def _is_worn(outline: Outline, top: int, bottom: int) -> bool:
    """Whether an outline that the photo cuts off above is of somebody: it has skin, and two legs or two hands."""
    if outline.skin.sum() < _WORN_SKIN * outline.mask.sum():
        return False
    lower = outline.mask[top + (bottom - top) // 2 : bottom]
    runs = np.count_nonzero(np.diff(lower.astype(np.int8), axis=1, prepend=0) == 1, axis=1)
    return bool((runs == 2).mean() >= _LEG_ROWS) or _has_hands(outline, top, bottom)


def _has_hands(outline: Outline, top: int, bottom: int) -> bool:
    """Whether the upper half of an outline has skin at both sides, and hardly any between."""
    columns = np.flatnonzero(outline.mask.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    third = max((right - left) // 3, 1)
    skin = outline.skin[top : top + (bottom - top) // 2]
    sides = [int(skin[:, part].sum()) for part in (slice(left, left + third), slice(right - third, right))]
    middle = int(skin[:, left + third : right - third].sum())
    return min(sides) >= _HAND * outline.mask.sum() and middle <= min(sides)


def _cut_without_head(outline: Outline, top: int, bottom: int) -> tuple[BodyPart, ...]:
    """Of somebody whose feet are the outline's end, or who is cut off below too."""
    least, most = (top + share * (bottom - top) for share in _HEM_BELOW_TOP)
    hem = _find_change(outline.lab, outline.mask & ~outline.skin, least, most)
    hem = top if hem is None else hem
    tall = (bottom - hem) / _LEGS
    ankle = _find_ankle(outline, bottom, tall)
    if ankle is None:
        ankle = bottom if bottom == len(outline.mask) else round(bottom - SHOE * tall)
    return _name_parts(top, hem, ankle, bottom, tall)


def _name_parts(start: int, hem: int, ankle: int, bottom: int, tall: float) -> tuple[BodyPart, ...]:
    """The parts of which enough is on the photo."""
    cuts = (("upper body", start, min(hem, bottom)), ("lower body", hem, ankle), ("feet", ankle, bottom))
    smallest = {"feet": 0.5 * SHOE}
    return tuple(
        BodyPart(name=name, start=first, end=end)
        for name, first, end in cuts
        if end - first >= smallest.get(name, _SMALLEST_PART) * tall
    )


def _find_ankle(outline: Outline, bottom: int, tall: float) -> int | None:
    """Where shoes, or bare feet, begin; None where they do not differ from what is above."""
    least, most = (bottom - share * tall for share in reversed(_ANKLE))
    return _find_change(outline.lab, outline.mask, least, most)


def _find_change(lab: NDArray[np.float32], counted: NDArray[np.bool_], least: float, most: float) -> int | None:
    """The row, between two, above and below which the mean colours differ most; None where they hardly do."""
    rows = np.arange(max(round(least), _NEAR), min(round(most), len(counted) - _NEAR) + 1)
    if not len(rows):
        return None
    counts = np.concatenate([[0], counted.sum(axis=1).cumsum()])
    sums = np.concatenate([np.zeros((1, 3)), np.where(counted[..., None], lab, 0).sum(axis=1).cumsum(axis=0)])
    above, below = counts[rows] - counts[rows - _NEAR], counts[rows + _NEAR] - counts[rows]
    upper = (sums[rows] - sums[rows - _NEAR]) / np.maximum(above, 1)[:, None]
    lower = (sums[rows + _NEAR] - sums[rows]) / np.maximum(below, 1)[:, None]
    changes = np.where(np.minimum(above, below) >= _NEAR, measure_delta_e(upper, lower), 0)
    return int(rows[changes.argmax()]) if changes.max() >= _CHANGE else None
