"""Conditions of `search.filters` in an engine's own filter classes.

The two engines say the same things in classes of different names; a `Dialect` has one method for each thing to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from search.filters import AnyOf, Between, Filter, NoneOf, Scalar
from search.stores.payload import ITEM_ID, PRIMARY, YES, attribute_path

C = TypeVar("C")


class Dialect(Protocol[C]):
    """An engine's way to write conditions of its type C."""

    def match_any(self, path: str, values: Sequence[str] | Sequence[int]) -> C: ...

    def within(self, path: str, bounds: Between) -> C: ...

    def combine(self, *, must: Sequence[C] = (), should: Sequence[C] = (), must_not: Sequence[C] = ()) -> C: ...


def translate(conditions: Filter, dialect: Dialect[C], *, primary_only: bool, without: Sequence[str] = ()) -> C | None:
    """The conditions as one filter of the engine; None where there is nothing to filter.

    Args:
        primary_only: main photos only, so that every item counts once.
        without: ids of items that do not match.
    """
    must: list[C] = [dialect.match_any(PRIMARY, [YES])] if primary_only else []
    must_not: list[C] = [dialect.match_any(ITEM_ID, list(without))] if without else []
    for condition in conditions:
        path = attribute_path(condition.attribute)
        if isinstance(condition, AnyOf):
            must.append(_equals(path, condition.attribute, condition.values, dialect))
        elif isinstance(condition, NoneOf):
            must_not.append(_equals(path, condition.attribute, condition.values, dialect))
        else:
            must.append(dialect.within(path, condition))
    return dialect.combine(must=must, must_not=must_not) if must or must_not else None


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
