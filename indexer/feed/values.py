"""Cells to attribute values, by the attribute's kind and, for a few, by its name.

Works with one cell at a time, text or whatever JSON and Parquet have. Knows nothing of rows or columns.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeVar

from indexer.feed.prices import parse_price
from search.attributes import AttributeKind
from search.item import AttributeValue

MAX_TEXT = 131_072
"""Characters of one value; the csv module's own limit, for every format."""

_MAX_INTEGER = 2**53
_REMEMBERED = 10_000


class ValueFault(Exception):  # noqa: N818 - not an error of the tree: it never leaves the package
    """A cell that is no value of its attribute; code and message as in `RowProblem`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


Value = TypeVar("Value")

Converter = Callable[[object], AttributeValue | None]
"""A cell to its value; None where the cell is empty. Raises `ValueFault`."""


def find_converter(name: str, kind: AttributeKind) -> Converter:
    """The converter of an attribute. It may remember values: make one for each column."""
    if kind is AttributeKind.INTEGER:
        return remember_values(to_integer)
    if kind is AttributeKind.NUMBER:
        return to_number
    if kind is AttributeKind.TEXT:
        return to_text
    return remember_values({"color": _to_colors, "availability": _to_availability}.get(name, to_keyword))


def show_value(value: object) -> str:
    """A value for a message: as Python writes it, cut to 80 characters."""
    text = repr(value[:100] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= 80 else text[:79] + "…"


def to_single(cell: object) -> str:
    """One cell as one text, "" where it is empty: ends stripped, NUL dropped, lone surrogates replaced by U+FFFD."""
    if type(cell) is str:
        if not cell.isascii() or "\0" in cell:
            cell = _mend_text(cell)
        text = cell.strip()
        if len(text) > MAX_TEXT:
            raise ValueFault("field_too_long", f"has {len(text):,} characters, a value at most {MAX_TEXT:,}; cut it")
        return text
    if cell is None:
        return ""
    return to_single(_write_scalar(cell))


def to_text(cell: object) -> AttributeValue | None:
    """Text; a list of several is a tuple of texts."""
    if type(cell) is list or type(cell) is tuple:
        texts = tuple(text for part in cell if (text := to_single(part)))
        return texts[0] if len(texts) == 1 else texts or None
    return to_single(cell) or None


def to_keyword(cell: object) -> AttributeValue | None:
    """A word, or a tuple of different words; spellings of true and false become `true` and `false`."""
    value = to_text(cell)
    if isinstance(value, tuple):
        return _unique([_fold_boolean(word) for word in value])
    return _fold_boolean(value) if isinstance(value, str) else value


def to_integer(cell: object) -> int | None:
    """A whole number below 2**53, which is what JSON carries without loss."""
    number = to_number(cell)
    if number is None:
        return None
    if not number.is_integer() or abs(number) >= _MAX_INTEGER:
        raise ValueFault("wrong_type", f"{show_value(cell)} is not a whole number below 2^53")
    return int(number)


def to_number(cell: object) -> float | None:
    """A finite number."""
    if isinstance(cell, str):
        cell = to_single(cell)
    if cell is None or cell == "":
        return None
    try:
        if isinstance(cell, str):
            number = math.nan if "_" in cell else float(cell)  # float() takes 1_000, which nobody means
        else:
            number = float(cell) if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueFault("wrong_type", f"{show_value(cell)} is not a finite number")
    return number


def to_price(cell: object) -> tuple[float | None, str | None]:
    """Price and currency code, each None where the cell does not tell."""
    price: float | None
    currency: str | None = None
    if not isinstance(cell, str):
        price = to_number(cell)
    elif text := to_single(cell):
        try:
            price, currency = parse_price(text)
        except ValueError as error:
            raise ValueFault("wrong_type", f"{show_value(text)} is not a price: {error}") from None
    else:
        return None, None
    if price is not None and price < 0:
        raise ValueFault("wrong_type", f"{show_value(cell)} is not a price: it is below zero")
    return price, currency


def to_links(cell: object) -> list[str]:
    """Several photo links: a list, or text separated by commas, semicolons or vertical bars."""
    if type(cell) is list or type(cell) is tuple:
        return [text for part in cell if (text := to_single(part))]
    text = to_single(cell)
    if text.startswith("[") and text.endswith("]"):  # a list some writer put into a CSV cell as JSON
        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            parts = None
        if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
            return to_links(parts)
    parts = text.replace(";", ",").replace("|", ",").split(",")
    return [part.strip() for part in parts if part.strip()]


def _to_colors(cell: object) -> AttributeValue | None:
    value = to_keyword(cell)
    words = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    return _unique([part.strip() for word in words for part in word.split("/") if part.strip()])


_AVAILABILITY: Mapping[str, str] = {
    "instock": "in_stock",
    "outofstock": "out_of_stock",
    "soldout": "out_of_stock",
    "preorder": "preorder",
    "backorder": "backorder",
}


def _to_availability(cell: object) -> AttributeValue | None:
    value = to_keyword(cell)
    if not isinstance(value, str):
        return value
    plain = "".join(letter for letter in value.rsplit("/", 1)[-1].casefold() if letter.isalpha())
    return _AVAILABILITY.get(plain, value)  # schema.org writes https://schema.org/InStock


def _unique(words: list[str]) -> AttributeValue | None:
    different = tuple(dict.fromkeys(words))
    return different[0] if len(different) == 1 else different or None


def _fold_boolean(word: str) -> str:
    folded = word.lower() if len(word) in (4, 5) else word
    return folded if folded in ("true", "false") else word


def _write_scalar(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (str, int, Decimal)):
        try:
            return str(cell)
        except ValueError:  # an int of thousands of digits
            raise ValueFault("wrong_type", "is a number of thousands of digits") from None
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise ValueFault("wrong_type", f"{cell!r} is not a value")
        return repr(cell)
    if isinstance(cell, (date, datetime, time)):
        return cell.isoformat()
    if isinstance(cell, (bytes, bytearray)):
        raise ValueFault("bad_encoding", f"{show_value(bytes(cell))} is not UTF-8")
    try:
        return json.dumps(cell, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        raise ValueFault("wrong_type", "is nested too deep") from None


def _mend_text(text: str) -> str:
    text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def remember_values(convert: Callable[[object], Value]) -> Callable[[object], Value]:
    """The converter, looking up texts it has seen: a column of keywords, years or prices has few."""
    seen: dict[str, Value] = {}

    def convert_once(cell: object) -> Value:
        # text only: as keys, 1 and True and 1.0 are the same
        if type(cell) is not str:
            return convert(cell)
        if cell in seen:
            return seen[cell]
        value = convert(cell)
        if len(seen) < _REMEMBERED and len(cell) <= 200:
            seen[cell] = value
        return value

    return convert_once
