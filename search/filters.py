"""Conditions on attributes: what they are, and how they are written on a command line and on the wire.

A filter is a tuple of conditions that must all hold. On an attribute with several values a condition holds when one
of the values does (`NoneOf`: when none does). A value comes from the merchant or was predicted from the photo; a
condition says which of them it is about. Knows nothing of any store's filter language.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from search.attributes import AttributeKind, AttributeSchema
from search.errors import QueryError

MAX_CONDITIONS = 64
MAX_VALUES = 256
MAX_VALUE_LENGTH = 1_000

Scalar = str | int | float


class Source(StrEnum):
    """Whose values an attribute has.

    MERCHANT: those of the feed.
    PREDICTED: those the classifier accepted.
    EITHER: the merchant's; the predicted ones where the merchant gave none.
    """

    MERCHANT = "merchant"
    PREDICTED = "predicted"
    EITHER = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """The attribute has one of these values."""

    attribute: str
    values: tuple[Scalar, ...]
    source: Source = Source.MERCHANT


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOf:
    """The attribute has none of these values; an item without the attribute matches."""

    attribute: str
    values: tuple[Scalar, ...]
    source: Source = Source.MERCHANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The attribute is a number within these bounds; a bound that is None does not bind."""

    source: ClassVar[Source] = Source.MERCHANT
    """Numbers are not predicted."""

    attribute: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


Condition = AnyOf | NoneOf | Between
Filter = tuple[Condition, ...]

_EXPRESSION = re.compile(r"^\s*(?P<name>.+?)\s*(?P<operator>!=|>=|<=|=|>|<)\s*(?P<value>.*?)\s*$", re.DOTALL)
_BOUNDS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


def parse_filter(
    expressions: Sequence[str],
    schema: AttributeSchema,
    *,
    source: Source = Source.EITHER,
    predicted: Set[str] = frozenset(),
) -> Filter:
    """Conditions from `color=Red`, `color=Red,Blue`, `brand!=Acme`, `price<50`, `year>=2011`.

    A comma separates values that are all wanted; a value that has a comma itself is written in double quotes. The
    arguments are those of `filter_from_wire`.

    Raises:
        QueryError: an expression that cannot be read, or an attribute or value the catalogue cannot have.
    """
    wire: dict[str, object] = {}
    for expression in expressions:
        match = _EXPRESSION.match(expression)
        if match is None:
            raise QueryError(f"filter {expression!r} is not of the form name=value, name!=value or name<value")
        name, operator, text = match["name"], match["operator"], match["value"]
        if operator == "=":
            spec: object = _split_values(text)
        elif operator == "!=":
            spec = {"not": _split_values(text)}
        else:
            spec = {_BOUNDS[operator]: _read_number(name, text, "/filter")}
        before = wire.get(name)
        if isinstance(before, dict) and isinstance(spec, dict):
            clash = before.keys() & spec.keys()
            if clash:
                raise QueryError(f"filter on {name!r} says {'/'.join(sorted(clash))!r} twice; say it once")
            spec = {**before, **spec}
        elif isinstance(before, list) and isinstance(spec, list):
            spec = before + spec
        elif before is not None:
            raise QueryError(f"filter on {name!r} is given both as values and as bounds; choose one of the two")
        wire[name] = spec
    return filter_from_wire(wire, schema, source=source, predicted=predicted)


def filter_from_wire(
    wire: Mapping[str, object],
    schema: AttributeSchema,
    *,
    source: Source = Source.EITHER,
    predicted: Set[str] = frozenset(),
) -> Filter:
    """Conditions from `{"color": ["Red", "Blue"], "price": {"gte": 10, "lt": 50}, "brand": {"not": ["x"]}}`.

    An attribute that says for itself whose values it is about is written `{"any": ["Red"], "source": "predicted"}`.

    Args:
        source: whose values the others are about.
        predicted: attributes with predictions; a condition on another one is about the merchant's values.

    Raises:
        QueryError: with a pointer to the attribute, where it is unknown, its value cannot be of its kind, or
            predictions are asked for that there are none of.
    """
    if len(wire) > MAX_CONDITIONS:
        raise QueryError(f"a filter has at most {MAX_CONDITIONS} attributes, this one {len(wire)}", pointer="/filter")
    conditions: list[Condition] = []
    for name, spec in wire.items():
        pointer = "/filter/" + name.replace("~", "~0").replace("/", "~1")
        kind = schema.get(name)
        if kind is None:
            known = ", ".join(sorted(n for n, k in schema.items() if k is not AttributeKind.TEXT))
            raise QueryError(
                f"this catalogue has no attribute {name!r}; it can be filtered by: {known}",
                code="unknown_attribute",
                pointer=pointer,
            )
        full = {"source": source, **spec} if isinstance(spec, Mapping) else {"source": source, "any": spec}
        conditions.extend(_read_conditions(name, kind, full, predicted, pointer))
    return tuple(conditions)


