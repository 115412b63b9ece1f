"""CLIP's tokenizer: a text to the numbers its text network takes.

The byte-pair encoding of open_clip's `SimpleTokenizer` (after openai/CLIP, MIT), number for number, with the vocabulary
that comes with open_clip; written anew because open_clip's own loads torch. The algorithm: R. Sennrich, B. Haddow and
A. Birch, "Neural machine translation of rare words with subword units" (arXiv:1508.07909). Needs the extra `clip`.
"""

from __future__ import annotations

import gzip
import html
import string
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encoders.clip_graphs import require_open_clip
from search.errors import SetupError

VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"

_START, _END = "<start_of_text>", "<end_of_text>"
_MERGES = 49_152 - 256 - 2
_WORDS = rf"{_START}|{_END}|'s|'t|'re|'ve|'m|'ll|'d|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+"


class ClipTokens:
    """The tokenizer of one model. Holds no state that changes: safe from any thread.

    Args:
        vocabulary: open_clip's file of merges.
        context_length: tokens of a text; what is longer is cut off.
        clean: `lower`, `whitespace` or `canonicalize`, as open_clip calls them.
    """

    def __init__(self, *, vocabulary: Path, context_length: int, clean: str) -> None:
        import ftfy
        import regex

        lines = gzip.decompress(vocabulary.read_bytes()).decode("utf-8").split("\n")
        merges = [tuple(line.split()) for line in lines[1 : _MERGES + 1]]
        letters = list(_name_bytes().values())
        words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(merge) for merge in merges)]
        self._numbers = {word: number for number, word in enumerate((*words, _START, _END))}
        self._ranks = {merge: rank for rank, merge in enumerate(merges)}
        self._bytes = _name_bytes()
        self._words: Any = regex.compile(_WORDS, regex.IGNORECASE)
        self._fix = ftfy.fix_text
        self._clean = clean
        self._length = context_length

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of each text's tokens between those of start and end, then zeros: (texts, context length)."""
        tokens = np.zeros((len(texts), self._length), np.int64)
        for row, text in enumerate(texts):
            inside = self._number_text(text)[: self._length - 2]
            numbers = [self._numbers[_START], *inside, self._numbers[_END]]
            tokens[row, : len(numbers)] = numbers
        return tokens

    def _number_text(self, text: str) -> list[int]:
        numbers: list[int] = []
        for word in self._words.findall(clean_text(self._fix(text), self._clean)):
            if word in (_START, _END):
                numbers.append(self._numbers[word])
                continue
            spelt = "".join(self._bytes[byte] for byte in word.encode("utf-8"))
            numbers += [self._numbers[part] for part in self._merge(spelt)]
            if len(numbers) >= self._length:  # the rest would be cut off
                break
        return numbers

    def _merge(self, word: str) -> list[str]:
        """A word in the parts of the vocabulary: the pair that was merged first in training is merged first."""
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            pair = min(pairwise(parts), key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if pair not in self._ranks:
                break
            merged: list[str] = []
            place = 0
            while place < len(parts):
                if tuple(parts[place : place + 2]) == pair:
                    merged.append("".join(pair))
                    place += 2
                else:
                    merged.append(parts[place])
                    place += 1
            parts = merged
        return parts


def open_tokens(*, context_length: int, clean: str) -> ClipTokens:
    """The tokenizer of a model.

    Raises:
        SetupError: with code `extra_missing`, or a way of cleaning that is not known.
    """
    if clean not in ("lower", "whitespace", "canonicalize"):
        raise SetupError(
            f"texts of this model are cleaned by {clean!r}, which is not known; choose another model",
            code="unsupported_encoder",
        )
    return ClipTokens(vocabulary=require_open_clip() / VOCABULARY, context_length=context_length, clean=clean)


def clean_text(text: str, clean: str) -> str:
    """A text whose encoding was mended already, without entities and with single spaces, as open_clip cleans it."""
    text = html.unescape(html.unescape(text)).strip()
    if clean == "canonicalize":
        text = text.replace("_", " ").translate(str.maketrans("", "", string.punctuation))
    text = " ".join(text.split())
    return text if clean == "whitespace" else text.lower()


def _name_bytes() -> dict[int, str]:
    """A printable character for each byte: its own where it has one, else one from 256 on."""
    named = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in named]
    return {byte: chr(byte) for byte in named} | {byte: chr(256 + place) for place, byte in enumerate(others)}
