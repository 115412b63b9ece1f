"""Which labelled images a name on the command line means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from classifier.data.deepfashion import Part, is_deepfashion, load_deepfashion
from classifier.data.fashion_mnist import load_fashion_mnist_splits
from classifier.data.fashion_mnist_files import find_fashion_mnist
from classifier.data.images import Splits
from classifier.data.many_hot import ManyHotColumns, load_many_hot
from classifier.data.photo_splits import ImageOptions
from classifier.data.resized import resize_splits
from indexer.labelled_feed import load_labelled_feed
from search.errors import InputError, NotFoundError
from search.manifest import Manifest, load_manifest
from vitrine.commands.index import open_recorded_feed
from vitrine.console import say, show_progress
from vitrine.settings import Settings

FASHION_MNIST = "fashion-mnist"
ALL_COLUMNS = "all"
"""Of `many_hot`: every column that holds nothing but 0, 1, true and false."""


def open_images(
    data: str,
    *,
    settings: Settings,
    attributes: Sequence[str] = (),
    side: int | None = None,
    channels: int | None = None,
    mapping: Sequence[str] = (),
    many_hot: str = "",
    part: Part = Part.BOX,
    seed: int = 0,
) -> Splits:
    """The images of `fashion-mnist`, a folder with its files or DeepFashion's lists, a many-hot CSV, or any feed.

    What was left out, and photos that could not be read, are said.

    Args:
        data: a name or a path.
        attributes: those to label; each source has its own where none is named.
        side: pixels of the square images; 28 for Fashion-MNIST and 96 for photos where None.
        channels: 1 for grey, 3 for colour; 1 for Fashion-MNIST and 3 for photos where None.
        mapping: of a feed, `FIELD=COLUMN`.
        many_hot: the label columns of a CSV, separated by commas, or `all`; empty where it is a feed.
        part: of a photo of DeepFashion.
        seed: of the splits, where the data says none.

    Raises:
        NotFoundError: there is no such file or folder.
        FeedError: a file cannot be read.
        InputError: an attribute is not there, or has too few photos.
    """
    path = Path(data)
    if data == FASHION_MNIST or (path.is_dir() and find_fashion_mnist(path) is not None):
        return _open_fashion_mnist(None if data == FASHION_MNIST else path, settings, attributes, side, channels, seed)
    if not path.exists():
        raise NotFoundError(f"there are no images {data!r}; give {FASHION_MNIST}, a folder, or the file of a feed")
    options = ImageOptions(side=side or 96, channels=channels or 3, seed=seed, cache=settings.cache_folder())
    with show_progress("photos", None) as show:

        def note(done: int, total: int) -> None:
            show(done, f"of {total}")

        if many_hot:
            names = () if many_hot == ALL_COLUMNS else tuple(name.strip() for name in many_hot.split(","))
            splits = load_many_hot(path, options, columns=ManyHotColumns(labels=names), progress=note)
        elif path.is_dir() and is_deepfashion(path):
            splits = load_deepfashion(path, options, attributes=attributes, part=part, progress=note)
        else:
            feed = open_recorded_feed(path, mapping, _find_manifest(settings.data))
            splits = load_labelled_feed(feed, options, attributes=attributes, progress=note)
    _report(splits)
    return splits


def _open_fashion_mnist(
    folder: Path | None,
    settings: Settings,
    attributes: Sequence[str],
    side: int | None,
    channels: int | None,
    seed: int,
) -> Splits:
    splits = load_fashion_mnist_splits(folder, cache=settings.cache_folder(), seed=seed, say=say)
    unknown = set(attributes) - splits.train.attributes.keys()
    if unknown:
        raise InputError(f"Fashion-MNIST has no {sorted(unknown)[0]!r}; it has {', '.join(splits.train.attributes)}")
    return resize_splits(splits, side=side or splits.train.shape[0], channels=channels or splits.train.shape[2])


def _report(splits: Splits) -> None:
    for attribute, labels in splits.left_out.items():
        first = ", ".join(f"{label} ({count})" for label, count in list(labels.items())[:5])
        say(f"{attribute}: {len(labels)} labels have too few training photos and are left out: {first}")
    for problem in splits.problems[:5]:
        say(problem)
    if len(splits.problems) > 5:
        say(f"and {len(splits.problems) - 5} more problems")


def _find_manifest(data: Path) -> Manifest | None:
    try:
        return load_manifest(data)
    except NotFoundError:
        return None
