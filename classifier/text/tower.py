"""The network of a text tower: open_clip's text transformer, small, beside a bag of words; its photo side is linear.

    score(text, photo) = tower(text) . W x       x = (p - m) B       p: the photo's unit vectors, one after the other

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

WIDTH = 64
LAYERS = 2
HEADS = 4
BAG_WIDTH = 512
DIMENSION = 256
"""Of the vector in which a text and a photo meet."""

FIRST_SCALE = 2.7
"""Logarithm of the inverse temperature, before it is learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSide:
    """How photos' vectors are centred and turned before they are projected.

    Attributes:
        mean: shape (dimension,).
        basis: B, shape (dimension, components).
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors of shape (photos, dimension) to (photos, components)."""
        return np.asarray((vectors - self.mean) @ self.basis, np.float32)


class TextTower(nn.Module):
    """Texts to vectors of unit length in which they meet photos, and W.

    Args:
        photos: that are learnt from, as `PhotoSide` gives them, shape (photos, components); the first W makes them as
            long as texts are, on average.
    """

    unit: Tensor

    def __init__(self, vocabulary: Vocabulary, photos: Tensor) -> None:
        super().__init__()
        self.transformer = _open_transformer(vocabulary.token_count)
        self.bag = nn.Embedding(vocabulary.part_count, BAG_WIDTH, padding_idx=0)
        self.straight = nn.Linear(BAG_WIDTH, DIMENSION)
        self.bent = nn.Sequential(
            nn.LayerNorm(BAG_WIDTH), nn.Linear(BAG_WIDTH, BAG_WIDTH), nn.GELU(), nn.Linear(BAG_WIDTH, DIMENSION)
        )
        self.photo = nn.Linear(photos.shape[1], DIMENSION, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(FIRST_SCALE))
        nn.init.normal_(self.bag.weight[1:], std=0.05)
        with torch.no_grad():
            self.register_buffer("unit", self.photo(photos).norm(dim=1).mean().clamp(min=1e-6))

    def forward(self, rows: Tensor, bags: Tensor) -> Tensor:
        """Texts as `Vocabulary` encodes them, to unit vectors: shape (texts, DIMENSION)."""
        bag = self._sum_parts(bags)
        return nn.functional.normalize(self.transformer(rows) + self.straight(bag) + self.bent(bag), dim=1)

    def _sum_parts(self, bags: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():  # as operators that every runtime has
            summed: Tensor = self.bag(bags).sum(dim=1)
            return summed
        return nn.functional.embedding_bag(bags, self.bag.weight, mode="sum", padding_idx=0)

    def project(self, photos: Tensor) -> Tensor:
        """Photos as `PhotoSide` gives them: shape (photos, DIMENSION); not of unit length."""
        projected: Tensor = self.photo(photos) / self.unit
        return projected

    def unproject(self, texts: Tensor) -> Tensor:
        """W goes over to the texts: shape (texts, components)."""
        return texts @ self.photo.weight / self.unit


class FoldedTowers(nn.Module):
    """Several towers' texts in the stored spaces, the mean of them: what is exported.

    Args:
        basis: of `PhotoSide`.
        factor: every number is multiplied with it.
    """

    back: Tensor

    def __init__(self, towers: list[TextTower], basis: NDArray[np.float32], factor: float) -> None:
        super().__init__()
        self.towers = nn.ModuleList(towers)
        self.register_buffer("back", torch.from_numpy(basis.T * np.float32(factor)))

    def forward(self, rows: Tensor, bags: Tensor) -> Tensor:
        """Texts to vectors in all the spaces, one after the other: shape (texts, photo dimension)."""
        folded = [tower.log_scale.exp() * tower.unproject(tower(rows, bags)) for tower in self._list()]
        return torch.stack(folded).mean(dim=0) @ self.back

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
