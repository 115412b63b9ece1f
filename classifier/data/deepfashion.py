"""DeepFashion's Category and Attribute Prediction Benchmark as labelled images.

Works with the list files and the photos beside them. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from pathlib import Path, PurePosixPath

import numpy as np

from classifier.data import deepfashion_lists as lists
from classifier.data.images import Splits
from classifier.data.photo_pixels import Progress
from classifier.data.photo_splits import ImageOptions, PhotoRow, build_splits
from search.errors import FeedError, InputError, NotFoundError

CATEGORY, ATTRIBUTES = "category", "attributes"


class Part(StrEnum):
    """How much of a photo is taken: the box drawn around the garment, or all of it."""

    BOX = "box"
    WHOLE = "whole"


def is_deepfashion(folder: Path) -> bool:
    """Whether a folder has lists of the benchmark, for categories or for attributes."""
    return any(lists.find_list(folder, name) is not None for name in (lists.CATEGORY_OF, lists.ATTRIBUTES_OF))


def load_deepfashion(
    folder: Path,
    options: ImageOptions,
    *,
    attributes: Collection[str] = (),
    part: Part = Part.BOX,
    progress: Progress | None = None,
) -> Splits:
    """Photos with one `category` each, and with `attributes`, any number of them.

    The benchmark's own partition is taken as it is; without one, photos are dealt by the folder they lie in, which
    holds photos of one kind of garment. An attribute the annotators left open counts as not there.

    Args:
        folder: with the lists, or with `Anno`, `Anno_coarse` and `Eval` that have them, and with the photos below it.
        options: side, channels and so on.
        attributes: `category`, `attributes` or both; whatever has lists where none is named.
        part: the box around the garment, where there is a list of boxes, or the whole photo.

    Raises:
        NotFoundError: a list that is needed is not there.
        FeedError: a line is not what it should be; the message has the file and the number of the line.
        InputError: an attribute is neither of the two, or no photo can be read.
    """
    unknown = set(attributes) - {CATEGORY, ATTRIBUTES}
    if unknown:
        raise InputError(f"{sorted(unknown)[0]!r} is not in DeepFashion's lists; name {CATEGORY}, {ATTRIBUTES} or both")
    values: dict[str, dict[str, tuple[str, ...]]] = {}
    wanted = [name for name in (CATEGORY, ATTRIBUTES) if name in attributes or not attributes]
    found = [name for name in wanted if _add_values(folder, name, values, needed=bool(attributes))]
    boxes = _find(folder, lists.BOXES) if part is Part.BOX else None
    partition = _find(folder, lists.PARTITION)
    box_of = lists.read_boxes(boxes) if boxes else {}
    split_of = lists.read_partition(partition) if partition else {}
    root = _find_root(folder, next(iter(values), ""))
    rows = [
        PhotoRow(
            id=image,
            path=root / image,
            values=own,
            group=str(PurePosixPath(image).parent),
            split=split_of.get(image),
            box=box_of.get(image),
        )
        for image, own in values.items()
        if partition is None or image in split_of
    ]
    apart = len(values) - len(rows)
    problems = [f"{apart} images have labels and are not in {partition}"] if apart else []
    return build_splits(
        rows,
        found,
        options,
        name=folder.name,
        multi=(ATTRIBUTES,),
        needed=attributes,
        published=partition is not None,
        problems=problems,
        progress=progress,
    )


def _add_values(folder: Path, name: str, values: dict[str, dict[str, tuple[str, ...]]], *, needed: bool) -> bool:
    """Put the values of one attribute under their images; whether there are lists of it."""
    names_of = lists.CATEGORIES if name == CATEGORY else lists.ATTRIBUTES
    images_of = lists.CATEGORY_OF if name == CATEGORY else lists.ATTRIBUTES_OF
    names_file, images_file = _find(folder, names_of), _find(folder, images_of)
    if images_file is None and not needed:
        return False
    if images_file is None or names_file is None:
        raise NotFoundError(f"{folder} has no {images_of if images_file is None else names_of}, which {name} needs")
    texts = lists.read_names(names_file)
    if len(set(texts)) != len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise FeedError(f"{names_file}: {twice!r} is there twice; take the file as it was published")
    if name == CATEGORY:
        for image, number in lists.read_categories(images_file, len(texts)).items():
            values.setdefault(image, {})[name] = (texts[number],)
        return True
    images, has = lists.read_attributes(images_file, len(texts))
    for image, row in zip(images, has, strict=True):
        values.setdefault(image, {})[name] = tuple(texts[n] for n in np.flatnonzero(row))
    return True


def _find(folder: Path, name: str) -> Path | None:
    return lists.find_list(folder, name)


def _find_root(folder: Path, image: str) -> Path:
    """The folder that the images' names start from: theirs is `img/...`, in the archive or in the folder `Img`."""
    for place in (folder, folder / "Img", folder / "Img" / "img", folder / "img"):
        if (place / image).is_file():
            return place
    return folder
