"""Does a catalogue photo find itself? Photos embedded afresh from their files, and searched for as a user would.

Works with a catalogue that embeds and searches, and with files. Knows nothing of stores or feeds' formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer.feed import check_photo
from search.embedding import Embeddings
from search.errors import FeedError, PhotoError
from search.item import Item
from search.query import Query, Result, like_photo


class FreshPhoto(Protocol):
    """A photo as `embed_photo` gives it."""

    @property
    def sha256(self) -> str: ...

    @property
    def embeddings(self) -> Embeddings: ...


class SearchedCatalogue(Protocol):
    """What is asked of a catalogue: to embed a photo as indexing did, and to search."""

    def embed_photo(self, data: bytes) -> FreshPhoto: ...

    def search(self, query: Query) -> Result: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPhoto:
    """The file of an item's main photo."""

    item_id: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A photo that did not find itself.

    Attributes:
        first: id of the first hit; None where there was none or the photo could not be read.
        score: of the first hit.
        reason: one sentence.
    """

    item_id: str
    first: str | None
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfRetrievalReport:
    """What `check_self_retrieval` found.

    Attributes:
        asked: photos searched for.
        found: those whose first hit is their own item, or one with a byte-identical photo.
        identical: how many of those found were found as a byte-identical photo of another item.
    """

    asked: int
    found: int
    identical: int
    misses: Sequence[Miss]

    def to_wire(self) -> dict[str, object]:
        """As JSON."""
        misses = [{"id": m.item_id, "first": m.first, "score": m.score, "reason": m.reason} for m in self.misses]
        return {"asked": self.asked, "found": self.found, "identical": self.identical, "misses": misses}


def sample_photos(items: Iterable[Item], root: Path, *, count: int, seed: int = 0) -> Sequence[ItemPhoto]:
    """The main photos of this many items, drawn by a seed from those whose photo is a file.

    Args:
        items: of a feed, read once.
        root: folder the feed's photo links are relative to.
    """
    links = [(item.id, item.photos[0]) for item in items if item.photos]
    drawn: list[ItemPhoto] = []
    for position in np.random.default_rng(seed).permutation(len(links)):
        item_id, link = links[position]
        if len(drawn) == count:
            break
        with suppress(FeedError):
            drawn.append(ItemPhoto(item_id=item_id, path=check_photo(link, root)))
    return drawn


def check_self_retrieval(
    catalogue: SearchedCatalogue,
    photos: Sequence[ItemPhoto],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> SelfRetrievalReport:
    """Search for photos of the catalogue by their files, and say which of them are not their own first hit.

    Shops show several items on one file, so a first hit whose photo has the same SHA-256 counts as found too.

    Args:
        photos: main photos of items in the catalogue, as `sample_photos` draws them.
        progress: told (photos done, photos in all).
    """
    identical = 0
    misses: list[Miss] = []
    for done, photo in enumerate(photos, start=1):
        outcome = _search_photo(catalogue, photo)
        if isinstance(outcome, Miss):
            misses.append(outcome)
        else:
            identical += outcome
        if progress is not None:
            progress(done, len(photos))
    return SelfRetrievalReport(
        asked=len(photos), found=len(photos) - len(misses), identical=identical, misses=tuple(misses)
    )


def _search_photo(catalogue: SearchedCatalogue, photo: ItemPhoto) -> Miss | bool:
    """A miss, or else whether it was another item's byte-identical photo that was found."""
    try:
        fresh = catalogue.embed_photo(photo.path.read_bytes())
    except PhotoError as error:
        return Miss(item_id=photo.item_id, first=None, score=None, reason=error.message)
    except OSError as error:
        return Miss(item_id=photo.item_id, first=None, score=None, reason=f"{photo.path} cannot be read: {error}")
    result = catalogue.search(Query(examples=like_photo(fresh.embeddings, fresh.sha256), limit=1))
    if not result.hits:
        return Miss(item_id=photo.item_id, first=None, score=None, reason="nothing was found")
    first = result.hits[0]
    if first.item.id == photo.item_id:
        return False
    if first.photo.sha256 == fresh.sha256:
        return True
    return Miss(item_id=photo.item_id, first=first.item.id, score=first.score, reason="another photo is nearer")
