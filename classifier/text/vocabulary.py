"""The words a text tower knows, and a text as it takes it: a row of words, and a bag of them.

Learnt from the texts it is trained on. A word outside counts by its triples of letters, so that "tshirts" is near
"t-shirt" and a misspelt word is not lost. Works with text. Knows nothing of networks.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

CONTEXT = 16
"""Words of a text that its order counts for, with the mark of its end."""

TRIPLES = 1_024
"""Buckets that triples of letters are hashed into."""

MIN_COUNT = 2
"""Texts that a word, or a pair of neighbours, has to be in to be learnt."""

MAX_WORDS = 20_000

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Words and pairs of neighbouring words, in the order of their numbers."""

    words: tuple[str, ...]
    pairs: tuple[str, ...]
    _places: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._places.update({name: place for place, name in enumerate((*self.words, *self.pairs))})

    @property
    def token_count(self) -> int:
        """Numbers in a row: one for nothing, the words, and one for the end."""
        return len(self.words) + 2

    @property
    def bag_size(self) -> int:
        """Numbers in a bag: words, pairs, and buckets of triples."""
        return len(self.words) + len(self.pairs) + TRIPLES

    def encode_rows(self, texts: Iterable[Sequence[str]]) -> NDArray[np.int64]:
        """Known words in their order, 1 and up, then the end; zeros after it: shape (texts, CONTEXT)."""
        rows = []
        for words in texts:
            known = [self._places[word] + 1 for word in words if self._places.get(word, -1) >= 0][: CONTEXT - 1]
            rows.append([*known, self.token_count - 1] + [0] * (CONTEXT - 1 - len(known)))
        return np.array(rows, np.int64).reshape(-1, CONTEXT)

    def encode_bags(self, texts: Iterable[Sequence[str]]) -> NDArray[np.float32]:
        """How often each word, pair and triple is in a text: shape (texts, bag_size). Triples of a word share a one."""
        texts = list(texts)
        bags = np.zeros((len(texts), self.bag_size), np.float32)
        first = len(self.words) + len(self.pairs)
        for bag, words in zip(bags, texts, strict=True):
            for name in (*words, *_pair(words)):
                if (place := self._places.get(name)) is not None:
                    bag[place] += 1
            for word in words:
                triples = _list_triples(word)
                for triple in triples:
                    bag[first + zlib.crc32(triple.encode()) % TRIPLES] += 1 / len(triples)
        return bags


def learn_vocabulary(texts: Iterable[Sequence[str]]) -> Vocabulary:
    """The words and pairs of some texts that are in more than one of them, the commonest first."""
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in texts:
        words.update(set(text))
        pairs.update(set(_pair(text)))
    return Vocabulary(words=_keep_common(words), pairs=_keep_common(pairs))


def split_words(text: str) -> list[str]:
    """A text's words: lower case, without accents, plurals as their singular (the s of English)."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [_cut_plural(word) for word in _WORD.findall(plain)]


def _cut_plural(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _pair(words: Sequence[str]) -> list[str]:
    return [f"{one} {other}" for one, other in pairwise(words)]


def _list_triples(word: str) -> list[str]:
    padded = f"<{word}>"
    return [padded[start : start + 3] for start in range(len(padded) - 2)] or [padded]


def _keep_common(counts: Counter[str]) -> tuple[str, ...]:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, count in ranked[:MAX_WORDS] if count >= MIN_COUNT)
