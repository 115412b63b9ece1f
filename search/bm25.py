"""Words as sparse vectors, for ranking by BM25 (Robertson and Zaragoza, 2009).

A document's vector holds its words' saturated frequencies, a query's a one for each word; the stores multiply by the
inverse document frequency as it is at the time of the question. Works with text; the engine's own tokeniser and English
stemmer do the rest. Knows nothing of items or stores.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

WORDS = "words"
"""Name of the sparse vector, of its part in a hit's score and of its weight in a query; no space can be called so."""

TYPICAL_LENGTH = 16
"""Words of a product's title and attributes, about; BM25 counts a word less in a longer text."""

_NOTHING = 0  # a word that no query has: what has no words at all still gets a vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sparse vector: hashes of stemmed words, and a weight for each; same length, no hash twice."""

    indices: tuple[int, ...]
    values: tuple[float, ...]

    def __bool__(self) -> bool:
        return bool(self.indices)


def encode_document(text: str) -> Words:
    """What is stored of an item's text; never empty."""
    words = _open_model().embed_document(text)
    return _to_words(words) or Words(indices=(_NOTHING,), values=(1.0,))


def encode_question(text: str) -> Words:
    """What is asked of the store; empty where the text has no words but "the", "of" and their like."""
    return _to_words(_open_model().embed_query(text))


def _to_words(vector: Any) -> Words:
    pairs = sorted(zip(vector.indices, vector.values, strict=True))
    return Words(indices=tuple(int(i) for i, _ in pairs), values=tuple(float(v) for _, v in pairs))


@cache
def _open_model() -> Any:
    import qdrant_edge

    config = qdrant_edge.Bm25Config(language="english", ascii_folding=True, avg_len=float(TYPICAL_LENGTH))
    return qdrant_edge.Bm25(config)
