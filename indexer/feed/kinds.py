"""The kind of an attribute nobody has declared, told from its first values.

Works with cells. Knows nothing of canonical attributes, whose kinds are known (`search/attributes.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from search.attributes import AttributeKind

_MAX_WORD = 80
_FEW = 50
# Leading zeros make a number a code ("007"), and a code keeps them.
_INTEGER = re.compile(r"^[+-]?(?:0|[1-9]\d{0,14})$", re.ASCII)
_NUMBER = re.compile(r"^[+-]?(?:0|[1-9]\d{0,14})?(?:\.\d+)?(?:[eE][+-]?\d{1,2})?$", re.ASCII)


def sniff_kind(cells: Sequence[object]) -> AttributeKind:
    """INTEGER or NUMBER where every value is one; KEYWORD where all are short and few differ; else TEXT.

    Few: at most 50 different ones, or half as many as there are values. Short: up to 80 characters, and no link.
    """
    values: list[object] = []
    listed = False
    for cell in cells:
        if isinstance(cell, (list, tuple)):
            values.extend(cell)
            listed = True
        elif cell is not None and not (isinstance(cell, str) and not cell.strip()):
            values.append(cell)
    if not values or any(isinstance(value, (dict, list, tuple)) for value in values):
        return AttributeKind.TEXT
    if not listed and all(_is_integer(value) for value in values):
        return AttributeKind.INTEGER
    if not listed and all(_is_number(value) for value in values):
        return AttributeKind.NUMBER
    words = [value.strip() if isinstance(value, str) else str(value)[:100] for value in values]
    if any(len(word) > _MAX_WORD or "://" in word for word in words):
        return AttributeKind.TEXT
    different = len(set(words))
    return AttributeKind.KEYWORD if different <= max(_FEW, len(words) // 2) else AttributeKind.TEXT


def _is_integer(value: object) -> bool:
    if isinstance(value, str):
        return _INTEGER.match(value.strip()) is not None
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        text = value.strip()
        return _NUMBER.match(text) is not None and any(letter.isdigit() for letter in text)
    return isinstance(value, (float, Decimal)) or _is_integer(value)
