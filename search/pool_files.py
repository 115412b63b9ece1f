"""One file of pools: float16 in Parquet, with the hashes of the weights that made them.

A row is a photo: `sha256`, then one column an encoder, the (parts, dimension) numbers as they lie in memory. Fixed-size
bytes read five times faster than lists of numbers. Each column has a sum, so that damage does not pass for numbers.
Knows nothing of which files there are, or of which photo is wanted.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.embedding import Space
from search.errors import SetupError
from search.pools import PARTS

HalfPools = Mapping[str, NDArray[np.float16]]
"""Several photos, by encoder: shape (photos, parts, dimension)."""

_FORMAT = 1
_HASHES = "sha256"
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFile:
    """What a file holds: photos' SHA-256 in hex, and their pools in the same order."""

    hashes: list[str]
    pools: HalfPools


def write_pool_file(path: Path, content: PoolFile, spaces: Sequence[Space]) -> None:
    """Write aside, then rename: a reader sees the whole file or none.

    Raises:
        SetupError: with code `pools_not_writable`.
    """
    import pyarrow as pa  # here, so that what writes no pools does not pay for loading it
    import pyarrow.parquet as pq

    hashes = np.frombuffer(bytes.fromhex("".join(content.hashes)), np.uint8).reshape(-1, _HASH_BYTES)
    columns = {_HASHES: hashes} | {space.name: _to_rows(content.pools[space.name]) for space in spaces}
    metadata = {"vitrine": _describe(spaces)} | {_name_sum(name): _sum(rows) for name, rows in columns.items()}
    table = pa.table({name: _to_column(rows) for name, rows in columns.items()}).replace_schema_metadata(metadata)
    aside = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # LZ4 writes as fast as no compression and takes a third off; most numbers of a pool are zeros.
        pq.write_table(table, aside, compression="lz4", use_dictionary=False, write_statistics=False)
        aside.replace(path)
    except (OSError, pa.ArrowException) as error:
        raise SetupError(
            f"pools cannot be written to {path.parent}: {error}. Make room there and the folder writable; "
            "pools that are missing are made again from the photos",
            code="pools_not_writable",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def read_pool_file(path: Path, spaces: Sequence[Space]) -> PoolFile | None:
    """A file's content; None where it is damaged, gone, or not of these spaces and their weights."""
    columns = _read_columns(path, spaces, [_HASHES, *(space.name for space in spaces)])
    if columns is None:
        return None
    shapes = {space.name: (-1, len(PARTS), space.dimension) for space in spaces}
    pools = {name: columns[name].view(np.float16).reshape(shape) for name, shape in shapes.items()}
    return PoolFile(hashes=_to_hex(columns[_HASHES]), pools=pools)


def read_hashes(path: Path, spaces: Sequence[Space]) -> list[str] | None:
    """The photos in a file, in its order; None as above. Reads no pools, and so does not see damage in them."""
    columns = _read_columns(path, spaces, [_HASHES])
    return None if columns is None else _to_hex(columns[_HASHES])


def _read_columns(path: Path, spaces: Sequence[Space], names: list[str]) -> Mapping[str, NDArray[np.uint8]] | None:
    """Columns as bytes, shape (photos, width), whose sums were checked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            metadata = file.schema_arrow.metadata or {}
            if metadata.get(b"vitrine") != _describe(spaces).encode():
                return None
            table = file.read(names, use_threads=False)
        columns = {name: _from_column(table[name]) for name in names}
        whole = all(metadata[_name_sum(name).encode()] == _sum(rows).encode() for name, rows in columns.items())
    except (OSError, ValueError, KeyError, AttributeError, pa.ArrowException):
        return None
    return columns if whole else None


def _describe(spaces: Sequence[Space]) -> str:
    """Everything pools depend on: two files with the same text can be read together."""
    made_by = {space.name: [space.dimension, space.weights_sha256] for space in spaces}
    return json.dumps({"format": _FORMAT, "parts": PARTS, "spaces": made_by}, sort_keys=True)


def _name_sum(column: str) -> str:
    return f"crc32 {column}"


def _sum(rows: NDArray[np.uint8]) -> str:
    """Of the numbers and of how many there are. Parquet's own sums leave out the headers, which may be damaged too."""
    return f"{len(rows)} {zlib.crc32(rows.data):08x}"


def _to_rows(pools: NDArray[np.float16]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pools).view(np.uint8).reshape(len(pools), -1)


def _to_column(rows: NDArray[np.uint8]) -> Any:
    import pyarrow as pa

    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(rows)])


def _from_column(column: Any) -> NDArray[np.uint8]:
    width = column.type.byte_width  # which no other kind of column has that could be taken for one
    chunks = [np.frombuffer(chunk.buffers()[1], np.uint8, len(chunk) * width) for chunk in column.chunks]
    rows = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    return rows.reshape(-1, width)


def _to_hex(hashes: NDArray[np.uint8]) -> list[str]:
    return [row.tobytes().hex() for row in hashes]
