"""Regions of a photo that are worth asking about: its product, the separate things on it, and parts of a person.

Works with one decoded picture and needs no model: things stand out from an even background (`search.foreground`), and a
person is found by skin and outline (`search.body_parts`). On a photo without an even background everything is
foreground, and the one suggestion is all of it. Knows nothing of encoders or of who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from search import cielab
from search.body_parts import Outline, find_body_parts
from search.encoder import Picture
from search.foreground import SMALLEST_FOREGROUND, find_background, find_skin
from search.region import SMALLEST_SIDE, Box

SIDE = 128
"""Longer side of the picture that is looked at, pixels: outlines need no more, and it takes some 3 ms."""

SMALLEST_OBJECT = 0.05
"""Share of the foreground that a thing of its own has; less is a shadow, a label or dust."""

MOST_OBJECTS = 8
_SAME = 0.9
_EDGE = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of a photo.

    Attributes:
        name: `whole product`; `object`, `object 2` ...; `upper body`, `lower body`, `feet`.
        share: of the photo's foreground that is in the box, 0 to 1.
    """

    name: str
    box: Box
    share: float


def suggest_regions(picture: Picture) -> tuple[Region, ...]:
    """The whole product first, then parts of a person from above, or else separate things by falling size.

    Things are named where there are several. A photo on which nothing stands out gives one region, all of it.
    """
    small = _make_small(picture)
    rgb = np.asarray(small)
    foreground = _find_foreground(rgb)
    whole = _bound(foreground)
    regions = [_to_region("whole product", whole, foreground)]
    things = _list_things(foreground)
    parts = _list_body_parts(rgb, _join_things(things), foreground)
    if len(things) > 1 and not parts:
        boxes = [_bound(thing) for thing in things]
        kept = [box for box in boxes if _measure_overlap(box, whole) < _SAME]
        names = ["object", *(f"object {number}" for number in range(2, MOST_OBJECTS + 1))]
        regions.extend(_to_region(name, box, foreground) for name, box in zip(names, kept, strict=False))
    regions.extend(parts)
    return tuple(region for region in regions if _is_large_enough(region.box))


def _make_small(picture: Picture) -> Picture:
    width, height = picture.size
    scale = SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)


def _find_foreground(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What is not background, without the specks compression leaves around it; everything where that is nothing."""
    foreground = ~find_background(rgb)
    # Beyond the edge is more of the same, so that what the photo cuts off is not worn away there.
    padded = np.pad(foreground, 1, mode="edge")
    opened = ndimage.binary_opening(padded, _EDGE)[1:-1, 1:-1]
    foreground = opened if opened.mean() >= SMALLEST_FOREGROUND else foreground
    return foreground if foreground.mean() >= SMALLEST_FOREGROUND else np.ones_like(foreground)


def _list_things(foreground: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Parts of the foreground that do not touch each other and are large enough, largest first."""
    labels, count = ndimage.label(foreground, _EDGE)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    large = [n for n in np.argsort(-sizes, kind="stable") if sizes[n] >= SMALLEST_OBJECT * foreground.sum()]
    return [labels == n + 1 for n in large[:MOST_OBJECTS]]


def _join_things(things: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """The largest thing, with those above and below it: clothes of the background's colour cut a person in pieces."""
    largest = things[0]
    columns = np.flatnonzero(largest.any(axis=0))
    joined = largest.copy()
    for thing in things[1:]:
        middle = float(np.nonzero(thing)[1].mean())
        if columns[0] <= middle <= columns[-1]:
            joined |= thing
    return joined


def _list_body_parts(rgb: NDArray[np.uint8], thing: NDArray[np.bool_], foreground: NDArray[np.bool_]) -> list[Region]:
    colors = cielab.encode_colors(rgb)
    outline = Outline(mask=thing, skin=find_skin(colors) & thing, lab=cielab.load_color_table().lab[colors])
    regions = []
    for part in find_body_parts(outline):
        rows = np.zeros_like(thing)
        rows[part.start : part.end] = thing[part.start : part.end]
        if rows.any():
            regions.append(_to_region(part.name, _bound(rows), foreground))
    return regions


def _to_region(name: str, box: Box, foreground: NDArray[np.bool_]) -> Region:
    height, width = foreground.shape
    rows = slice(round(box.y0 * height), round(box.y1 * height))
    columns = slice(round(box.x0 * width), round(box.x1 * width))
    return Region(name=name, box=box, share=float(foreground[rows, columns].sum() / foreground.sum()))


def _bound(mask: NDArray[np.bool_]) -> Box:
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(
        x0=float(columns[0] / width),
        y0=float(rows[0] / height),
        x1=float((columns[-1] + 1) / width),
        y1=float((rows[-1] + 1) / height),
    )


def _measure_overlap(box: Box, other: Box) -> float:
    """Area of what two boxes share, as a share of what they cover together."""
    across = max(min(box.x1, other.x1) - max(box.x0, other.x0), 0.0)
    down = max(min(box.y1, other.y1) - max(box.y0, other.y0), 0.0)
    areas = sum((each.x1 - each.x0) * (each.y1 - each.y0) for each in (box, other))
    return across * down / (areas - across * down)


def _is_large_enough(box: Box) -> bool:
    return min(box.x1 - box.x0, box.y1 - box.y0) >= SMALLEST_SIDE
