"""The words a text tower knows, and a text as it takes it: a row of words, and a bag of words and their pieces.

Learnt from the texts it is trained on. Every word counts by its runs of three and four letters too, so that "tshirts"
is near "t-shirt", and a word outside or misspelt is not lost. Works with text. Knows nothing of networks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

CONTEXT = 16
"""Words of a text that its order counts for, with the mark of its end."""

PIECE_LENGTHS = (3, 4)
"""Letters in a piece of a word, its edges among them."""

MIN_COUNT = 2
"""Texts that a word, a pair of neighbours or a piece has to be in to be learnt."""

MAX_WORDS = 20_000
"""Words that are learnt at most, and pairs, and pieces: the commonest."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Words, pairs of neighbouring words, and pieces of words, in the order of their numbers."""

    words: tuple[str, ...]
    pairs: tuple[str, ...]
    pieces: tuple[str, ...]
    _places: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = (*self.words, *self.pairs, *self.pieces)
        self._places.update({name: place for place, name in enumerate(names, start=1)})

    @property
    def token_count(self) -> int:
        """Numbers in a row: one for nothing, the words, and one for the end."""
        return len(self.words) + 2

    @property
    def part_count(self) -> int:
        """Numbers in a bag: one for nothing, words, pairs and pieces."""
        return len(self._places) + 1

    def encode_rows(self, texts: Iterable[Sequence[str]]) -> NDArray[np.int64]:
        """Known words in their order, 1 and up, then the end; zeros after it: shape (texts, CONTEXT)."""
        rows = []
        for words in texts:
            known = [self._places[word] for word in words if word in self._places][: CONTEXT - 1]
            rows.append([*known, self.token_count - 1] + [0] * (CONTEXT - 1 - len(known)))
        return np.array(rows, np.int64).reshape(-1, CONTEXT)

    def encode_bags(self, texts: Iterable[Sequence[str]]) -> NDArray[np.int64]:
        """Numbers of every known word, pair and piece, as often as a text has it; zeros after them.

        Shape (texts, parts of the longest text, 1 or more).
        """
        bags = [
            [place for name in _list_parts(words) if (place := self._places.get(name)) is not None] for words in texts
        ]
        encoded = np.zeros((len(bags), max((len(bag) for bag in bags), default=0) or 1), np.int64)
        for row, bag in zip(encoded, bags, strict=True):
            row[: len(bag)] = bag
        return encoded


def learn_vocabulary(texts: Iterable[Sequence[str]]) -> Vocabulary:
    """The words, pairs and pieces of some texts that are in more than one of them, the commonest first."""
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    for text in texts:
        words.update(set(text))
        pairs.update(set(_pair(text)))
        pieces.update({piece for word in text for piece in _cut_pieces(word)})
    return Vocabulary(words=_keep_common(words), pairs=_keep_common(pairs), pieces=_keep_common(pieces))


def split_words(text: str) -> list[str]:
    """A text's words: lower case, without accents, plurals as their singular (the s of English)."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [_cut_plural(word) for word in _WORD.findall(plain)]


def _cut_plural(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _pair(words: Sequence[str]) -> list[str]:
    return [f"{one} {other}" for one, other in pairwise(words)]


def _cut_pieces(word: str) -> list[str]:
    """Runs of letters with the word's edges; a mark before them tells them from words."""
    whole = f"<{word}>"
    return [f"#{whole[at : at + length]}" for length in PIECE_LENGTHS for at in range(len(whole) - length + 1)]


def _list_parts(words: Sequence[str]) -> list[str]:
    return [*words, *_pair(words), *(piece for word in words for piece in _cut_pieces(word))]


def _keep_common(counts: Counter[str]) -> tuple[str, ...]:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, count in ranked[:MAX_WORDS] if count >= MIN_COUNT)
