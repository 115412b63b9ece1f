"""Cursors: where a result goes on, tied to the query it came from.

Works with text. A cursor says how far its query got and a digest of that query; given to another query it is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from search.errors import QueryError
from search.filters import filter_to_wire
from search.query import ColorExample, Example, ItemExample, PhotoExample, Query

_DIGEST_LENGTH = 16
_MAX_LENGTH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a query got: hits seen, or the point a scan goes on after."""

    offset: int = 0
    after: str | None = None


def digest_query(query: Query, weights: Mapping[str, float], generation: str) -> str:
    """Hex digits that differ when the hits or their order could differ; the page size does not count."""
    asked = [
        [_describe_example(example) for example in query.examples],
        sorted(weights.items()),
        sorted(query.weights.items()),
        filter_to_wire(query.conditions),
        [query.exact, query.diversity, query.collapse_duplicates, query.min_relevance, query.tolerance],
        [query.group_by, query.source if query.group_by else None],
        generation,
    ]
    text = json.dumps(asked, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]


def _describe_example(example: Example) -> list[object]:
    match example:
        case PhotoExample():
            box = example.region
            return ["photo", example.sha256, box and [box.x0, box.y0, box.x1, box.y1], example.weight]
        case ItemExample():
            return ["item", example.item_id, example.weight]
        case ColorExample():
            return ["color", example.colors, example.weight]
        case _:
            return ["text", example.text, example.weight]


def write_cursor(place: Place, digest: str) -> str:
    """The cursor as URL-safe text."""
    raw = json.dumps([digest, place.offset, place.after], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, digest: str) -> Place:
    """Where to go on; the start where there is no cursor.

    Raises:
        QueryError: it is not a cursor of ours, or belongs to another query.
    """
    if cursor is None:
        return Place()
    try:
        if len(cursor) > _MAX_LENGTH:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, offset, after = json.loads(raw)
        if type(offset) is not int or not 0 <= offset < 2**31 or not isinstance(after, (str, type(None))):
            raise ValueError("not a place")
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise QueryError(
            "the cursor is not one of ours; give back next_cursor of a result unchanged",
            code="invalid_cursor",
            pointer="/cursor",
        ) from error
    if made_for != digest:
        raise QueryError(
            "the cursor belongs to another query; give it to the same query it came from, or start without one",
            code="foreign_cursor",
            pointer="/cursor",
        )
    return Place(offset=offset, after=after)
