"""Photo files to one array of pixels, all of one size: in memory, or above a limit in a file that is kept.

Works with paths. Knows nothing of labels. A photo that cannot be read is named, and is never an exception.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.encoder import Picture
from search.encoders.network import fit_square
from search.errors import InputError, PhotoError
from search.photo import MAX_BYTES, decode_photo

IN_MEMORY_BYTES = 512 * 2**20
"""More pixels than this lie in a file and are mapped from it."""

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge, pixels of the photo as it is in its file, upright."""

Progress = Callable[[int, int], None]
"""Called with the number of photos read and the number there are."""

_VERSION = 1  # of how pixels are made; another one reads kept files anew
_WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFile:
    """One photo to read.

    Attributes:
        name: what it is called where it cannot be read.
        path: of its file.
        box: the part to take; the whole where there is none.
    """

    name: str
    path: Path
    box: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoPixels:
    """What was read.

    Attributes:
        pixels: uint8, shape (photos, side, side, channels), white around a photo that is not square; zeros where a
            photo could not be read.
        hashes: SHA-256 of each file, in hex; "" where it could not be read.
        problems: one sentence a photo that could not be read.
    """

    pixels: NDArray[np.uint8]
    hashes: Sequence[str]
    problems: Sequence[str]


def read_pixels(
    photos: Sequence[PhotoFile],
    *,
    side: int,
    channels: int = 3,
    cache: Path,
    in_memory_bytes: int = IN_MEMORY_BYTES,
    progress: Progress | None = None,
) -> PhotoPixels:
    """Every photo, whole, on a white square, as photos are prepared for a network when they are tagged.

    Args:
        side: pixels.
        channels: 3 for RGB, 1 for grey (ITU-R 601).
        cache: folder for the file of pixels, where they are too many for memory; made where it is missing. The same
            photos, unchanged on disk, are read from it the next time.

    Raises:
        InputError: a side below 8 or above 1,024, or channels other than 1 and 3.
    """
    if not 8 <= side <= 1_024 or channels not in (1, 3):
        raise InputError(f"images of side {side} with {channels} channels cannot be made; 8 to 1024, with 1 or 3")
    shape = (len(photos), side, side, channels)
    if len(photos) * side * side * channels <= in_memory_bytes:
        pixels = np.zeros(shape, np.uint8)
        return _fill_pixels(photos, pixels, progress)
    kept = cache / "pixels" / f"{_compute_key(photos, shape)}.npy"
    found = _load_kept(kept, shape)
    return found if found is not None else _fill_file(photos, kept, shape, progress)


def _fill_pixels(photos: Sequence[PhotoFile], pixels: NDArray[np.uint8], progress: Progress | None) -> PhotoPixels:
    side, channels = pixels.shape[1], pixels.shape[3]
    hashes: list[str] = []
    problems: list[str] = []

    def read(photo: PhotoFile) -> tuple[str, NDArray[np.uint8]] | str:
        try:
            data = _read_file(photo.path)
            return hashlib.sha256(data).hexdigest(), to_square(data, side=side, channels=channels, box=photo.box)
        except PhotoError as error:
            return f"{photo.name}: {error.message}"

    with ThreadPoolExecutor(_WORKERS) as pool:
        for start in range(0, len(photos), 256):
            block: Iterable[tuple[str, NDArray[np.uint8]] | str] = pool.map(read, photos[start : start + 256])
            for row, outcome in enumerate(block, start):
                if isinstance(outcome, str):
                    problems.append(outcome)
                    hashes.append("")
                else:
                    digest, pixels[row] = outcome
                    hashes.append(digest)
            if progress:
                progress(len(hashes), len(photos))
    return PhotoPixels(pixels=pixels, hashes=hashes, problems=problems)


def to_square(data: bytes, *, side: int, channels: int, box: Box | None = None) -> NDArray[np.uint8]:
    """One photo's pixels, uint8, shape (side, side, channels).

    Raises:
        PhotoError: the photo cannot be read, or the box has nothing of it.
    """
    photo = decode_photo(data)
    picture = photo.picture if box is None else _crop(photo.picture, box, photo.width / photo.picture.width)
    square = fit_square(picture, side=side, resampling=Image.Resampling.BICUBIC)
    if channels == 3:
        return square
    return np.asarray(Image.fromarray(square).convert("L"), np.uint8)[..., None]


def _crop(picture: Picture, box: Box, scale: float) -> Picture:
    left, upper, right, lower = (round(edge / scale) for edge in box)
    inside = (max(left, 0), max(upper, 0), min(right, picture.width), min(lower, picture.height))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        raise PhotoError(f"the box {box} has nothing of the photo; left, upper, right, lower in pixels are meant")
    return picture.crop(inside)


def _read_file(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PhotoError(f"there is no photo {path}", code="missing_photo")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one more than is read, so that `decode_photo` refuses it
    except (OSError, ValueError) as error:
        raise PhotoError(f"{path} cannot be read ({error})") from None


def _compute_key(photos: Sequence[PhotoFile], shape: tuple[int, ...]) -> str:
    """What the pixels depend on: the photos, how they are made, and that their files have not changed."""
    digest = hashlib.sha256(f"{_VERSION} {shape}".encode())
    for photo in photos:
        try:
            status = photo.path.stat()
            stamp = f"{status.st_size} {status.st_mtime_ns}"
        except (OSError, ValueError):
            stamp = "missing"
        digest.update(f"{photo.name}\0{photo.path}\0{photo.box}\0{stamp}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def _load_kept(kept: Path, shape: tuple[int, ...]) -> PhotoPixels | None:
    """The file of a former run; None where there is none, or it is not whole."""
    try:
        notes = json.loads(kept.with_suffix(".json").read_text("utf-8"))
        pixels = np.load(kept, mmap_mode="r")
        if pixels.shape != shape or pixels.dtype != np.uint8 or len(notes["hashes"]) != shape[0]:
            return None
        return PhotoPixels(pixels=pixels, hashes=notes["hashes"], problems=notes["problems"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fill_file(
    photos: Sequence[PhotoFile], kept: Path, shape: tuple[int, ...], progress: Progress | None
) -> PhotoPixels:
    """The pixels aside and then renamed, and after them the notes that make them whole."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    aside = kept.with_name(f"{kept.stem}.{os.getpid()}.tmp")
    try:
        open_memmap: Any = np.lib.format.open_memmap  # has no types in every numpy
        pixels = open_memmap(aside, mode="w+", dtype=np.uint8, shape=shape)
        read = _fill_pixels(photos, pixels, progress)
        pixels.flush()
        del pixels
        aside.replace(kept)
        notes = {"hashes": list(read.hashes), "problems": list(read.problems)}
        aside.write_text(json.dumps(notes), "utf-8")
        aside.replace(kept.with_suffix(".json"))
    finally:
        aside.unlink(missing_ok=True)
    return PhotoPixels(pixels=np.load(kept, mmap_mode="r"), hashes=read.hashes, problems=read.problems)
