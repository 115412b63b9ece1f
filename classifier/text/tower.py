"""The network of a text tower: open_clip's text transformer, small, beside a bag of words; its photo side is linear.

    score(text, photo) = tower(text) . W x       x = (p - m) / d       p: the photo's unit vectors, one after the other

As the photo's side is linear, W goes over to the text: `fold` gives one vector for each of the spaces that are stored
already, and a text is asked like a photo. The constant part of the centring is the same for every photo and left out.
Needs torch and open_clip (the extra `clip`). Knows nothing of catalogues.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classifier.text.vocabulary import CONTEXT, Vocabulary
from search.errors import SetupError

if TYPE_CHECKING:
    from open_clip.transformer import TextTransformer

WIDTH = 96
LAYERS = 2
HEADS = 4
BAG_WIDTH = 192
DIMENSION = 192
"""Of the vector in which a text and a photo meet."""

FIRST_SCALE = 2.7
"""Logarithm of the inverse temperature, before it is learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSide:
    """How photos' vectors are centred and scaled before they are projected: shape (dimension,) each."""

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors of shape (photos, dimension)."""
        return np.asarray((vectors - self.mean) / self.spread, np.float32)


class TextTower(nn.Module):
    """Texts to vectors of unit length in which they meet photos, and W.

    Args:
        photo_dimension: numbers of a photo's vectors together.
    """

    def __init__(self, vocabulary: Vocabulary, photo_dimension: int) -> None:
        super().__init__()
        self.transformer = _open_transformer(vocabulary.token_count)
        self.bag = nn.Linear(vocabulary.bag_size, BAG_WIDTH, bias=False)
        self.from_bag = nn.Linear(BAG_WIDTH, DIMENSION)
        self.photo = nn.Linear(photo_dimension, DIMENSION, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(FIRST_SCALE))
        nn.init.normal_(self.bag.weight, std=0.05)

    def forward(self, rows: Tensor, bags: Tensor) -> Tensor:
        """Texts as `Vocabulary` encodes them, to unit vectors: shape (texts, DIMENSION)."""
        return nn.functional.normalize(self.transformer(rows) + self.from_bag(self.bag(bags)), dim=1)

    def project(self, photos: Tensor) -> Tensor:
        """Photos as `PhotoSide` gives them: shape (photos, DIMENSION); not scaled."""
        projected: Tensor = self.photo(photos)
        return projected


class FoldedTowers(nn.Module):
    """Several towers' texts in the stored spaces, the mean of them: what is exported.

    Args:
        spread: of `PhotoSide`.
        factor: every number is multiplied with it.
    """

    spread: Tensor

    def __init__(self, towers: list[TextTower], spread: NDArray[np.float32], factor: float) -> None:
        super().__init__()
        self.towers = nn.ModuleList(towers)
        self.register_buffer("spread", torch.from_numpy(spread))
        self.factor = factor

    def forward(self, rows: Tensor, bags: Tensor) -> Tensor:
        """Texts to vectors in all the spaces, one after the other: shape (texts, photo dimension)."""
        folded = [
            tower.log_scale.exp() * (tower(rows, bags) @ tower.photo.weight) / self.spread for tower in self._list()
        ]
        return torch.stack(folded).mean(dim=0) * self.factor

    def _list(self) -> list[TextTower]:
        return [tower for tower in self.towers if isinstance(tower, TextTower)]


def _open_transformer(token_count: int) -> TextTransformer:
    try:
        from open_clip.transformer import TextTransformer
    except ImportError as error:
        raise SetupError(
            "training a text tower needs open_clip, which is not installed: pip install 'vitrine[clip]'",
            code="extra_missing",
        ) from error
    # Its pooling takes the vector at the token of the highest number: the end.
    return TextTransformer(
        context_length=CONTEXT,
        vocab_size=token_count,
        width=WIDTH,
        heads=HEADS,
        layers=LAYERS,
        output_dim=DIMENSION,
    )
