"""A region of a photo: a box in shares of its sides.

Works with plain numbers and decoded pictures. Knows nothing of where a box comes from.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass

from search.encoder import Picture
from search.errors import QueryError

SMALLEST_SIDE = 0.02
"""Of a box, as a share of the photo's side: a smaller one is refused, as there would be next to nothing in it."""

SMALLEST_CROP = 8
"""Pixels of a cut picture's side, as far as the picture has them: a smaller one says nothing to an encoder."""

_ROUNDING = 1e-9
"""Shares; how far a box may miss a limit, and a pixel's edge, by the way numbers are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Left, top, right and bottom, each 0 to 1 from the photo's upper left corner; x0 < x1 and y0 < y1.

    A box that somebody asks with comes from `read_box`, which checks it.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def crop(self, picture: Picture) -> Picture:
        """What is in the box; see `crop_picture`."""
        return crop_picture(picture, self)

    def to_wire(self) -> list[float]:
        """`[x0, y0, x1, y1]`, to four digits: a twentieth of a pixel of the pictures that are searched with."""
        return [round(value, 4) for value in (self.x0, self.y0, self.x1, self.y1)]


WHOLE = Box(x0=0.0, y0=0.0, x1=1.0, y1=1.0)
"""All of a photo."""


def read_box(values: object, pointer: str) -> Box:
    """A box from `[x0, y0, x1, y1]` as somebody wrote it.

    Args:
        pointer: JSON pointer to it, for the error.

    Raises:
        QueryError: `invalid_region` for anything but four finite numbers, for a box that is not within the photo, and
            for one that has no area or less than `SMALLEST_SIDE` of a side.
    """
    if not isinstance(values, (list, tuple)) or len(values) != 4 or not all(map(_is_number, values)):
        raise _refuse(f"{_quote(values)} is no region: it takes four finite numbers, left, top, right, bottom", pointer)
    for place, value in enumerate(values):
        if not -_ROUNDING <= value <= 1 + _ROUNDING:
            where = "outside the photo: its sides go from 0 to 1, as shares and not as pixels"
            raise _refuse(f"the region {_quote(values)} is {where}", f"{pointer}/{place}")
    x0, y0, x1, y1 = (min(max(float(value), 0.0), 1.0) for value in values)
    if x1 <= x0 or y1 <= y0:
        why = "has no area: left has to be below right, and top below bottom"
        raise _refuse(f"the region {_quote(values)} {why}", pointer)
    if min(x1 - x0, y1 - y0) < SMALLEST_SIDE - _ROUNDING:
        why = f"is too small: at least {SMALLEST_SIDE:g} of each side of the photo is looked at"
        raise _refuse(f"the region {_quote(values)} {why}", pointer)
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)


def parse_box(text: str, pointer: str) -> Box:
    """A box from `left,top,right,bottom` as it is written on a command line; see `read_box`.

    Raises:
        QueryError: `invalid_region`.
    """
    try:
        return read_box([float(part) for part in text.split(",")], pointer)
    except ValueError:
        raise _refuse(f"{_quote(text)} is no region: write left,top,right,bottom, such as 0,0.5,1,1", pointer) from None


def crop_picture(picture: Picture, box: Box) -> Picture:
    """What is in the box: every pixel it touches, and around it as many as make a side of `SMALLEST_CROP`.

    The box of the whole photo gives the whole photo.
    """
    width, height = picture.size
    left, right = _find_pixels(box.x0, box.x1, width)
    top, bottom = _find_pixels(box.y0, box.y1, height)
    return picture.crop((left, top, right, bottom))


def _find_pixels(start: float, end: float, side: int) -> tuple[int, int]:
    first = max(math.floor((start + _ROUNDING) * side), 0)
    last = min(math.ceil((end - _ROUNDING) * side), side)
    missing = min(SMALLEST_CROP, side) - (last - first)
    if missing > 0:
        first = min(max(first - missing // 2, 0), side - min(SMALLEST_CROP, side))
        last = first + min(SMALLEST_CROP, side)
    return first, last


def _is_number(value: object) -> bool:
    # Not `math.isfinite`: a whole number may be too large for it.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def _quote(values: object) -> str:
    return reprlib.repr(list(values) if isinstance(values, tuple) else values)


def _refuse(message: str, pointer: str) -> QueryError:
    return QueryError(message, code="invalid_region", pointer=pointer)
