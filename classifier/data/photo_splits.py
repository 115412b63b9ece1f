"""Rows of photos with values to three splits of labelled images.

Works with paths and texts. Knows nothing of the files the rows came from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.data.images import ArrayImages, Splits
from classifier.data.labels import MIN_PHOTOS, LabelSet, Values, choose_labels, encode_labels
from classifier.data.photo_pixels import Box, PhotoFile, PhotoPixels, Progress, read_pixels
from classifier.data.splitting import SPELLINGS, SPLITS, TRAIN, assign_splits
from search.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRow:
    """One photo and what is known of it.

    Attributes:
        id: unique among the rows.
        path: of its file.
        values: by attribute.
        group: photos of one group are never in two splits.
        split: what the data itself says, in any usual spelling; None where it says nothing.
        box: the part of the photo to take.
    """

    id: str
    path: Path
    values: Values
    group: str
    split: str | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """What the images shall be.

    Attributes:
        side: pixels of a side of the square.
        channels: 3 for RGB, 1 for grey.
        min_photos: training photos a label needs to be one.
        seed: of the splits where the data says none.
        cache: folder for pixels that do not fit into memory.
    """

    side: int
    channels: int = 3
    min_photos: int = MIN_PHOTOS
    seed: int = 0
    cache: Path


def build_splits(
    rows: Sequence[PhotoRow],
    attributes: Sequence[str],
    options: ImageOptions,
    *,
    name: str,
    multi: Collection[str] = (),
    needed: Collection[str] = (),
    published: bool = False,
    problems: Sequence[str] = (),
    progress: Progress | None = None,
) -> Splits:
    """Labelled images of every row whose photo can be read, in three splits that share no photo.

    Args:
        attributes: those to label, in order.
        name: what the data is called.
        multi: attributes of which a photo may have several labels.
        needed: attributes that may not be left out for want of photos.
        published: the splits the rows say are a protocol others measure by: taken as they are, even where equal
            photos are in two of them; a row without one is left out.
        problems: what could not be used before the photos were read.

    Raises:
        InputError: no photo can be read, none of them is for training, or an attribute cannot be learnt.
    """
    files = [PhotoFile(name=row.id, path=row.path, box=row.box) for row in rows]
    read = read_pixels(files, side=options.side, channels=options.channels, cache=options.cache, progress=progress)
    usable = np.flatnonzero([bool(digest) for digest in read.hashes])
    if not len(usable):
        first = next(iter((*problems, *read.problems)), "there are no rows")
        raise InputError(f"{name}: no photo can be read ({first}); paths are relative to the file that names them")
    dealt = _deal_rows([rows[n] for n in usable], [read.hashes[n] for n in usable], options.seed, published=published)
    places = {split: usable[np.array([text == split for text in dealt])] for split in SPLITS}
    if not len(places[TRAIN]):
        raise InputError(f"{name}: no photo is for training; the split of a row is train, val or test")
    training = [rows[n].values for n in places[TRAIN]]
    labels = choose_labels(training, attributes, multi=multi, needed=needed, min_photos=options.min_photos)
    train, val, test = (_take_rows(rows, read, labels, places[split], f"{name} {split}") for split in SPLITS)
    return Splits(train=train, val=val, test=test, left_out=labels.left_out, problems=(*problems, *read.problems))


def _deal_rows(rows: Sequence[PhotoRow], hashes: Sequence[str], seed: int, *, published: bool) -> list[str]:
    said = [row.split for row in rows]
    if published:
        return [SPELLINGS.get(text.strip().lower(), "") if text else "" for text in said]
    return assign_splits([row.group for row in rows], hashes, said, seed=seed)


def _take_rows(
    rows: Sequence[PhotoRow], read: PhotoPixels, labels: LabelSet, places: NDArray[np.int64], name: str
) -> ArrayImages:
    return ArrayImages(
        read.pixels,
        encode_labels([rows[n].values for n in places], labels),
        name=name,
        attributes=labels.attributes,
        multi=labels.multi,
        ids=[rows[n].id for n in places],
        rows=places,
        hashes=[read.hashes[n] for n in places],
    )
