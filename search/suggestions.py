"""Filters that the words of a query name: "red shoes for women" offers color=Red and gender=Women.

Shown, never forced: a word can be a colour and a brand. Words are compared as BM25 compares them, by their stems. Works
with a store and a manifest. Knows nothing of ranking.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search.attributes import AttributeKind
from search.bm25 import encode_question
from search.facets import choose_source
from search.filters import Source
from search.manifest import Manifest
from search.store import Store

MAX_VALUES = 2_000
"""Values of an attribute that are looked through, those of most items; an attribute with more has names, not words."""

MAX_OFFERED = 5
"""Values offered of an attribute that none of the words names whole."""

KEPT_S = 60.0
"""Seconds until the values are read from the store again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Values of an attribute that a filter could ask for, those of most items first.

    Attributes:
        whole: whether the query has all the words of the values; else one of them, as "shoes" has of "Casual Shoes".
    """

    attribute: str
    values: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    text: str
    words: frozenset[int]
    items: int


class Vocabulary:
    """The words of a catalogue's attributes, read when first asked for and again after a while. Thread-safe."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._values: dict[str, list[_Value]] = {}
        self._read_for = ""
        self._expires = 0.0

    def suggest_filters(self, text: str, manifest: Manifest) -> list[Suggestion]:
        """What the text's words could filter by: attributes in the order of the schema, whole values before others."""
        asked = frozenset(encode_question(text).indices)
        if not asked:
            return []
        whole, partial = [], []
        values = self._read_values(manifest)
        named: set[int] = set()
        for attribute, known in values.items():
            found = _keep_longest([value for value in known if value.words <= asked])
            if found:
                whole.append(Suggestion(attribute=attribute, values=tuple(v.text for v in found), whole=True))
                named.update(word for value in found for word in value.words)
        left = asked - named
        for attribute, known in values.items():
            found = [value for value in known if value.words & left][:MAX_OFFERED]
            if found:
                partial.append(Suggestion(attribute=attribute, values=tuple(v.text for v in found), whole=False))
        return [*whole, *partial]

    def _read_values(self, manifest: Manifest) -> dict[str, list[_Value]]:
        with self._lock:
            if self._read_for != manifest.name_state() or self._clock() >= self._expires:
                self._values = {
                    name: values
                    for name, kind in manifest.attributes.items()
                    if kind is AttributeKind.KEYWORD and (values := self._read_attribute(name, manifest))
                }
                self._read_for = manifest.name_state()
                self._expires = self._clock() + KEPT_S
            return self._values

    def _read_attribute(self, name: str, manifest: Manifest) -> list[_Value]:
        source = choose_source(name, Source.EITHER, manifest)
        counts = self._store.count_facet(name, (), limit=MAX_VALUES + 1, source=source)
        if len(counts) > MAX_VALUES:
            return []
        values = []
        for count in counts:
            words = frozenset(encode_question(str(count.value)).indices)
            if words:
                values.append(_Value(text=str(count.value), words=words, items=count.count))
        return values


def _keep_longest(values: Sequence[_Value]) -> list[_Value]:
    """Without those that are part of another one: "Navy Blue" is meant by both of its words."""
    return [value for value in values if not any(value.words < other.words for other in values)]
