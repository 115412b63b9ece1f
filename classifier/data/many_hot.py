"""A CSV with one column a label, as multi-label data sets have it: 1 where the photo has the label.

Works with one CSV file and the photos it names. Knows nothing of networks, or of other kinds of CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classifier.data.images import Splits
from classifier.data.photo_pixels import Progress
from classifier.data.photo_splits import ImageOptions, PhotoRow, build_splits
from search.errors import FeedError, NotFoundError

LABELS = "labels"
"""Name of the one attribute."""

PHOTO_COLUMNS = ("image", "image_link", "photo", "file_name", "filename", "image_path", "path", "image_name", "img")
SPLIT_COLUMNS = ("split", "partition", "subset")

_YES, _NO = frozenset(("1", "true", "1.0")), frozenset(("0", "false", "0.0", ""))
# Beside the label columns, a photo column, and a split column there are often these; they are no labels.
_NO_LABELS = frozenset(("id", "index", "", "unnamed: 0"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyHotColumns:
    """Which column is what.

    Attributes:
        photo: the path of the photo, relative to the CSV; the first of `PHOTO_COLUMNS` that is there where None.
        split: train, val or test; the first of `SPLIT_COLUMNS` that is there, if any, where None.
        labels: all other columns that hold nothing but 0, 1, true and false where empty.
    """

    photo: str | None = None
    split: str | None = None
    labels: Sequence[str] = ()


def load_many_hot(
    path: Path, options: ImageOptions, *, columns: ManyHotColumns | None = None, progress: Progress | None = None
) -> Splits:
    """The photos of the file with one attribute, `labels`, of which a photo may have several.

    Raises:
        NotFoundError: there is no such file.
        FeedError: a column is missing, or a cell is not 0, 1, true or false; the message has the number of the line.
    """
    rows = read_many_hot(path, columns or ManyHotColumns())
    return build_splits(rows, (LABELS,), options, name=path.name, multi=(LABELS,), progress=progress)


def read_many_hot(path: Path, columns: ManyHotColumns) -> list[PhotoRow]:
    """A row for each line that is not blank."""
    header, lines = _read_table(path)
    photo = _choose_column(path, header, columns.photo, PHOTO_COLUMNS)
    if photo is None:
        raise FeedError(f"{path}:1: no column is called {', '.join(PHOTO_COLUMNS)}; name the one with the photos")
    split = _choose_column(path, header, columns.split, SPLIT_COLUMNS)
    labels = [(name, _find_column(path, header, name)) for name in columns.labels] or [
        (name, n)
        for n, name in enumerate(header)
        if n not in (photo, split) and name.lower() not in _NO_LABELS and _holds_marks(lines, n)
    ]
    if not labels:
        raise FeedError(f"{path}: no column holds nothing but 0, 1, true and false; name the columns of the labels")
    rows: list[PhotoRow] = []
    for number, cells in lines:
        has = tuple(name for name, n in labels if _read_mark(path, number, name, cells[n]))
        link = cells[photo].strip()
        if not link:
            raise FeedError(f"{path}:{number}: the row names no photo in column {header[photo]!r}")
        rows.append(
            PhotoRow(
                id=f"{number}/{link}",
                path=path.parent / link,
                values={LABELS: has},
                group=link,
                split=None if split is None else cells[split],
            )
        )
    return rows


def _read_table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and (number of the line, cells) of every row that is not blank."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, cells) for cells in reader if any(cells)]
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read ({error})") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise FeedError(f"{path} is no CSV in UTF-8 ({error})") from None
    if not lines:
        raise FeedError(f"{path} has no rows")
    for number, cells in lines:
        if len(cells) != len(header):
            raise FeedError(f"{path}:{number}: {len(cells)} cells under {len(header)} columns; mend the row")
    return header, lines


def _choose_column(path: Path, header: Sequence[str], named: str | None, usual: Sequence[str]) -> int | None:
    if named is not None:
        return _find_column(path, header, named)
    small = [name.lower() for name in header]
    return next((small.index(name) for name in usual if name in small), None)


def _find_column(path: Path, header: Sequence[str], name: str) -> int:
    if name not in header:
        raise FeedError(f"{path}:1: there is no column {name!r}; there are {', '.join(header[:20])}")
    return header.index(name)


def _holds_marks(lines: Sequence[tuple[int, list[str]]], column: int) -> bool:
    """Whether every cell is a mark, and some cell is not empty."""
    cells = {cells[column].strip().lower() for _, cells in lines}
    return cells <= _YES | _NO and cells != {""}


def _read_mark(path: Path, number: int, name: str, cell: str) -> bool:
    mark = cell.strip().lower()
    if mark not in _YES and mark not in _NO:
        raise FeedError(f"{path}:{number}: {name} is {cell[:40]!r}; 1, 0, true or false is meant")
    return mark in _YES
