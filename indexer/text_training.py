"""What a catalogue's text tower is trained on, and how good one is on items it has not seen.

Joins a feed's titles and attributes to the vectors in the store. Knows nothing of networks beyond `classifier.text`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.data.splitting import assign_splits
from classifier.text.training import Pair, TextRecipe, TrainedTowers, train_towers
from classifier.text.vocabulary import split_words
from indexer.grouping import SPLIT, name_group, read_split
from search.attributes import AttributeKind
from search.catalogue import Catalogue
from search.embedding import Space
from search.errors import QueryError
from search.item import Item
from search.manifest import Manifest

FEWEST_PAIRS = 50
MAX_PAIRS = 100_000
"""Items a tower learns from; more take memory and teach little."""

MOST_VALUES = 500
"""Values of an attribute that are learnt as words; one with more has names in it, ids or addresses."""

_BATCH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPairs:
    """Photos and what they are called, row by row.

    Attributes:
        splits: `train`, `val` or `test` of each.
        vectors: the spaces' unit vectors one after the other, shape (n, dimension); zeros in one a photo has none in.
    """

    items: Sequence[str]
    splits: Sequence[str]
    pairs: Sequence[Pair]
    vectors: NDArray[np.float32]
    spaces: tuple[Space, ...]

    def list_rows(self, split: str) -> NDArray[np.int64]:
        """Numbers of the rows in one split."""
        return np.flatnonzero(np.array(self.splits) == split)


def gather_pairs(catalogue: Catalogue, items: Iterable[Item]) -> TextPairs:
    """The feed's items that are in the catalogue, with the vectors of their main photos.

    Raises:
        QueryError: `too_few_items`.
    """
    manifest = catalogue.manifest
    rows = {item.id: item for item in items}
    names = choose_attributes(list(rows.values()), manifest)
    found: list[tuple[Item, str, NDArray[np.float32]]] = []
    ids = list(rows)
    for start in range(0, len(ids), _BATCH):
        points = catalogue.store.read_items(ids[start : start + _BATCH], spaces=[s.name for s in manifest.spaces])
        for item_id, point in points.items():
            parts = [point.vectors.get(space.name, np.zeros(space.dimension, np.float32)) for space in manifest.spaces]
            if list_titles(rows[item_id]) and len(found) < MAX_PAIRS:
                found.append((rows[item_id], point.photo.sha256, np.concatenate(parts)))
    if len(found) < FEWEST_PAIRS:
        raise QueryError(
            f"{len(found)} items of this feed have a title and are in the catalogue; a text tower needs "
            f"{FEWEST_PAIRS} or more: index the feed first with 'vitrine index FEED'",
            code="too_few_items",
        )
    chosen = [item for item, _, _ in found]
    return TextPairs(
        items=[item.id for item in chosen],
        splits=assign_splits(
            [name_group(item) for item in chosen], [sha for _, sha, _ in found], [read_split(item) for item in chosen]
        ),
        pairs=[make_pair(item, names) for item in chosen],
        vectors=np.stack([vector for _, _, vector in found]).astype(np.float32, copy=False),
        spaces=manifest.spaces,
    )


def choose_attributes(items: Sequence[Item], manifest: Manifest) -> list[str]:
    """Keyword attributes whose values are words: not too many of them, and no part of the data."""
    names = []
    for name, kind in manifest.attributes.items():
        values = {value for item in items for value in _list_words(item, name)}
        if kind is AttributeKind.KEYWORD and name not in (SPLIT, "item_group_id") and 1 < len(values) <= MOST_VALUES:
            names.append(name)
    return names


def make_pair(item: Item, names: Sequence[str]) -> Pair:
    """What the item's main photo is called."""
    labels = [split_words(value) for name in names for value in _list_words(item, name)]
    title = [word for text in list_titles(item) for word in split_words(text)]
    return Pair(title=tuple(title), labels=tuple(tuple(label) for label in labels if label))


