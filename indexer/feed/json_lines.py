"""JSON Lines as a source: one object a line.

Columns are the keys of the first rows. Knows nothing of what a column means.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from itertools import islice
from pathlib import Path

from indexer.feed.lines import LineFault, Lines, open_lines
from indexer.feed.source import SNIFF_ROWS, Fault, Records, check_columns
from search.errors import FeedError


class JsonLinesSource:
    """A JSON Lines file; cells are whatever JSON has. A key that first comes up after `SNIFF_ROWS` rows is ignored."""

    def __init__(self, *, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        self._late: dict[str, None] = {}
        self.columns = columns

    @property
    def ignored(self) -> tuple[str, ...]:
        """Keys that are no column, as far as the file has been read."""
        return tuple(self._late)

    def read_records(self) -> Records:
        """Every object as its values in the order of the columns, None where it lacks one."""
        columns, known = self.columns, frozenset(self.columns)
        for row in _read_objects(self._path):
            if isinstance(row, Fault):
                yield row
                continue
            if not row.keys() <= known and len(self._late) < SNIFF_ROWS:
                self._late.update(dict.fromkeys(ascii(key)[1:-1] for key in row if key not in known))
            yield list(map(row.get, columns))


def open_json_lines(path: Path) -> JsonLinesSource:
    """A file of JSON objects, one a line.

    Raises:
        FeedError: there is no object in the first rows, or their keys cannot be columns.
    """
    keys: dict[str, None] = {}
    first: Fault | None = None
    objects = 0
    with closing(_read_objects(path)) as rows:
        for row in islice(rows, SNIFF_ROWS):
            if isinstance(row, Fault):
                first = first or row
                continue
            objects += 1
            keys.update(dict.fromkeys(key for key in row if _is_name(key)))
    if not objects:
        why = f": {first.message}" if first else ", it is empty"
        raise FeedError(
            f"{path.name} has no JSON object, one a line, in its first {SNIFF_ROWS:,} rows{why}",
            code=first.code if first else "empty_feed",
        )
    return JsonLinesSource(path=path, columns=check_columns(list(keys), path.name))


def _read_objects(path: Path) -> Generator[dict[str, object] | Fault, None, None]:
    with open_lines(path) as lines:
        while True:
            try:
                for line in lines:
                    if not line.isspace():
                        yield _parse_object(line, lines)
                return
            except LineFault as fault:
                yield Fault(code=fault.code, message=fault.message)
                if fault.fatal:
                    return


def _parse_object(line: str, lines: Lines) -> dict[str, object] | Fault:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]
        return Fault(code="bad_row", message=f"line {lines.number} is not JSON ({why}); write one object a line")
    if isinstance(value, dict):
        return value
    kind = "an array" if isinstance(value, list) else "no object"
    return Fault(code="bad_row", message=f"line {lines.number} is {kind}; write one JSON object a line")


def _is_name(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return bool(key.strip()) and "\0" not in key
