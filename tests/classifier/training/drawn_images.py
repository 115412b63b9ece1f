"""Small images whose labels can be learnt in seconds: a bright half, and bright corners."""

from __future__ import annotations

import numpy as np

from classifier.data.images import ArrayImages

SIDE = 8


def draw_images(count, *, seed=0, unknown=0, name="drawn"):
    """`half` (one value): where it is bright, left or right. `corners` (several): which corners are."""
    random = np.random.default_rng(seed)
    half = random.integers(0, 2, count)
    corners = random.integers(0, 2, (count, 4)).astype(np.uint8)
    images = random.integers(0, 60, (count, SIDE, SIDE, 1)).astype(np.uint8)
    for image, side, lit in zip(images, half, corners, strict=True):
        image[2:6, 4 * side : 4 * side + 4] += 120
        for number, on in enumerate(lit):
            top, left = divmod(number, 2)
            image[7 * top, 7 * left] = 250 if on else 0
    half[:unknown] = -1
    return ArrayImages(
        images,
        {"half": half.astype(np.int64), "corners": corners},
        name=name,
        attributes={"half": ("left", "right"), "corners": ("a", "b", "c", "d")},
        multi=frozenset({"corners"}),
    )