def list_titles(item: Item) -> list[str]:
    """The item's title; nothing where it has none."""
    title = item.attributes.get("title")
    return [title] if isinstance(title, str) and title.strip() else []


def train_on_pairs(
    data: TextPairs, recipe: TextRecipe, *, seed: int, progress: Callable[[float], None] = lambda _share: None
) -> TrainedTowers:
    """Towers trained on the rows of `train`.

    Raises:
        QueryError: `too_few_items`.
    """
    rows = data.list_rows("train")
    if len(rows) < FEWEST_PAIRS:
        raise QueryError(f"only {len(rows)} items to train on; {FEWEST_PAIRS} are needed", code="too_few_items")
    blocks = [space.dimension for space in data.spaces]
    return train_towers([data.pairs[r] for r in rows], data.vectors[rows], blocks, recipe, seed=seed, progress=progress)


def measure_titles(
    titles: NDArray[np.float32], vectors: NDArray[np.float32], depths: Sequence[int] = (1, 5, 10)
) -> dict[str, float]:
    """How often a title finds its own photo among all of them: R@1, R@5, R@10, and the mean reciprocal rank.

    A photo that scores as the own one does is counted before it, so a tower that tells nothing apart scores nothing.

    Args:
        titles: folded texts, row by row with the photos, shape (n, dimension).
    """
    scores = titles @ vectors.T
    own = np.diag(scores)[:, None]
    ranks = (scores >= own).sum(axis=1)
    recalls = {f"r@{depth}": float((ranks <= depth).mean()) for depth in depths}
    return {**recalls, "mrr": float((1 / ranks).mean())}


def choose_factor(titles: NDArray[np.float32], data: TextPairs, weights: Mapping[str, float]) -> float:
    """What text vectors are multiplied with, so that a text's scores spread over the catalogue as a photo's do.

    Then half the weight for a photo and half for a text means that both have a say.

    Args:
        titles: folded texts of the validation rows.
        weights: of the spaces in the default fusion.
    """
    rows = data.list_rows("val")
    sizes = [space.dimension for space in data.spaces]
    scale = np.concatenate([np.full(n, weights.get(s.name, 0.0)) for s, n in zip(data.spaces, sizes, strict=True)])
    photos = data.vectors[rows]
    of_photos = ((photos * scale.astype(np.float32)) @ photos.T).std(axis=1).mean()
    of_texts = (titles @ photos.T).std(axis=1).mean()
    return float(of_photos / of_texts) if of_texts > 0 else 1.0


def _list_words(item: Item, name: str) -> list[str]:
    value = item.attributes.get(name)
    values = value if isinstance(value, tuple) else (value,)
    return [each for each in values if isinstance(each, str) and each.strip()]


def measure_phrases(
    embed: Callable[[str], NDArray[np.float32]],
    values: Sequence[tuple[str, ...]],
    vectors: NDArray[np.float32],
    *,
    fewest: int = 5,
    depth: int = 10,
) -> dict[str, float]:
    """How right the first hits are for every phrase of some attributes' values, such as "Red Shirts".

    Args:
        embed: from a phrase to its vector in the stored spaces.
        values: of each photo; a photo is relevant to a phrase where it has just these.
        fewest: relevant photos a phrase has to have to be asked.
        depth: hits that count for P@k.
    """
    counts = Counter(values)
    phrases = sorted(phrase for phrase, count in counts.items() if count >= fewest and all(phrase))
    right = np.zeros((len(phrases), 2))
    for row, phrase in enumerate(phrases):
        order = np.argsort(-(vectors @ embed(" ".join(phrase))), kind="stable")[:depth]
        relevant = np.array([values[place] == phrase for place in order])
        right[row] = relevant[0], relevant.mean()
    if not phrases:
        return {"phrases": 0}
    return {"phrases": len(phrases), "p@1": float(right[:, 0].mean()), f"p@{depth}": float(right[:, 1].mean())}
