"""Examples turned into what a store is asked: one weighted vector in each space, and words.

Everything asked about adds up, as a photo's score is linear in the vectors of the examples: near to the positive ones
and far from the negative ones is one vector (Rocchio 1971), so a query of any number of examples costs what one does.
Works with a store and a manifest. Knows nothing of ranking.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.bm25 import WORDS, Words, encode_question
from search.embedding import Embeddings, Vector
from search.errors import NotFoundError, QueryError
from search.manifest import Manifest
from search.query import (
    MAX_EXAMPLES,
    MAX_TEXT_LENGTH,
    MAX_WEIGHT,
    ColorExample,
    Example,
    ItemExample,
    Note,
    Query,
    TextExample,
)
from search.store import Leg, Store

WORDS_WEIGHT = 0.5
"""How much the order by words counts beside the order by embeddings, which has the rest, where a query does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a store is asked.

    Attributes:
        legs: one for each space; empty where only words are asked for, or nothing.
        words: of all positive texts; None without any, or where they count nothing.
        words_weight: share of the order by words, 0 to 1.
        without: ids of items that are not to be found.
        notes: what the asker should know.
    """

    legs: tuple[Leg, ...] = ()
    words: Words | None = None
    words_weight: float = 0.0
    without: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def choose_weights(asked: Mapping[str, float], manifest: Manifest) -> Mapping[str, float]:
    """How much each space counts, summing to 1; the catalogue's own weights where none are asked for.

    Raises:
        QueryError: a space the catalogue does not have, or weights that are not finite, positive numbers.
    """
    known = [space.name for space in manifest.spaces]
    for name, weight in asked.items():
        if name not in (*known, WORDS):
            raise QueryError(
                f"this catalogue has no space {name!r}; it has {', '.join(known)}, and {WORDS!r} for texts",
                code="unknown_space",
                pointer=f"/weights/{name}",
            )
        if not math.isfinite(weight) or not 0 <= weight <= MAX_WEIGHT:
            raise QueryError(
                f"the weight of {name!r} is {weight}; it is 0 to {MAX_WEIGHT:g}", pointer=f"/weights/{name}"
            )
    spaces = {name: weight for name, weight in asked.items() if name != WORDS} or manifest.weights
    chosen = {name: weight for name, weight in spaces.items() if weight > 0}
    total = sum(chosen.values())
    if not total:
        raise QueryError("every weight is zero: nothing would be compared", pointer="/weights")
    return {name: weight / total for name, weight in chosen.items()}


def choose_words_weight(asked: Mapping[str, float]) -> float:
    """The share of the order by words, 0 to 1: as asked for beside the spaces' weights, which are 1 where left out."""
    if WORDS not in asked:
        return WORDS_WEIGHT
    spaces = sum(weight for name, weight in asked.items() if name != WORDS)
    return asked[WORDS] / (asked[WORDS] + (spaces or 1.0))


def seek(query: Query, weights: Mapping[str, float], store: Store) -> Sought:
    """What a query asks of the store.

    Args:
        weights: of the spaces, as `choose_weights` gives them.

    Raises:
        QueryError: too many examples, weights that are not finite or all zero, words that say nothing, or no
            embedding in any space that counts.
        NotFoundError: an item to be like or unlike is not there.
    """
    _check_examples(query.examples)
    if not query.examples:
        return Sought()
    vectors, missing = _read_vectors(query.examples, weights, store)
    legs = _add_up(query.examples, vectors, weights)
    words = _join_words(query.examples)
    share = choose_words_weight(query.weights) if words else 0.0
    asked = tuple(example.item_id for example in query.examples if isinstance(example, ItemExample))
    if not legs and not (words and share):
        raise _refuse_empty(query.examples, weights)
    return Sought(
        legs=legs,
        words=words if share else None,
        words_weight=share if legs else 1.0,
        without=tuple(dict.fromkeys(asked)),
        notes=tuple(missing),
    )


def _check_examples(examples: Sequence[Example]) -> None:
    if len(examples) > MAX_EXAMPLES:
        raise QueryError(f"{len(examples)} examples are given; a query has at most {MAX_EXAMPLES}", pointer="/examples")
    for place, example in enumerate(examples):
        if not math.isfinite(example.weight) or abs(example.weight) > MAX_WEIGHT:
            raise QueryError(
                f"the weight of an example is {example.weight}; it is -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}",
                pointer=f"/examples/{place}/weight",
            )
        if isinstance(example, TextExample) and not 1 <= len(example.text.strip()) <= MAX_TEXT_LENGTH:
            raise QueryError(
                f"a text has {len(example.text.strip())} characters; it has 1 to {MAX_TEXT_LENGTH}",
                pointer=f"/examples/{place}/text",
            )
    if examples and not any(example.weight for example in examples):
        raise QueryError("the weight of every example is zero: nothing would be compared", pointer="/examples")


