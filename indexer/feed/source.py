"""The port to a format: columns, and records in the order of the file.

Knows nothing of what a column means. `FORMATS` in `indexer/feed/feed.py` lists the sources by file name suffix.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.errors import FeedError

SNIFF_ROWS = 1_000
"""Rows looked at before the first one is given out: for the columns of JSON Lines and the kinds of attributes."""

MAX_COLUMNS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A record that could not be read; code and message as in `RowProblem`."""

    code: str
    message: str


Record = Sequence[object]
"""The cells of one row, in the order of the source's columns; None or "" where there is no value."""

Records = Generator[Record | Fault, None, None]
"""Closing it closes the file."""


class Source(Protocol):
    """One file or folder. It holds nothing open: each call of `read_records` starts at the first row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; "" for one without a name, which nobody can ask for."""

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that are in the file and cannot be read; it may grow while records are read."""

    def read_records(self) -> Records:
        """Every row in order, as cells or as what is wrong with it. Memory does not grow with the file."""


def check_columns(columns: Sequence[str], name: str) -> tuple[str, ...]:
    """The columns, where a feed may have them.

    Raises:
        FeedError: none, too many, or two of one name.
    """
    named = [column for column in columns if column]
    if not named:
        raise FeedError(f"{name} names no columns; its first row must hold the column names", code="no_columns")
    if len(named) > MAX_COLUMNS:
        raise FeedError(
            f"{name} has {len(named):,} columns, a feed at most {MAX_COLUMNS:,}; leave out those nobody asks for",
            code="too_many_columns",
        )
    seen: set[str] = set()
    for column in named:
        if column in seen:
            raise FeedError(f"{name} has two columns {column[:80]!r}; rename one of them", code="duplicate_column")
        seen.add(column)
    return tuple(columns)
