"""A feed: rows of items out of a file or folder, with its mapping and schema settled before the first row.

The one place that knows which format reads which file (`FORMATS`). Knows nothing of pixels, encoders or stores.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path

from indexer.feed.delimited import open_csv, open_tsv
from indexer.feed.json_lines import open_json_lines
from indexer.feed.kinds import sniff_kind
from indexer.feed.mapping import ColumnMap, map_columns
from indexer.feed.parquet import open_parquet
from indexer.feed.photo_folder import open_photo_folder
from indexer.feed.problem import RowProblem
from indexer.feed.row import FeedRow, RowFault, RowReader
from indexer.feed.source import SNIFF_ROWS, Fault, Source
from search.attributes import CANONICAL, PHOTO_COLUMNS, AttributeSchema
from search.errors import FeedError

FORMATS: Mapping[str, Callable[[Path], Source]] = {
    ".csv": open_csv,
    ".txt": open_csv,
    ".tsv": open_tsv,
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
    ".parquet": open_parquet,
}
"""By the suffix of the file's name; the text formats also with `.gz` after it. A folder is a folder of photos."""


class Feed:
    """A feed that can be read, as often as wanted; it holds nothing open in between.

    Iterating gives, row by row, a `FeedRow` or the `RowProblem` that keeps it from being one. Of rows with the same id
    the first usable one counts.

    Attributes:
        path: the file or folder.
        root: folder that relative photo links start from.
        profile: name of the recognised profile.
        mapping: field -> column, of every field that has one.
        schema: kind of every attribute, those of the schema given to `open_feed` first.
    """

    def __init__(self, *, path: Path, source: Source, column_map: ColumnMap, schema: AttributeSchema) -> None:
        self.path = path
        self.root = path if path.is_dir() else path.parent
        self.profile = column_map.profile
        self.mapping = column_map.fields
        self.schema = schema
        self._source = source
        self._column_map = column_map

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the feed's columns."""
        return tuple(column for column in self._source.columns if column)

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns that are not kept: their name is taken, they hold bytes, or they came up too late."""
        return self._column_map.unused + self._source.ignored

    def __iter__(self) -> Iterator[FeedRow | RowProblem]:
        reader = RowReader(columns=self._source.columns, column_map=self._column_map, schema=self.schema)
        seen: set[bytes] = set()  # hashes: a million ids of any length fit in 100 MB
        for row, record in enumerate(self._source.read_records(), 1):
            if isinstance(record, Fault):
                yield RowProblem(row=row, id=None, field=None, code=record.code, message=record.message)
                continue
            try:
                item = reader.read_item(record)
            except RowFault as fault:
                yield RowProblem(row=row, id=fault.item_id, field=fault.field, code=fault.code, message=fault.message)
                continue
            before = len(seen)
            seen.add(hashlib.blake2b(item.id.encode(), digest_size=16).digest())
            if len(seen) == before:
                message = f"a row above has the id {item.id[:80]!r} already; that one counts"
                yield RowProblem(row=row, id=item.id, field="id", code="duplicate_id", message=message)
                continue
            yield FeedRow(row=row, item=item)


def open_feed(
    path: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    recorded: Mapping[str, str] | None = None,
    schema: AttributeSchema | None = None,
) -> Feed:
    """The feed in a file or folder, its columns mapped and its attributes' kinds known.

    Args:
        mapping: field -> column, before anything recognised; the column must be there.
        recorded: field -> column of a former run; an entry whose column is not there is passed over.
        schema: kinds that are fixed already; attributes new to it are added by the canonical table or by sniffing.

    Raises:
        FeedError: it cannot be read, or has no column for `id` or `image_link`.
    """
    source = _open_source(path)
    column_map = map_columns(source.columns, mapping=mapping or {}, recorded=recorded or {}, name=path.name)
    return Feed(
        path=path, source=source, column_map=column_map, schema=_settle_schema(source, column_map, schema or {})
    )


def list_formats() -> tuple[str, ...]:
    """Suffixes of the files that are feeds."""
    return tuple(FORMATS)


def _open_source(path: Path) -> Source:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise FeedError(f"there is no feed {path} ({error}); give a file or a folder", code="missing_feed") from None
    if stat.S_ISDIR(mode):
        return open_photo_folder(path)
    if not stat.S_ISREG(mode):
        raise FeedError(f"{path} is neither a file nor a folder; a feed is read twice, so save it to a file first")
    name = path.name.lower().removesuffix(".gz")
    suffix = next((suffix for suffix in FORMATS if name.endswith(suffix)), None)
    if suffix is None or (suffix == ".parquet" and path.name.lower().endswith(".gz")):
        raise FeedError(
            f"{path.name} is of no known format; a feed is a folder of photos or ends in {', '.join(FORMATS)} "
            "(text formats also with .gz)",
            code="unknown_format",
        )
    return FORMATS[suffix](path)


def _settle_schema(source: Source, column_map: ColumnMap, known: AttributeSchema) -> AttributeSchema:
    schema = dict(known)
    columns = {name: c for name, c in column_map.fields.items() if name != "id" and name not in PHOTO_COLUMNS}
    columns.update((column, column) for column in column_map.own)
    schema.update((name, CANONICAL[name]) for name in columns if name in CANONICAL and name not in schema)
    unknown = {name: column for name, column in columns.items() if name not in schema}
    if "price" in column_map.fields or "sale_price" in column_map.fields:
        schema.setdefault("price_currency", CANONICAL["price_currency"])
    if unknown:
        with closing(source.read_records()) as records:
            sample = [record for record in islice(records, SNIFF_ROWS) if not isinstance(record, Fault)]
        for name, column in unknown.items():
            n = source.columns.index(column)
            schema[name] = sniff_kind([record[n] for record in sample])
    return schema
