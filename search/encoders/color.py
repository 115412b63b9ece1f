"""Measured colour: an embedding whose dot product says how much of two products' colour is the same.

The picture is made 64 pixels square, its pixels are weighted by how much they have to do with the product, and their
colours are counted in bins of about equal perceived size; the counts' square roots are the embedding, so that the dot
product of two is the Bhattacharyya coefficient of their histograms, up to the length. The same is counted for each band
of the picture, with the same weights. No model, no weights, no files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search import cielab, foreground
from search.color_sample import SAMPLES, SIDE, sample_colors
from search.embedding import Space
from search.encoder import Encoder, EncoderCard, Picture, PictureMap
from search.encoders.registry import Progress, register
from search.pools import PARTS, weigh_bands

DEFAULT_COLOR_WEIGHT = 0.45
"""How much this space counts beside a backbone, which has the rest; the sum of the weighted cosines is the score.

Chosen on the val split of `../shared/catalogue` (600 queries, gallery: the 4,800 photos of train) beside
EfficientNet-Lite0, by P@10 on type and colour both; `python -m bench.fusion_study` prints it again.

    weight of color    0      0.2    0.3    0.4    0.45   0.5    0.55   0.6    0.7    1
    both               0.230  0.330  0.351  0.358  0.359  0.361  0.362  0.359  0.345  0.194
    articleType        0.775  0.748  0.727  0.707  0.693  0.682  0.668  0.650  0.607  0.307
    baseColour         0.294  0.448  0.490  0.516  0.529  0.537  0.542  0.550  0.560  0.544

From 0.4 to 0.6 `both` is flat within its error (0.0025 for a difference), so the weight is from the lower half, which
keeps more of the type. Reciprocal rank fusion (k = 60) reaches 0.344 at its best.
"""

CELLS = 8
"""Rows and columns of the parts that `ColorEncoder.map_picture` tells apart."""

# The 1 is raised with a change of the measurement that none of these figures tells.
_RECIPE = (
    f"color 1: side {SIDE} samples {SAMPLES} levels {cielab.LEVELS} lightness {cielab.LIGHTNESS_STEP} "
    f"chroma {cielab.CHROMA_STEP} spread {cielab.SPREAD} nearest {cielab.NEAREST} bins {cielab.BIN_COUNT} "
    f"smallest {foreground.SMALLEST_FOREGROUND} tolerance {foreground.TOLERANCE} noise {foreground.NOISE_FACTOR} "
    f"place {foreground.PLACE_SPREAD} skin {foreground.SKIN_DISCOUNT} worn {foreground.WORN_SHARE}"
)

CARD = EncoderCard(
    name="color",
    dimension=cielab.BIN_COUNT,
    input_size=0,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    interpolation="bilinear",
    licence="",
    source="computed from the photo: CIELAB (CIE 15), see search/cielab.py and search/foreground.py",
    weights_sha256="",
    summary=f"colour of the product, measured: {cielab.BIN_COUNT} numbers, no model",
)


class ColorEncoder:
    """Soft CIELAB histograms of the foreground. Holds no state: safe from any thread."""

    @property
    def space(self) -> Space:
        """The measured space; in the place of the weights' hash stands the hash of the measurement's parameters."""
        return Space(
            name=CARD.name, dimension=CARD.dimension, weights_sha256=hashlib.sha256(_RECIPE.encode()).hexdigest()
        )

    def prepare(self, picture: Picture) -> NDArray[np.generic]:
        """The square roots of the bins' shares, float32, shape (parts, dimension): all the work is here."""
        sample = sample_colors(picture)
        colors, weights = sample.colors, sample.weights
        roots = np.zeros((len(PARTS), CARD.dimension), np.float32)
        roots[0] = np.sqrt(cielab.count_colors(colors, weights))
        for part, band in enumerate(weigh_bands(SIDE), start=1):
            first, *_, last = np.flatnonzero(band)
            rows = slice(first, last + 1)
            inside = weights[rows] * band[rows, None]
            if (total := inside.sum()) > 0:  # else the band is all background
                roots[part] = np.sqrt(cielab.count_colors(colors[rows], inside / total))
        return roots

    def pool(self, prepared: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """What `prepare` made of each photo, shape (photos, parts, dimension)."""
        if not prepared:
            return np.zeros((0, len(PARTS), CARD.dimension), dtype=np.float32)
        return np.stack(prepared).astype(np.float32)

    def map_picture(self, picture: Picture) -> PictureMap:
        """What each of CELLS * CELLS parts of the picture gives to the embedding.

        A bin's root is its share divided by that root, and a share is a sum over pixels: so the embedding is a sum.
        """
        sample = sample_colors(picture)
        root = np.sqrt(cielab.count_colors(sample.colors, sample.weights))
        parts = np.arange(SIDE) * CELLS // SIDE
        cells = np.zeros((CARD.dimension, CELLS, CELLS), np.float32)
        for row, column in np.ndindex(CELLS, CELLS):
            inside = np.ix_(parts == row, parts == column)
            counts = cielab.count_colors(sample.colors[inside], sample.weights[inside])
            cells[:, row, column] = CELLS**2 * np.divide(counts, root, out=np.zeros_like(root), where=root > 0)
        return PictureMap(cells=cells, frame=(0.0, 0.0, 1.0, 1.0))


@register(CARD)
def open_color(*, models: Path, threads: int, progress: Progress | None) -> Encoder:  # noqa: ARG001
    """The encoder, ready; there is nothing to fetch and nothing to thread."""
    cielab.load_color_table()  # now, once, rather than in every worker that meets its first photo
    return ColorEncoder()
