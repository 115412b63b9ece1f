"""Parquet as a source, read by record batches.

Works with pyarrow. Columns of bytes cannot be attributes and are ignored. Knows nothing of what a column means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from indexer.feed.source import Fault, Records, check_columns
from search.errors import FeedError

_BATCH_ROWS = 4_096


class ParquetSource:
    """A Parquet file; cells are what pyarrow makes of them. Text that is not UTF-8 comes out as bytes."""

    def __init__(self, *, path: Path, columns: tuple[str, ...], ignored: tuple[str, ...]) -> None:
        self._path = path
        self.columns = columns
        self.ignored = ignored

    def read_records(self) -> Records:
        """Every row as a tuple of values."""
        import pyarrow as pa  # here, so that a CSV feed does not pay for loading it
        import pyarrow.parquet as pq

        row = 0
        try:
            with pq.ParquetFile(self._path, pre_buffer=False) as file:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(self.columns), use_threads=False):
                    by_name = dict(zip(batch.schema.names, batch.columns, strict=True))
                    yield from zip(*(_to_list(by_name[name]) for name in self.columns), strict=True)
                    row += batch.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            yield Fault(
                code="broken_feed",
                message=f"the file cannot be read beyond row {row} ({_say(error)}); write or copy it again",
            )


def open_parquet(path: Path) -> ParquetSource:
    """A Parquet file.

    Raises:
        FeedError: it is not Parquet, its footer is broken, or its columns cannot be a feed's.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            fields = list(file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FeedError(f"{path.name} is not a whole Parquet file ({_say(error)}); write or copy it again") from error
    check_columns([field.name for field in fields], path.name)
    ignored = tuple(field.name for field in fields if _holds_bytes(field.type))
    columns = tuple(field.name for field in fields if field.name.strip() and field.name not in ignored)
    return ParquetSource(path=path, columns=check_columns(columns, path.name), ignored=ignored)


def _holds_bytes(kind: Any) -> bool:
    import pyarrow.types as pt

    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind):
        return True
    if pt.is_dictionary(kind):
        return _holds_bytes(kind.value_type)
    return any(_holds_bytes(kind.field(n).type) for n in range(kind.num_fields))


def _to_list(column: Any) -> list[object]:
    try:
        values: list[object] = column.to_pylist()
    except UnicodeDecodeError:
        import pyarrow as pa

        values = [_decode(value) for value in column.cast(pa.binary()).to_pylist()]
    return values


def _decode(value: bytes | None) -> object:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _say(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
