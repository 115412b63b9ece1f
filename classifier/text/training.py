"""Training text towers: every text to find its own photo among a batch's, and every photo its text.

Works with vectors and words. Knows nothing of stores or files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from classifier.text.tower import FoldedTowers, PhotoSide, TextTower
from classifier.text.vocabulary import Vocabulary, learn_vocabulary

Words = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What one photo is called.

    Attributes:
        title: words of its title.
        labels: words of its attributes' values, such as its colour and its type, one value each.
    """

    title: Words
    labels: tuple[Words, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRecipe:
    """How towers are trained; chosen on validation pairs, see docs/measurements.md.

    Attributes:
        towers: how many, from different starts; their mean is what answers.
        batch: pairs that are told from each other at once.
        lose_words: share of a text's words that are left out, each time other ones.
        lose_numbers: share of a photo's numbers that are.
        labels_alone: share of texts that are a few labels in the place of the title, so that "red shoes" is learnt too.
    """

    towers: int = 3
    epochs: int = 14
    batch: int = 300
    rate: float = 1e-3
    decay: float = 0.05
    lose_words: float = 0.3
    lose_numbers: float = 0.2
    labels_alone: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedTowers:
    """Towers that have been trained, and what they need to be used."""

    vocabulary: Vocabulary
    side: PhotoSide
    towers: list[TextTower]

    def fold(self, *, factor: float = 1.0) -> FoldedTowers:
        """Their texts in the stored spaces."""
        return FoldedTowers(self.towers, self.side.spread, factor).eval()

    def embed(self, texts: Sequence[Words]) -> NDArray[np.float32]:
        """Texts in the stored spaces, shape (texts, photo dimension)."""
        with torch.inference_mode():
            return np.asarray(self.fold()(*encode(self.vocabulary, texts)).numpy(), np.float32)


def train_towers(
    pairs: Sequence[Pair],
    vectors: NDArray[np.float32],
    blocks: Sequence[int],
    recipe: TextRecipe,
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _share: None,
) -> TrainedTowers:
    """Towers for photos and what they are called, row by row.

    Args:
        vectors: the photos' unit vectors, the spaces' one after the other, shape (pairs, photo dimension).
        blocks: dimension of each of the spaces.
        progress: told the share that is done, 0 to 1.
    """
    vocabulary = learn_vocabulary([*(pair.title for pair in pairs), *(words for p in pairs for words in p.labels)])
    side = measure_side(vectors, blocks)
    photos = torch.from_numpy(side.apply(vectors))
    towers = []
    for number in range(recipe.towers):

        def tell(share: float, done: int = number) -> None:
            progress((done + share) / recipe.towers)

        towers.append(_train_tower(pairs, photos, vocabulary, recipe, seed=seed + number, progress=tell))
    return TrainedTowers(vocabulary=vocabulary, side=side, towers=towers)


def measure_side(vectors: NDArray[np.float32], blocks: Sequence[int]) -> PhotoSide:
    """Mean and spread of every number; a number's spread is kept from being much less than its space's, so that one
    that hardly varies is not made large."""
    spread = vectors.std(axis=0)
    start = 0
    for size in blocks:
        block = slice(start, start + size)
        spread[block] += 0.3 * vectors[:, block].std() + 1e-6
        start += size
    return PhotoSide(mean=vectors.mean(axis=0), spread=np.asarray(spread, np.float32))


def encode(vocabulary: Vocabulary, texts: Sequence[Words]) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts as a tower takes them."""
    return torch.from_numpy(vocabulary.encode_rows(texts)), torch.from_numpy(vocabulary.encode_bags(texts))


def _train_tower(
    pairs: Sequence[Pair],
    photos: torch.Tensor,
    vocabulary: Vocabulary,
    recipe: TextRecipe,
    *,
    seed: int,
    progress: Callable[[float], None],
) -> TextTower:
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tower = TextTower(vocabulary, photos.shape[1])
        with torch.no_grad():
            tower.photo.weight /= tower.project(photos).norm(dim=1).mean()
        batch = min(recipe.batch, len(pairs))
        steps = max(1, len(pairs) // batch) * recipe.epochs
        decayed = [parameter for name, parameter in tower.named_parameters() if name != "log_scale"]
        optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.decay},
                {"params": [tower.log_scale], "weight_decay": 0.0},
            ],
            lr=recipe.rate,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps, pct_start=0.1)
        done = 0
        while done < steps:
            order = rng.permutation(len(pairs))
            for start in range(0, len(pairs) - batch + 1, batch):
                rows = order[start : start + batch]
                texts = [_vary(pairs[row], recipe, rng) for row in rows]
                seen = nn.functional.dropout(photos[torch.from_numpy(rows)], recipe.lose_numbers)
                loss = _compare(tower, *encode(vocabulary, texts), seen)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
                done += 1
                progress(done / steps)
                if done == steps:
                    break
    return tower.eval()


def _compare(tower: TextTower, rows: torch.Tensor, bags: torch.Tensor, photos: torch.Tensor) -> torch.Tensor:
    """Cross-entropy both ways (Radford et al., "Learning transferable visual models from natural language supervision",
    2021); only the text's side is of unit length."""
    scores = tower.log_scale.exp() * tower(rows, bags) @ tower.project(photos).T
    own = torch.arange(len(scores))
    return (nn.functional.cross_entropy(scores, own) + nn.functional.cross_entropy(scores.T, own)) / 2


def _vary(pair: Pair, recipe: TextRecipe, rng: np.random.Generator) -> list[str]:
    words = list(pair.title)
    if pair.labels and (not words or rng.random() < recipe.labels_alone):
        some = [label for label in pair.labels if rng.random() < 0.7] or [pair.labels[rng.integers(len(pair.labels))]]
        words = [word for label in some for word in label]
    kept = [word for word in words if rng.random() >= recipe.lose_words]
    return kept or words
