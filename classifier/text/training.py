"""Training text towers: every text to find its own photo among a batch's, and every photo its text.

Works with vectors and words. Knows nothing of stores or files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import block_diag
from torch import nn

from classifier.text.tower import FoldedTowers, PhotoSide, TextTower
from classifier.text.vocabulary import Vocabulary, learn_vocabulary
from classifier.threads import one_thread

Words = Sequence[str]

MAX_COMPONENTS = 384
"""Of a space, that towers look at."""

MOST_LABELS = 3
"""In one text that is learnt from."""

TOLERANCE = 1e-6
"""A component with a smaller share of the first one's variance is rounding."""


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
        fewest_steps: a small catalogue is looked at more often than `epochs` says, so that it has these.
        batch: pairs that are told from each other at once.
        lose_words: share of a text's words that are left out, each time other ones.
        lose_numbers: share of a photo's components that are.
        labels_alone: share of texts that are a few labels in the place of the title, so that "red shoes" is learnt too.
        labels_added: share of texts that are the title and a few labels.
    """

    towers: int = 5
    epochs: int = 25
    fewest_steps: int = 150
    batch: int = 300
    rate: float = 1e-3
    decay: float = 0.05
    lose_words: float = 0.03
    lose_numbers: float = 0.25
    labels_alone: float = 0.1
    labels_added: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedTowers:
    """Towers that have been trained, and what they need to be used."""

    vocabulary: Vocabulary
    side: PhotoSide
    towers: list[TextTower]

    def fold(self, *, factor: float = 1.0) -> FoldedTowers:
        """Their texts in the stored spaces."""
        return FoldedTowers(self.towers, self.side.basis, factor).eval()

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
    """Principal components of each space, half whitened: divided by the fourth root of their variance.

    So the many components in which photos differ little have a say, and those that are noise have less of one. Every
    space's components have a mean square of 1.
    """
    mean = vectors.mean(axis=0)
    bases = []
    start = 0
    for size in blocks:
        centred = vectors[:, start : start + size] - mean[start : start + size]
        bases.append(_whiten_half(centred.astype(np.float64)))
        start += size
    return PhotoSide(mean=mean, basis=np.asarray(block_diag(*bases), np.float32))


def _whiten_half(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    if not variances[-1] > 0:  # all photos alike: nothing to tell them by
        return np.zeros((len(axes), 1))
    rank = int((variances > TOLERANCE * variances[-1]).sum())
    kept = min(MAX_COMPONENTS, math.ceil(len(axes) / 2), math.ceil(len(centred) / 4), rank)
    variances, axes = variances[::-1][:kept], axes[:, ::-1][:, :kept]
    return np.asarray(axes / variances**0.25 / math.sqrt(np.sqrt(variances).mean()))


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
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(seed)
        tower = TextTower(vocabulary, photos)
        batch = min(recipe.batch, len(pairs))
        steps = max(len(pairs) // batch * recipe.epochs, recipe.fewest_steps)
        decayed = [parameter for name, parameter in tower.named_parameters() if name != "log_scale"]
        optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.decay},
                {"params": [tower.log_scale], "weight_decay": 0.0},
            ],
            lr=recipe.rate,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps, pct_start=0.15)
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
    kept = [word for word in pair.title if rng.random() >= recipe.lose_words] or list(pair.title)
    if not pair.labels:
        return kept
    some = rng.permutation(len(pair.labels))[: rng.integers(1, MOST_LABELS + 1)]
    labels = [word for place in some for word in pair.labels[place]]
    draw = rng.random()
    if not kept or draw < recipe.labels_alone:
        return labels
    return [*kept, *labels] if draw < recipe.labels_alone + recipe.labels_added else kept
