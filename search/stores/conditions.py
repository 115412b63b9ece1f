"""Conditions of `search.filters` in an engine's own filter classes.

The two engines say the same things in classes of different names; a `Dialect` has one method for each thing to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from search.filters import AnyOf, Between, Filter, NoneOf, Scalar, Source
from search.stores.payload import ITEM_ID, PRIMARY, YES, attribute_path, tag_path

C = TypeVar("C")


class Dialect(Protocol[C]):
    """An engine's way to write conditions of its type C."""

    def match_any(self, path: str, values: Sequence[str] | Sequence[int]) -> C: ...

    def within(self, path: str, bounds: Between) -> C: ...

    def is_empty(self, path: str) -> C: ...

    def combine(self, *, must: Sequence[C] = (), should: Sequence[C] = (), must_not: Sequence[C] = ()) -> C: ...


def translate(
    conditions: Filter,
    dialect: Dialect[C],
    *,
    primary_only: bool,
    without: Sequence[str] = (),
    empty: str | None = None,
) -> C | None:
    """The conditions as one filter of the engine; None where there is nothing to filter.

    Args:
        primary_only: main photos only, so that every item counts once.
        without: ids of items that do not match.
        empty: an attribute that the merchant gave no value of.
    """
    must: list[C] = [dialect.match_any(PRIMARY, [YES])] if primary_only else []
    must_not: list[C] = [dialect.match_any(ITEM_ID, list(without))] if without else []
    if empty is not None:
        must.append(dialect.is_empty(attribute_path(empty)))
    for condition in conditions:
        if isinstance(condition, AnyOf):
            must.append(_match(condition, dialect))
        elif isinstance(condition, NoneOf):
            must_not.append(_match(condition, dialect))
        else:
            must.append(dialect.within(attribute_path(condition.attribute), condition))
    return dialect.combine(must=must, must_not=must_not) if must or must_not else None


def _match(condition: AnyOf | NoneOf, dialect: Dialect[C]) -> C:
    """One of the condition's values, wherever its source has them. Labels are words, those of whole numbers too."""
    path = attribute_path(condition.attribute)
    merchant = _equals(path, condition.attribute, condition.values, dialect)
    if condition.source is Source.MERCHANT:
        return merchant
    tagged = dialect.match_any(tag_path(condition.attribute), [str(value) for value in condition.values])
    if condition.source is Source.PREDICTED:
        return tagged
    return dialect.combine(should=[merchant, dialect.combine(must=[dialect.is_empty(path), tagged])])


def as_list(values: Sequence[str] | Sequence[int]) -> list[str] | list[int]:
    """The values as a list of one type, as the engines' classes want them."""
    return [str(v) for v in values] if isinstance(values[0], str) else [int(v) for v in values]


def _equals(path: str, attribute: str, values: Sequence[Scalar], dialect: Dialect[C]) -> C:
    """One of several values. The engines match words and whole numbers; another number is a range of one point."""
    words = [value for value in values if isinstance(value, str)]
    whole = [value for value in values if isinstance(value, int)]
    parts: list[C] = []
    if words:
        parts.append(dialect.match_any(path, words))
    if whole:
        parts.append(dialect.match_any(path, whole))
    broken = [value for value in values if isinstance(value, float)]
    parts.extend(dialect.within(path, Between(attribute=attribute, gte=value, lte=value)) for value in broken)
    return parts[0] if len(parts) == 1 else dialect.combine(should=parts)
