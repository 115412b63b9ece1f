"""The dozen colours of the demo catalogue, by the names a shop would use. Knows nothing of photos."""

from __future__ import annotations

from collections.abc import Mapping

Rgb = tuple[int, int, int]
"""sRGB, 0 to 255."""

COLOURS: Mapping[str, Rgb] = {
    "Black": (34, 34, 37),
    "White": (246, 246, 244),
    "Grey": (132, 133, 136),
    "Red": (200, 32, 42),
    "Orange": (242, 124, 20),
    "Yellow": (244, 208, 44),
    "Green": (46, 138, 64),
    "Blue": (36, 92, 200),
    "Purple": (120, 56, 156),
    "Pink": (244, 146, 186),
    "Brown": (112, 68, 38),
    "Beige": (216, 194, 156),
}
"""What a garment of that name is on average; light and shade move each one by a little."""
