"""A feed as labelled images: the photos of its rows, with what the shop says of them.

Works with an opened feed. Knows nothing of networks, of embeddings or of stores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from classifier.data.images import Splits
from classifier.data.labels import Values
from classifier.data.photo_pixels import Progress
from classifier.data.photo_splits import ImageOptions, PhotoRow, build_splits
from indexer.feed import Feed, RowProblem, check_photo
from indexer.grouping import SPLIT, name_group, read_split
from indexer.relevance import list_labels
from search.attributes import AttributeKind, AttributeSchema
from search.errors import FeedError, InputError
from search.item import Item

VISIBLE = ("product_type", "color", "pattern", "material", "gender", "age_group")
"""Attributes that are learnt where none is named: the canonical ones a photo can show."""


def load_labelled_feed(
    feed: Feed,
    options: ImageOptions,
    *,
    attributes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Splits:
    """Every photo of every usable row, labelled with the row's values.

    Where the feed has an attribute `split`, its items go where that says; else they are dealt by a hash of their
    `item_group_id`, or of their id. Equal photos are never in two splits.

    Args:
        attributes: those to label; those of `VISIBLE` that the feed has where none is named.

    Raises:
        FeedError: the feed cannot be read.
        InputError: it has no such attribute, or too few labels or photos.
    """
    chosen = choose_attributes(feed.schema, attributes)
    rows: list[PhotoRow] = []
    problems: list[str] = []
    for row in feed:
        if isinstance(row, RowProblem):
            problems.append(f"row {row.row}: {row.message}")
            continue
        for photo in _list_photos(row.item, feed.root, chosen, by_group=SPLIT not in feed.schema):
            if isinstance(photo, str):
                problems.append(f"row {row.row}: {photo}")
            else:
                rows.append(photo)
    return build_splits(
        rows, chosen, options, name=feed.path.name, needed=attributes, problems=problems, progress=progress
    )


def choose_attributes(schema: AttributeSchema, named: Sequence[str]) -> Sequence[str]:
    """The attributes to learn.

    Raises:
        InputError: the feed has no such attribute; says which ones could be named.
    """
    words = [name for name, kind in schema.items() if kind is AttributeKind.KEYWORD]
    chosen = named or [name for name in VISIBLE if name in schema]
    missing = next((name for name in chosen if name not in schema), None)
    if missing is not None or not chosen:
        what = f"no attribute {missing!r}" if missing is not None else f"none of {', '.join(VISIBLE)}"
        raise InputError(f"the feed has {what}; it has {', '.join(sorted(words)) or 'no keywords at all'}")
    return tuple(dict.fromkeys(chosen))


def _list_photos(item: Item, root: Path, attributes: Sequence[str], *, by_group: bool) -> Iterator[PhotoRow | str]:
    """The photos of an item; of one whose file cannot be one, what is wrong with it."""
    values: Values = {name: list_labels(item, name) for name in attributes}
    for index, link in enumerate(item.photos):
        try:
            path = check_photo(link, root)
        except FeedError as error:
            yield error.message
            continue
        yield PhotoRow(
            id=f"{item.id}/{index}",
            path=path,
            values=values,
            group=name_group(item, alone=not by_group),
            split=read_split(item),
        )
