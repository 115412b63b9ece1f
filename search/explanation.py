"""Why an item is a hit for a photo, another item or a text: parts of the score, what both say, and where it comes from.

The score and its parts are those of a search with the same question, from the embeddings in the store. Colours and heat
maps are of the pictures at hand, which are smaller copies: of a photo asked about the one that is kept, of an item its
thumbnail. So a heat map says its own cosine beside the stored one. Knows nothing of HTTP or of drawing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.attribute_pairs import AttributePair, Said, compare_attributes, list_said
from search.bm25 import encode_document, encode_question
from search.catalogue import Catalogue
from search.color_difference import Palette, PaletteDifference, compare_palettes
from search.embedding import Embeddings
from search.encoder import Picture
from search.errors import NotFoundError
from search.heat_map import HeatMap, map_heat
from search.item import Item, PhotoRecord
from search.item_text import compose_text
from search.legs import choose_weights, seek
from search.palette import measure_palette
from search.photo import decode_photo
from search.query import Example, ItemExample, Note, PhotoExample, Query, TextExample
from search.store import Leg, StoredPoint
from search.tagging import Prediction

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacePart:
    """What one space gives to a score: `contribution` is weight times cosine; the contributions sum to the score.

    A text's embedding has a length of its own in each space, which is in the weight.
    """

    space: str
    weight: float
    cosine: float
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorComparison:
    """Both palettes, main colour first, and how far apart they are (CIEDE2000)."""

    asked: Palette
    found: Palette
    difference: PaletteDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a hit is one.

    Attributes:
        item, photo: the hit.
        score: as in a search; the sum of the parts' contributions. Of a text that of the embeddings, 0 without any.
        words: those of a text that are in the item's title and attributes, by their stems.
        attributes: those that both sides have, in the catalogue's order.
        colors: None where a side has no picture.
        asked_picture, found_picture: what the heat maps are of; None where there is none.
        asked_heat, found_heat: of each picture towards the other side's stored embeddings.
        notes: what could not be told, and why.
    """

    item: Item
    photo: PhotoRecord
    score: float
    parts: tuple[SpacePart, ...]
    words: tuple[str, ...]
    attributes: tuple[AttributePair, ...]
    colors: ColorComparison | None
    asked_picture: Picture | None
    found_picture: Picture | None
    asked_heat: tuple[HeatMap, ...]
    found_heat: tuple[HeatMap, ...]
    notes: tuple[Note, ...]

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each space counts."""
        return {part.space: part.weight for part in self.parts}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPicture:
    """A photo that is asked about, or the region of one that is.

    Attributes:
        picture: what is seen: the region where there is one.
        predictions: what the classifier says of it; empty without one.
    """

    example: PhotoExample
    picture: Picture
    predictions: Mapping[str, Prediction]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    said: Mapping[str, Said]
    picture: Picture | None
    palette: Palette


def explain(
    asked: AskedPicture | ItemExample | TextExample,
    hit_id: str,
    catalogue: Catalogue,
    *,
    photo_index: int | None = None,
    weights: Mapping[str, float] | None = None,
    heat: bool = True,
) -> Explanation:
    """Why an item's photo is as near to what is asked about as it is.

    Args:
        asked: a picture, an item by its main photo, which may be the hit itself, or a text.
        photo_index: which photo of the hit; the nearest one, as in a search, where it is not said.
        weights: of the spaces, as a search takes them; the catalogue's own where there are none.
        heat: measure heat maps; one forward pass of each encoder for each side.

    Raises:
        NotFoundError: `item_not_found`, `photo_not_found`.
        QueryError: weights that make no sense, or nothing to compare.
    """
    manifest = catalogue.manifest
    example: Example = asked.example if isinstance(asked, AskedPicture) else asked
    query = Query(examples=(example,), weights=weights or {})
    sought = seek(query, choose_weights(query.weights, manifest), catalogue.store)
    legs = [_to_unit(leg) for leg in sought.legs]
    if photo_index is None:
        found = _find_nearest_photo(hit_id, legs, catalogue)
    else:
        found = _read_photo(hit_id, photo_index, [leg.space for leg in legs], catalogue)
    parts = measure_parts(legs, found.vectors)
    words = list_common_words(asked.text, found.item) if isinstance(asked, TextExample) else ()
    notes = list(sought.notes)
    ours, theirs = _describe_asked(asked, catalogue, notes), _describe_point(found, catalogue, notes)
    vectors = {leg.space: leg.vector for leg in legs}
    wanted = heat and (ours.picture is not None or theirs.picture is not None)
    return Explanation(
        item=found.item,
        photo=found.photo,
        score=sum(part.contribution for part in parts),
        parts=parts,
        words=words,
        attributes=compare_attributes(ours.said, theirs.said, manifest),
        colors=_compare_colors(ours, theirs),
        asked_picture=ours.picture,
        found_picture=theirs.picture,
        asked_heat=_map_heat(ours.picture, found.vectors, catalogue) if wanted else (),
        found_heat=_map_heat(theirs.picture, vectors, catalogue) if wanted else (),
        notes=tuple(notes),
    )


def measure_parts(legs: Sequence[Leg], vectors: Embeddings) -> tuple[SpacePart, ...]:
    """What each space gives to a score; nothing where the photo found has no embedding in it."""
    parts = []
    for leg in legs:
        vector = vectors.get(leg.space)
        cosine = 0.0 if vector is None else max(-1.0, min(1.0, float(leg.vector @ vector)))
        parts.append(SpacePart(space=leg.space, weight=leg.weight, cosine=cosine, contribution=leg.weight * cosine))
    return tuple(parts)


def _to_unit(leg: Leg) -> Leg:
    length = float(np.linalg.norm(leg.vector)) or 1.0
    return Leg(space=leg.space, vector=leg.vector / np.float32(length), weight=leg.weight * length)


def list_common_words(text: str, item: Item) -> tuple[str, ...]:
    """Words of a text that count when the item is ranked by words, as they were written, none twice."""
    known = set(encode_document(compose_text(item)).indices)
    words: dict[str, str] = {}
    for word in _WORD.findall(text):
        words.setdefault(word.casefold(), word)
    return tuple(word for word in words.values() if known.intersection(encode_question(word).indices))


def _describe_asked(asked: AskedPicture | ItemExample | TextExample, catalogue: Catalogue, notes: list[Note]) -> _Side:
    if isinstance(asked, TextExample):
        return _Side(said={}, picture=None, palette=())
    if isinstance(asked, AskedPicture):
        said = list_said(None, asked.predictions, catalogue.manifest)
        return _Side(said=said, picture=asked.picture, palette=measure_palette(asked.picture))
    return _describe_point(_read_photo(asked.item_id, 0, (), catalogue), catalogue, notes)


def _describe_point(point: StoredPoint, catalogue: Catalogue, notes: list[Note]) -> _Side:
    thumbnail = catalogue.thumbnails.read(point.photo.sha256)
    picture = None if thumbnail is None else decode_photo(thumbnail).picture
    if picture is None:
        message = (
            f"the thumbnail of the item {point.item.id!r} is missing, so its photo cannot be looked at; index again"
        )
        notes.append(Note(code="photo_missing", message=message))
    palette: Palette = point.photo.palette or (() if picture is None else measure_palette(picture))
    said = list_said(point.item, point.predictions, catalogue.manifest)
    return _Side(said=said, picture=picture, palette=palette)


def _read_photo(item_id: str, index: int, spaces: Sequence[str], catalogue: Catalogue) -> StoredPoint:
    found = catalogue.store.read_items([item_id], index=index, spaces=spaces).get(item_id)
    if found is not None:
        return found
    if index and catalogue.store.read_items([item_id]):
        raise NotFoundError(f"there is no photo {index} of the item {item_id!r}", code="photo_not_found")
    raise NotFoundError(f"there is no item {item_id!r} in this catalogue", code="item_not_found")


def _find_nearest_photo(item_id: str, legs: Sequence[Leg], catalogue: Catalogue) -> StoredPoint:
    """Of an item's photos the one a search shows."""
    spaces = [leg.space for leg in legs]
    nearest = _read_photo(item_id, 0, spaces, catalogue)
    best = sum(part.contribution for part in measure_parts(legs, nearest.vectors))
    index, listed = 1, len(nearest.item.photos)
    while True:
        photo = catalogue.store.read_items([item_id], index=index, spaces=spaces).get(item_id)
        if photo is None and index >= listed:  # a photo that could not be read leaves a gap
            return nearest
        score = -2.0 if photo is None else sum(part.contribution for part in measure_parts(legs, photo.vectors))
        if photo is not None and score > best:
            nearest, best = photo, score
        index += 1


def _compare_colors(asked: _Side, found: _Side) -> ColorComparison | None:
    if not asked.palette or not found.palette:
        return None
    difference = compare_palettes(asked.palette, found.palette)
    return ColorComparison(asked=asked.palette, found=found.palette, difference=difference)


def _map_heat(picture: Picture | None, other: Embeddings, catalogue: Catalogue) -> tuple[HeatMap, ...]:
    if picture is None:
        return ()
    return map_heat(picture, other, catalogue.embedder.load(), catalogue.find_tagger())