def _read_vectors(
    examples: Sequence[Example], weights: Mapping[str, float], store: Store
) -> tuple[list[Embeddings], list[Note]]:
    """The embeddings of each example: an item's from the store, in one question; the others bring theirs."""
    ids = [example.item_id for example in examples if isinstance(example, ItemExample)]
    found = store.read_items(list(dict.fromkeys(ids)), spaces=list(weights)) if ids else {}
    for item_id in ids:
        if item_id not in found:
            raise NotFoundError(f"there is no item {item_id!r} in this catalogue", code="item_not_found")
    vectors = [found[e.item_id].vectors if isinstance(e, ItemExample) else e.embeddings for e in examples]
    return vectors, _note_missing(examples, vectors, weights)


def _note_missing(
    examples: Sequence[Example], vectors: Sequence[Embeddings], weights: Mapping[str, float]
) -> list[Note]:
    pictures = [v for e, v in zip(examples, vectors, strict=True) if not isinstance(e, (TextExample, ColorExample))]
    names = [name for name in weights if any(name not in there for there in pictures)]
    notes = [
        Note(
            code="no_embedding",
            message=f"not everything asked about has an embedding in {name!r} yet; its weight goes to the other spaces",
        )
        for name in names
    ]
    texts = [(e, v) for e, v in zip(examples, vectors, strict=True) if isinstance(e, TextExample)]
    if any(not there for _, there in texts):
        notes.append(
            Note(
                code="no_text_encoder",
                message="texts are compared by their words alone, as this catalogue has no text encoder; "
                "'vitrine train text FEED' makes one",
            )
        )
    return notes


def _add_up(
    examples: Sequence[Example], vectors: Sequence[Embeddings], weights: Mapping[str, float]
) -> tuple[Leg, ...]:
    """One leg a space. The weights of the examples sum to 1 without their signs; an example that lacks a space leaves
    that space's weight to its others."""
    told = [(e, v) for e, v in zip(examples, vectors, strict=True) if e.weight and v]
    total = sum(abs(example.weight) for example, _ in told)
    sums: dict[str, Vector] = {}
    shares: dict[str, float] = dict(weights)
    pictures = [set(v) & set(weights) for e, v in told if not _brings_scale(e)]
    if not pictures:
        shares = {}  # a text or a colour alone: its parts are what it scores
    alike = len({frozenset(there) for there in pictures}) == 1
    if alike:  # the spaces' weights say it all, and a leg's vector stays the mean of the examples'
        present = sum(weights[name] for name in pictures[0])
        shares = {name: weights[name] / present for name in weights if name in pictures[0]} if present else {}
    for example, there in told:
        factor = example.weight / total
        if _brings_scale(example):
            for name, vector in there.items():
                _add(sums, name, np.float32(factor / shares.get(name, 1.0)) * vector)
            continue
        present = sum(weights.get(name, 0.0) for name in there)
        for name in there.keys() & weights.keys():
            _add(sums, name, np.float32(factor if alike else factor / present) * there[name])
    names = [name for name in dict.fromkeys((*weights, *sums)) if name in sums]
    return tuple(Leg(space=name, vector=sums[name], weight=shares.get(name, 1.0)) for name in names)


def _brings_scale(example: Example) -> bool:
    """Whether an example's vectors are weighted already: a text's are, a colour's only space takes all the weight."""
    return isinstance(example, (TextExample, ColorExample))


def _add(sums: dict[str, Vector], name: str, vector: Vector) -> None:
    sums[name] = sums[name] + vector if name in sums else vector


def _join_words(examples: Sequence[Example]) -> Words | None:
    """The words of all positive texts; BM25 knows no words that speak against an item."""
    texts = [example.text for example in examples if isinstance(example, TextExample) and example.weight > 0]
    return (encode_question("\n".join(texts)) or None) if texts else None


def _refuse_empty(examples: Sequence[Example], weights: Mapping[str, float]) -> QueryError:
    if all(isinstance(example, TextExample) for example in examples):
        if any(example.weight < 0 for example in examples):
            return QueryError(
                "words that hits should be unlike need a text encoder; make one with 'vitrine train text FEED'",
                code="no_text_encoder",
                pointer="/examples",
            )
        return QueryError(
            "the text has no word to search for; say what the item is, such as 'red shoes'",
            code="empty_text",
            pointer="/examples",
        )
    return QueryError(
        f"what is asked about has no embedding in {', '.join(weights)}; weigh another space",
        code="no_embedding",
        pointer="/weights",
    )
