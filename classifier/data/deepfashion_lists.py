"""The list files of DeepFashion's Category and Attribute Prediction Benchmark, read line by line and strictly.

Each has the number of its entries in the first line, the names of its columns in the second, then one entry a line, in
columns set apart by white space; a name of a category or attribute may hold blanks itself. Knows nothing of photos.
Liu, Luo, Qiu, Wang, Tang: "DeepFashion: Powering Robust Clothes Recognition and Retrieval with Rich Annotations", 2016;
the format is that of the README beside the lists (mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.data.photo_pixels import Box
from classifier.data.splitting import SPLITS
from search.errors import FeedError, NotFoundError

CATEGORIES, CATEGORY_OF = "list_category_cloth.txt", "list_category_img.txt"
ATTRIBUTES, ATTRIBUTES_OF = "list_attr_cloth.txt", "list_attr_img.txt"
BOXES, PARTITION = "list_bbox.txt", "list_eval_partition.txt"

_FOLDERS = (".", "Anno_coarse", "Anno", "Eval", "anno", "eval")
_BLOCK_LINES = 128  # so that a block stays in the processor's cache
_PLAIN = np.zeros(256, np.bool_)
_PLAIN[list(b" \t\r\n-01")] = True


def find_list(folder: Path, name: str) -> Path | None:
    """The list of this name in the benchmark's folder, or in its `Anno`, `Anno_coarse` or `Eval`; None without one."""
    return next((path for place in _FOLDERS if (path := folder / place / name).is_file()), None)


def read_names(path: Path) -> list[str]:
    """Names of categories or attributes, in order; the type after each is passed over."""
    names: list[str] = []
    for number, line in _read_lines(path):
        name, _, kind = line.rpartition(" ")
        if not name.strip() or not _is_number(kind):
            raise _complain(path, number, line, "a name and the number of its type")
        names.append(" ".join(name.split()))
    return names


def read_categories(path: Path, names: int) -> dict[str, int]:
    """By image: the number of its category, 0 for the first name; the file counts from 1."""
    categories: dict[str, int] = {}
    for number, line in _read_lines(path):
        image, _, category = line.rpartition(" ")
        if not image.strip() or not _is_number(category) or not 1 <= int(category) <= names:
            raise _complain(path, number, line, f"an image and a category from 1 to {names}")
        categories[image.strip()] = int(category) - 1
    return categories


def read_boxes(path: Path) -> dict[str, Box]:
    """By image: left, upper, right and lower edge in pixels."""
    boxes: dict[str, Box] = {}
    for number, line in _read_lines(path):
        image, *edges = line.rsplit(None, 4)
        if len(edges) != 4 or not all(map(_is_number, edges)):
            raise _complain(path, number, line, "an image and x_1 y_1 x_2 y_2 in pixels")
        left, upper, right, lower = map(int, edges)
        boxes[image] = (left, upper, right, lower)
    return boxes


def read_partition(path: Path) -> dict[str, str]:
    """By image: `train`, `val` or `test`."""
    partition: dict[str, str] = {}
    for number, line in _read_lines(path):
        image, _, split = line.rpartition(" ")
        if not image.strip() or split not in SPLITS:
            raise _complain(path, number, line, "an image and train, val or test")
        partition[image.strip()] = split
    return partition


def read_attributes(path: Path, names: int) -> tuple[list[str], NDArray[np.uint8]]:
    """Images, and which of the attributes each has: uint8, shape (images, names).

    The file says 1, -1 and 0 for has, has not and unknown; 1 here is has, and 0 is either of the others. The full
    list has 289,222 lines of 1,000 numbers: they are read by blocks of lines, as arrays of bytes.
    """
    images: list[str] = []
    blocks: list[NDArray[np.uint8]] = []
    block: dict[int, bytes] = {}
    for number, line in _read_lines(path):
        image, _, values = line.partition(" ")
        images.append(image)
        block[number] = values.encode("ascii", "replace")
        if len(block) == _BLOCK_LINES:
            blocks.append(_parse_block(path, block, names))
            block.clear()
    if block:
        blocks.append(_parse_block(path, block, names))
    return images, np.concatenate(blocks) if blocks else np.zeros((0, names), np.uint8)


def _parse_block(path: Path, lines: Mapping[int, bytes], names: int) -> NDArray[np.uint8]:
    """Values of some lines; every value is one digit, with or without a minus before it."""
    text = np.frombuffer(b"\n" + b"\n".join(lines.values()) + b"\n", np.uint8)
    here, after = text[:-1], text[1:]
    digit, minus = text >= ord("0"), text == ord("-")
    starts = np.flatnonzero(here == ord("\n"))
    counts = np.add.reduceat(digit, starts, dtype=np.int64)
    whole = (
        bool(_PLAIN[text].all())
        and bool((counts == names).all())
        and not bool((digit[:-1] & (after > ord(" "))).any())
        and not bool((minus[:-1] & ~digit[1:]).any())
    )
    if not whole:
        for number, line in lines.items():
            values = line.split()
            if len(values) != names or not all(value in (b"-1", b"0", b"1") for value in values):
                raise _complain(path, number, line.decode(), f"an image and {names} times -1, 0 or 1")
    has = (after == ord("1")) & (here != ord("-"))
    return np.asarray(has[digit[1:]].reshape(len(lines), names), np.uint8)


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, line) of every entry, tabs as blanks and no blanks at its ends; as many as the first line says.

    Raises:
        FeedError: the file cannot be read, or does not have the entries it announces.
    """
    count = 0
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline().strip()
            if not _is_number(first):
                raise _complain(path, 1, first, "the number of entries")
            file.readline()
            for number, line in enumerate(file, 3):
                entry = line.replace("\t", " ").strip()
                if entry:
                    count += 1
                    yield number, entry
    except UnicodeDecodeError as error:
        raise FeedError(f"{path} is not UTF-8 ({error}); take the file as it was published") from None
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read ({error})") from None
    if count != int(first):
        raise FeedError(
            f"{path}:1: {first} entries are announced, and {count} are there; the file is cut short or mixed"
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit()


def _complain(path: Path, number: int, line: str, wanted: str) -> FeedError:
    shown = line if len(line) <= 80 else line[:79] + "…"
    return FeedError(f"{path}:{number}: {shown!r} is not {wanted}; take the file as it was published")
