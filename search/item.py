"""Items and the photos they are shown on.

Works with plain values. Knows nothing of files, feeds or stores.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

AttributeValue = str | int | float | tuple[str, ...]
"""One merchant value; a tuple where the shop gave several, main one first."""


Palette = tuple[tuple[str, float], ...]
"""Colours, "#rrggbb", and the share of each; main one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One product row.

    Attributes:
        id: the shop's own identifier, unique in the catalogue.
        attributes: merchant attributes under their canonical names (`title`, `color`, `price` ...), other columns
            under their own names; neither `id` nor the photos are among them.
        photos: where the photos are, as the feed gives it, main photo first.
    """

    id: str
    attributes: Mapping[str, AttributeValue]
    photos: tuple[str, ...]

    def to_wire(self) -> dict[str, object]:
        """The item as one flat JSON object with merchant names: `id`, `title`, ..., `image_link`."""
        wire: dict[str, object] = {"id": self.id}
        for name, value in self.attributes.items():
            wire[name] = list(value) if isinstance(value, tuple) else value
        if self.photos:
            wire["image_link"] = self.photos[0]
        if len(self.photos) > 1:
            wire["additional_image_link"] = list(self.photos[1:])
        return wire


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRecord:
    """What is kept of one photo of an item.

    Attributes:
        index: 0 for the main photo, then counting.
        link: where it came from, as the feed gave it.
        sha256: hex digest of the file's bytes.
        width, height: pixels, after EXIF orientation.
        palette: colours of the product, ("#rrggbb", share), main one first; empty where it was not measured.
        phash: perceptual hash, 16 hex digits; empty where it was not measured.
    """

    index: int
    link: str
    sha256: str
    width: int
    height: int
    palette: Palette = ()
    phash: str = ""


def compute_fingerprint(item: Item, photo_hashes: tuple[str, ...]) -> tuple[str, str]:
    """Two hex digests: of the item's photos, and of everything else in its row.

    An item whose two digests are unchanged is skipped by indexing; one whose first digest is unchanged gets a new
    payload and keeps its embeddings.
    """
    row = json.dumps([item.id, sorted(item.attributes.items()), item.photos], ensure_ascii=False, default=list)
    photos = hashlib.sha256("\n".join(photo_hashes).encode()).hexdigest()
    return photos, hashlib.sha256(row.encode("utf-8", "surrogatepass")).hexdigest()
