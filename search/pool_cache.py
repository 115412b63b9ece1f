"""The pools of a catalogue's photos, kept beside its store, so that training and tagging never touch a photo again.

A folder of `search.pool_files`, found by the photo's hash. Droppable: a file that is missing, damaged or of other
weights counts as absent, and what is absent can be made again from the photo. Safe to write from several processes:
nobody changes a file, and every name is new. Knows nothing of photos or of what pools are good for.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from search.embedding import Space
from search.pool_files import PoolFile, read_hashes, read_pool_file, write_pool_file
from search.pools import PARTS, PoolBatch, Pools

FILE_PHOTOS = 1_024
"""Photos of a file at most: what a run that is killed loses, and what a reader holds at once."""

SMALL_FILE = 256
SMALL_FILES = 64
"""Files of fewer photos than the one are put together once there are as many as the other: single items written
through the API leave a file each."""

_STALE_S = 3_600
"""After this long a half-written file belongs to a process that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPools:
    """Some photos' hashes, and their pools in the same order."""

    hashes: list[str]
    pools: PoolBatch


class PoolCache:
    """One folder of pools.

    Args:
        folder: made when something is written.
        spaces: of the encoders that make the pools; files of any other weights are passed over.
    """

    def __init__(self, folder: Path, spaces: Sequence[Space]) -> None:
        self._folder = folder
        self._spaces = tuple(spaces)

    def open_writer(self) -> PoolWriter:
        """Something to write pools with, for one thread."""
        return PoolWriter(self._folder, self._spaces)

    def list_hashes(self) -> set[str]:
        """The photos there are pools of."""
        return {sha256 for path in _list_files(self._folder) for sha256 in read_hashes(path, self._spaces) or ()}

    def read_batches(self, wanted: Collection[str] | None = None, *, batch: int = FILE_PHOTOS) -> Iterator[CachedPools]:
        """Every photo once, file by file, the newest first; where two files have a photo, the newer one counts.

        Args:
            wanted: hashes; all photos where not given. A hash that is not there is passed over.
            batch: photos at once, at most.
        """
        left = None if wanted is None else set(wanted)
        seen: set[str] = set()
        for file in _read_files(self._folder, self._spaces):
            rows = []
            for row, sha256 in enumerate(file.hashes):
                if sha256 not in seen and (left is None or sha256 in left):
                    seen.add(sha256)
                    rows.append(row)
            for start in range(0, len(rows), batch):
                some = rows[start : start + batch]
                pools = {name: array[some].astype(np.float32) for name, array in file.pools.items()}
                yield CachedPools(hashes=[file.hashes[row] for row in some], pools=pools)
            if left is not None and len(seen) == len(left):
                return

    def drop(self) -> None:
        """Remove every file; what others write meanwhile stays."""
        for path in _list_files(self._folder):
            path.unlink(missing_ok=True)
        _remove_stale(self._folder)


class PoolWriter:
    """Writes pools, as a context: they are gathered, and written by `FILE_PHOTOS` and at the end, also after an error.

    Holds one file's worth of photos. Not safe to share between threads.
    """

    def __init__(self, folder: Path, spaces: Sequence[Space]) -> None:
        self._folder = folder
        self._spaces = tuple(spaces)
        self._rows: dict[str, int] = {}
        self._gathered: dict[str, NDArray[np.float16]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        _join_small_files(self._folder, self._spaces)

    def write(self, sha256s: Sequence[str], pools: Sequence[Pools]) -> None:
        """Photos by the hash of their file, and the pools of each; a photo that is still gathered is replaced.

        Raises:
            SetupError: with code `pools_not_writable`.
        """
        for sha256, each in zip(sha256s, pools, strict=True):
            row = self._rows.setdefault(sha256, len(self._rows))
            for space in self._spaces:
                self._get_array(space)[row] = each[space.name]
            if len(self._rows) == FILE_PHOTOS:
                self._flush()

    def _get_array(self, space: Space) -> NDArray[np.float16]:
        if space.name not in self._gathered:
            self._gathered[space.name] = np.empty((FILE_PHOTOS, len(PARTS), space.dimension), np.float16)
        return self._gathered[space.name]

    def _flush(self) -> None:
        hashes, self._rows = list(self._rows), {}
        if hashes:
            pools = {name: array[: len(hashes)] for name, array in self._gathered.items()}
            content = PoolFile(hashes=hashes, pools=pools)
            write_pool_file(_name_file(self._folder, len(hashes)), content, self._spaces)


def _name_file(folder: Path, photos: int) -> Path:
    """A new name: when, how many photos, and what tells two processes apart."""
    return folder / f"{time.time_ns():020d}-{photos:04d}-{secrets.token_hex(4)}.parquet"


def _list_files(folder: Path) -> list[Path]:
    """Newest first."""
    return sorted(folder.glob("*.parquet"), reverse=True)


def _read_files(folder: Path, spaces: Sequence[Space]) -> Iterator[PoolFile]:
    """Every file that can be read. Files may be put together meanwhile, so the folder is looked at again at the end."""
    done: set[Path] = set()
    while fresh := [path for path in _list_files(folder) if path not in done]:
        for path in fresh:
            done.add(path)
            if (file := read_pool_file(path, spaces)) is not None:
                yield file


def _join_small_files(folder: Path, spaces: Sequence[Space]) -> None:
    """Put small files together once there are many. Two processes that do it at once write the same photos twice."""
    small = [path for path in _list_files(folder) if _read_count(path) < SMALL_FILE]
    if len(small) < SMALL_FILES:
        return
    _remove_stale(folder)
    room = FILE_PHOTOS
    taken: list[tuple[Path, PoolFile]] = []
    for path in small:
        file = read_pool_file(path, spaces)
        if file is None or len(file.hashes) > room:
            continue
        room -= len(file.hashes)
        taken.append((path, file))
    if len(taken) < 2:
        return
    hashes = [sha256 for _, file in taken for sha256 in file.hashes]
    pools = {space.name: np.concatenate([file.pools[space.name] for _, file in taken]) for space in spaces}
    write_pool_file(_name_file(folder, len(hashes)), PoolFile(hashes=hashes, pools=pools), spaces)
    for path, _ in taken:
        path.unlink(missing_ok=True)


def _read_count(path: Path) -> int:
    """Photos of a file, by its name; a name that is none of ours says nothing and is left alone."""
    _, _, rest = path.name.partition("-")
    count = rest.partition("-")[0]
    return int(count) if count.isdecimal() else FILE_PHOTOS


def _remove_stale(folder: Path) -> None:
    """Remove what writers that were killed left half-written; a writer at work needs its own."""
    for path in folder.glob("*.tmp"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()
