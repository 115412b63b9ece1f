"""A folder of photos as a source: one row a photo, or a row of the metadata file in it.

Without `metadata.csv` or `metadata.jsonl` every photo is a row: its id is its path in the folder without the suffix,
its `product_type` the name of the sub-folder it lies in. With one, as in Hugging Face's ImageFolder, each metadata row
is an item whose `file_name` is its photo; photos it does not name follow as rows of their own. Hidden files and
folders are passed over. Knows nothing of pixels: a photo is told by its name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from indexer.feed.delimited import open_csv
from indexer.feed.json_lines import open_json_lines
from indexer.feed.profiles import PHOTO_FILE, PHOTO_FOLDER, PHOTO_ID
from indexer.feed.source import Fault, Records, Source
from search.errors import FeedError

PHOTO_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"))
"""Of files that are taken for photos."""

_METADATA: Mapping[str, Callable[[Path], Source]] = {"metadata.csv": open_csv, "metadata.jsonl": open_json_lines}
_FILE_NAME = "file_name"


class PhotoFolderSource:
    """A folder of photos without metadata."""

    def __init__(self, *, path: Path) -> None:
        self._path = path
        self.columns = (PHOTO_ID, PHOTO_FILE, PHOTO_FOLDER)
        self.ignored: tuple[str, ...] = ()

    def read_records(self) -> Records:
        """Every photo, sorted by path."""
        for file in _list_photos(self._path):
            if isinstance(file, Fault):
                yield file
            else:
                place = PurePosixPath(file)
                yield str(place.with_suffix("")), file, place.parent.name


class MetadataFolderSource:
    """A folder of photos with a metadata file."""

    def __init__(self, *, path: Path, metadata: Source) -> None:
        self._path = path
        self._metadata = metadata
        self._name = metadata.columns.index(_FILE_NAME)
        rest = (column if n != self._name else "" for n, column in enumerate(metadata.columns))
        self.columns = (PHOTO_ID, PHOTO_FILE, *rest)

    @property
    def ignored(self) -> tuple[str, ...]:
        """What the metadata file ignores."""
        return self._metadata.ignored

    def read_records(self) -> Records:
        """Every row of the metadata, then the photos it does not name, sorted by path."""
        named: set[str] = set()
        for record in self._metadata.read_records():
            if isinstance(record, Fault):
                yield record
                continue
            cell = record[self._name]
            file = str(PurePosixPath(cell.strip())) if isinstance(cell, str) and cell.strip() else ""
            named.add(file)
            yield (str(PurePosixPath(file).with_suffix("")) if file else "", file, *record)
        nothing = (None,) * len(self._metadata.columns)
        for photo in _list_photos(self._path):
            if isinstance(photo, Fault):
                yield photo
            elif photo not in named:
                yield str(PurePosixPath(photo).with_suffix("")), photo, *nothing


def open_photo_folder(path: Path) -> Source:
    """The photos below a folder, with its metadata where it has some.

    Raises:
        FeedError: there is no photo in it, or the metadata cannot be read.
    """
    found = next(_list_photos(path), None)
    if isinstance(found, Fault):
        raise FeedError(found.message, code=found.code)
    if found is None:
        raise FeedError(
            f"there is no photo in {path}; a photo's name ends in {', '.join(sorted(PHOTO_SUFFIXES))}", code="no_photos"
        )
    for name, open_metadata in _METADATA.items():
        if (path / name).is_file():
            metadata = open_metadata(path / name)
            if _FILE_NAME not in metadata.columns:
                raise FeedError(f"{path / name} has no column {_FILE_NAME}; it says which photo a row is about")
            return MetadataFolderSource(path=path, metadata=metadata)
    return PhotoFolderSource(path=path)


def _list_photos(root: Path) -> Iterator[str | Fault]:
    """Relative POSIX paths in the order of sorted paths, one folder's names in memory at a time."""
    waiting = [_list_folder(root, "")]
    while waiting:
        for name in waiting[-1]:
            if isinstance(name, str) and name.endswith("/"):
                waiting.append(_list_folder(root, name))
                break
            yield name
        else:
            waiting.pop()


def _list_folder(root: Path, below: str) -> Iterator[str | Fault]:
    """Photos, and folders with a slash at the end; links to folders are not followed, so that no circle is."""
    try:
        with os.scandir(root / below) as entries:
            names = []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    names.append(f"{below}{entry.name}/")
                elif PurePosixPath(entry.name).suffix.lower() in PHOTO_SUFFIXES and entry.is_file():
                    names.append(f"{below}{entry.name}")
    except OSError as error:
        return iter([Fault(code="unreadable_folder", message=f"{below or root} cannot be listed ({error})")])
    return iter(sorted(names))
