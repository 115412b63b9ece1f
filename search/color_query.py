"""Colours as a question: a palette in the space of measured colour, and how far a product's colours are from one.

Works with the colour space's own bins and with palettes. Knows nothing of photos or stores.

How a ranking by colour is best made was measured on the shared catalogue (`python -m bench.color_study`): its 4,800
train photos, and its other 1,200 as a check, ranked for each of the 25 (16) colour names that ten of them or more have
as `baseColour`; P@10 as the mean over names, and weighted by how common a name is.

                                              train           val and test
    nearest palette colour of a tenth or more 0.336  0.565    0.394  0.576
    main palette colour                       0.412  0.718    0.525  0.719
    whole palette (`rank_by_color`)           0.456  0.784    0.525  0.752
    colour space (`embed_colors`)             0.432  0.748    0.525  0.755
    200 nearest in the space, by palette      0.476  0.820    0.594  0.809
    whole palette + 20 (1 - cosine)           0.476  0.822    0.544  0.781

So both: the space, which the engine has an index for, gives the candidates, and the distance of the whole palette their
order. The nearest colour alone is the worst order, as a white shirt with a red print comes before a shirt of almost
that red; as a condition it says what `tolerance` promises: the colour asked for is really on the product.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search import cielab
from search.color_difference import Palette, measure_delta_e, to_lab, to_rgb
from search.color_names import read_palette
from search.embedding import Vector, normalise_rows
from search.query import ColorExample

SPACE = "color"

SMALLEST_SHARE = 0.1
"""Of a product that a colour has to cover so that the product counts as being of it."""


def read_color_example(text: str, *, weight: float = 1.0, pointer: str = "/color") -> ColorExample:
    """A colour or palette as it is written, ready to be asked; see `search.color_names.read_palette`.

    Raises:
        QueryError: `unknown_color`, shares that are no positive numbers, or too many colours.
    """
    colors = read_palette(text, pointer=pointer)
    return ColorExample(colors=colors, embeddings={SPACE: embed_colors(colors)}, weight=weight)


def embed_colors(colors: Palette) -> Vector:
    """What the colour space makes of a product that is of these colours and shares: shape (bins,), unit length.

    The same bins and the same roots as `search.encoders.color`: a photo of one flat colour has this very embedding.

    Raises:
        ValueError: no colours, or something that is none.
    """
    shares = np.array([share for _, share in colors], np.float32)
    counts = cielab.count_colors(cielab.encode_colors(to_rgb([color for color, _ in colors])), shares / shares.sum())
    return np.asarray(normalise_rows(np.sqrt(counts).astype(np.float32)[None])[0], np.float32)


def measure_tolerance(palette: Palette, asked: str) -> float | None:
    """CIEDE2000 from the asked "#rrggbb" to the nearest colour that is a tenth of the product or more; None without a
    palette.

    What a name means is more vivid than what lamps and folds leave of it on a photo: of the shared catalogue's 358
    products labelled Red, 0.16 are within 12 of `red` and 0.55 within 20, of its navy ones 0.07 and 0.69. A colour that
    was picked from a photo is met within 5 to 10.
    """
    there = [(color, share) for color, share in palette if share >= SMALLEST_SHARE]
    if not there:
        return None
    return float(measure_delta_e(to_lab(there), to_lab([(asked, 1.0)])).min())


def rank_by_color(palettes: Sequence[Palette], asked: Palette) -> NDArray[np.float64]:
    """How far each palette is from the one asked for, in CIEDE2000 units: shape (palettes,); infinite where empty.

    Of one colour asked for: the mean difference of all of the product to it, each colour by its share, which is the
    earth mover's distance (`search.color_difference.compare_palettes`). Of several: the greater of the two bounds that
    remain of that distance when only one side's shares have to be kept (relaxed distance of Kusner et al., "From word
    embeddings to document distances", ICML 2015): every asked colour to the nearest there is, and every one there is to
    the nearest asked. One call for thousands of palettes; a linear programme for each would take a millisecond.
    """
    lengths = np.array([len(palette) for palette in palettes], dtype=np.intp)
    distances = np.full(len(palettes), np.inf)
    there = [color for palette in palettes for color in palette]
    if not there:
        return distances
    starts = (np.cumsum(lengths) - lengths)[lengths > 0]
    shares = np.array([share for _, share in there])
    wanted = np.array([share for _, share in asked])
    apart = measure_delta_e(to_lab(there)[:, None], to_lab(asked)[None])
    kept = np.add.reduceat(apart.min(axis=1) * shares, starts) / np.add.reduceat(shares, starts)
    reached = np.minimum.reduceat(apart, starts) @ (wanted / wanted.sum())
    distances[lengths > 0] = np.maximum(kept, reached)
    return distances
