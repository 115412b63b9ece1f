"""CSV and TSV as a source: a header, then rows of cells.

Works with the csv module's default dialect (RFC 4180) and one of four delimiters. Knows nothing of what a column means.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from indexer.feed.lines import LineFault, Lines, open_lines
from indexer.feed.source import Fault, Records, check_columns
from search.errors import FeedError

_DELIMITERS = ",;\t|"


class DelimitedSource:
    """A CSV or TSV file; every cell is text."""

    def __init__(self, *, path: Path, columns: tuple[str, ...], delimiter: str) -> None:
        self._path = path
        self._delimiter = delimiter
        self.columns = columns
        self.ignored: tuple[str, ...] = ()

    def read_records(self) -> Records:
        """Every row as a list of texts."""
        width = len(self.columns)
        with open_lines(self._path) as lines:
            rows = _read_rows(lines, self._delimiter)
            next(rows, None)  # the header
            for row in rows:
                if type(row) is list and len(row) != width:
                    yield Fault(
                        code="ragged_row",
                        message=f"line {lines.number}: {len(row)} cells under a header of {width}; "
                        "is a delimiter or a quote missing or too many?",
                    )
                else:
                    yield row


def open_csv(path: Path) -> DelimitedSource:
    """A file whose delimiter is the one its header has most of: comma, semicolon, tab or vertical bar.

    Raises:
        FeedError: no header can be read.
    """
    with open_lines(path) as lines:
        try:
            first = next((line for line in lines if line.strip()), "")
        except LineFault as fault:
            raise FeedError(f"{path.name}: {fault.message}", code=fault.code) from fault
    return _open_delimited(path, max(_DELIMITERS, key=first.count))


def open_tsv(path: Path) -> DelimitedSource:
    """A file of cells separated by tabs.

    Raises:
        FeedError: no header can be read.
    """
    return _open_delimited(path, "\t")


def _open_delimited(path: Path, delimiter: str) -> DelimitedSource:
    with open_lines(path) as lines:
        header = next(_read_rows(lines, delimiter), None)
    if header is None:
        raise FeedError(f"{path.name} is empty; its first row must hold the column names", code="empty_feed")
    if isinstance(header, Fault):
        raise FeedError(f"{path.name} has no header that can be read: {header.message}", code=header.code)
    columns = check_columns([column.strip() for column in header], path.name)
    return DelimitedSource(path=path, columns=columns, delimiter=delimiter)


def _read_rows(lines: Lines, delimiter: str) -> Iterator[list[str] | Fault]:
    # A csv reader starts afresh at the next line after an exception, its own or that of its lines; its limit of
    # 131,072 characters a field also bounds what a quote that is never closed can swallow.
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            for row in reader:
                if row:
                    yield row
            return
        except LineFault as fault:
            yield Fault(code=fault.code, message=fault.message)
            if fault.fatal:
                return
        except csv.Error as error:
            code = "field_too_long" if "field limit" in str(error) else "bad_row"
            yield Fault(code=code, message=f"line {lines.number}: {error}; is a quote not closed?")