def filter_to_wire(conditions: Filter) -> dict[str, object]:
    """The inverse of `filter_from_wire` with the merchant as source, in a stable form.

    Two equal filters give equal objects, and two filters that ask different sources different ones.
    """
    specs: dict[str, dict[str, object]] = {}
    for condition in sorted(conditions, key=lambda c: (c.attribute, type(c).__name__)):
        spec = specs.setdefault(condition.attribute, {})
        if isinstance(condition, Between):
            spec.update({b: v for b in _BOUNDS.values() if (v := getattr(condition, b)) is not None})
            continue
        spec["any" if isinstance(condition, AnyOf) else "not"] = sorted(condition.values, key=repr)
        if condition.source is not Source.MERCHANT:
            spec["source"] = condition.source.value
    return {name: spec["any"] if spec.keys() == {"any"} else spec for name, spec in specs.items()}


def _choose_source(name: str, asked: object, predicted: Set[str], pointer: str) -> Source:
    if asked not in list(Source):
        raise QueryError(f"the source {asked!r} of {name!r} is none; it is {', '.join(Source)}", pointer=pointer)
    source = Source(str(asked))
    if name in predicted or source is Source.MERCHANT:
        return source
    if source is Source.PREDICTED:
        there = f"predicted are {', '.join(sorted(predicted))}" if predicted else "this catalogue has no predictions"
        raise QueryError(
            f"{name!r} is not predicted here ({there}); ask for it with source merchant or either",
            code="not_predicted",
            pointer=pointer,
        )
    return Source.MERCHANT


def _read_conditions(
    name: str, kind: AttributeKind, spec: Mapping[str, object], predicted: Set[str], pointer: str
) -> list[Condition]:
    unknown = spec.keys() - {"any", "not", "source", *_BOUNDS.values()}
    if unknown or spec.keys() == {"source"}:
        raise QueryError(
            f"filter on {name!r} has {sorted(unknown)!r}; a range is written with gt, gte, lt, lte, "
            "an exclusion with not, values that have a source of their own with any",
            pointer=pointer,
        )
    conditions: list[Condition] = []
    for key, condition in (("any", AnyOf), ("not", NoneOf)):
        if key in spec:
            values = _read_values(name, kind, spec[key], pointer)
            source = _choose_source(name, spec["source"], predicted, pointer)
            conditions.append(condition(attribute=name, values=values, source=source))
    bounds = {b: _read_number(name, spec[b], pointer) for b in _BOUNDS.values() if b in spec}
    if bounds and kind not in (AttributeKind.NUMBER, AttributeKind.INTEGER):
        raise QueryError(f"{name!r} is {kind.value}, not a number: it cannot be compared with < or >", pointer=pointer)
    if bounds:
        conditions.append(Between(attribute=name, **bounds))
    return conditions


def _read_values(name: str, kind: AttributeKind, spec: object, pointer: str) -> tuple[Scalar, ...]:
    values = list(spec) if isinstance(spec, (list, tuple)) else [spec]
    if not values or len(values) > MAX_VALUES:
        raise QueryError(f"filter on {name!r} has {len(values)} values; it takes 1 to {MAX_VALUES}", pointer=pointer)
    return tuple(dict.fromkeys(_read_value(name, kind, value, pointer) for value in values))


def _read_value(name: str, kind: AttributeKind, value: object, pointer: str) -> Scalar:
    if kind is AttributeKind.NUMBER:
        return _read_number(name, value, pointer)
    if kind is AttributeKind.INTEGER:
        number = _read_number(name, value, pointer)
        if not number.is_integer() or abs(number) >= 2**53:
            raise QueryError(f"{name!r} holds whole numbers; {value!r} is not one", pointer=pointer)
        return int(number)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise QueryError(f"filter on {name!r} takes words or numbers, not {type(value).__name__}", pointer=pointer)
    text = value if isinstance(value, str) else json.dumps(value)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise QueryError(f"{text!r} has half a surrogate pair, or bytes that are no UTF-8", pointer=pointer)
    if len(text) > MAX_VALUE_LENGTH:
        raise QueryError(f"a value of {name!r} is longer than {MAX_VALUE_LENGTH} characters", pointer=pointer)
    return text


def _read_number(name: str, value: object, pointer: str) -> float:
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise QueryError(f"filter on {name!r} needs a number, not {value!r}", pointer=pointer)
    return number


def _split_values(text: str) -> list[str]:
    quoted = re.findall(r'\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)', text)
    values = [whole.replace('""', '"') if whole else bare.strip() for whole, bare in quoted]
    return [value for value in values if value] or [text]
