"""Single items, as the API writes them: one row with its photos' bytes, through the same embedding as bulk indexing.

Knows nothing of HTTP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from indexer.pipeline import to_record
from search.attributes import CANONICAL, AttributeKind
from search.catalogue import Catalogue
from search.errors import InputError, NotFoundError
from search.item import AttributeValue, Item, compute_fingerprint
from search.store import Point

TEXT_LENGTH = 80
"""A value longer than this makes a new attribute free text rather than a keyword."""


def put_item(catalogue: Catalogue, item: Item, photos: Sequence[bytes]) -> str:
    """Write an item; returns `created`, `updated` or `unchanged`.

    Without photos an item that is there gets the new attributes and keeps its embeddings.

    Raises:
        NotFoundError: there is no such item, and no photo came with it.
        InputError: a value is not of its attribute's kind.
        PhotoError: a photo cannot be read; nothing is written then.
    """
    check_values(item.attributes, catalogue.manifest.attributes)
    kinds = {name: guess_kind(name, value) for name, value in item.attributes.items()}
    known = catalogue.store.read_items([item.id]).get(item.id)
    if not photos:
        if known is None:
            raise NotFoundError(
                f"there is no item {item.id!r} yet; send at least one photo with it", code="item_not_found"
            )
        item = replace(item, photos=known.item.photos)
        _, row_sha256 = compute_fingerprint(item, ())
        if row_sha256 == known.row_sha256:
            return "unchanged"
        catalogue.adopt_attributes(kinds)
        catalogue.store.replace_attributes({item.id: item}, {item.id: row_sha256})
        return "updated"
    links = tuple(f"upload:{hashlib.sha256(data).hexdigest()}" for data in photos)
    item = replace(item, photos=links)
    photos_sha256, row_sha256 = compute_fingerprint(item, tuple(link.partition(":")[2] for link in links))
    if known is not None and (known.photos_sha256, known.row_sha256) == (photos_sha256, row_sha256):
        return "unchanged"
    ready = [catalogue.embedder.prepare(data) for data in photos]
    embedded = catalogue.embedder.embed([photo.prepared for photo in ready])
    points = []
    for index, (link, photo, each) in enumerate(zip(links, ready, embedded, strict=True)):
        catalogue.thumbnails.write(photo.sha256, photo.thumbnail)
        points.append(
            Point(
                item=item,
                photo=to_record(index, link, photo),
                vectors=each.embeddings,
                photos_sha256=photos_sha256,
                row_sha256=row_sha256,
                tagging=each.tagging,
            )
        )
    # Before the item, as nothing but this could tag the photos later: the uploads themselves are not kept.
    with catalogue.pool_cache.open_writer() as pools:
        pools.write([photo.sha256 for photo in ready], [each.pools for each in embedded])
    catalogue.adopt_attributes(kinds)
    if known is not None:
        catalogue.store.delete_photos_from(item.id, len(points))
    catalogue.store.upsert(points)
    return "created" if known is None else "updated"


def delete_item(catalogue: Catalogue, item_id: str) -> bool:
    """Remove an item with all of its photos; says whether it was there."""
    return catalogue.store.delete_items([item_id]) > 0


def check_values(values: Mapping[str, AttributeValue], kinds: Mapping[str, AttributeKind]) -> None:
    """See that every value is of its attribute's kind, where the catalogue has one.

    Raises:
        InputError: with a pointer to the attribute.
    """
    for name, value in values.items():
        kind = kinds.get(name)
        whole = isinstance(value, int)
        if (kind is AttributeKind.INTEGER and not whole) or (
            kind is AttributeKind.NUMBER and not isinstance(value, (int, float))
        ):
            raise InputError(
                f"{name!r} is {kind.value} in this catalogue; {value!r} is not", code="wrong_type", pointer=f"/{name}"
            )
        if kind in (AttributeKind.KEYWORD, AttributeKind.TEXT) and isinstance(value, (int, float)):
            raise InputError(
                f"{name!r} is {kind.value} in this catalogue; {value!r} is a number, write it as text",
                code="wrong_type",
                pointer=f"/{name}",
            )


def guess_kind(name: str, value: AttributeValue) -> AttributeKind:
    """The kind of an attribute from its name, else from one value."""
    if name in CANONICAL:
        return CANONICAL[name]
    if isinstance(value, int):
        return AttributeKind.INTEGER
    if isinstance(value, float):
        return AttributeKind.NUMBER
    words = (value,) if isinstance(value, str) else value
    return AttributeKind.TEXT if any(len(word) > TEXT_LENGTH for word in words) else AttributeKind.KEYWORD
