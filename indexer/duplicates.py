"""Groups of photos in a catalogue that show the same picture.

Works with any store and a folder of thumbnails. Knows nothing of how a report is printed.

A group is what hangs together: a photo may be the near duplicate of a second and that of a third without the first and
the third being near. What counts as near, and how well that does, is in `search/near_duplicates.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from search.errors import PhotoError, QueryError
from search.near_duplicates import MAX_BITS, MIN_SIMILARITY, find_close_hashes
from search.paging import read_photos
from search.perceptual_hash import compute_phash, count_bits, to_numbers
from search.photo import decode_photo
from search.store import Store
from search.thumbnails import Thumbnails

MOST_PAIRS = 5_000_000
"""Pairs of photos whose hashes are close; each takes some 30 bytes and its two vectors are compared."""

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateRule:
    """What is looked for.

    Attributes:
        max_bits: of 64 that two hashes may differ in; None where only equal bytes count.
        min_similarity: least cosine of two embeddings.
        within_items: groups of one item's photos too.
    """

    max_bits: int | None = MAX_BITS
    min_similarity: float = MIN_SIMILARITY
    within_items: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPhoto:
    """A photo of a group; `title` is the item's, `link` and `sha256` the photo's."""

    item_id: str
    index: int
    title: str
    link: str
    sha256: str
    phash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Photos that show the same picture, in the order of their ids.

    Attributes:
        exact: all of them have the same bytes.
        bits: most that two photos next to one another in the group differ in; 0 where all have the same bytes.
        similarity: least cosine of two such photos; 1 where all have the same bytes.
    """

    photos: Sequence[FoundPhoto]
    exact: bool
    bits: int
    similarity: float

    def to_wire(self) -> dict[str, object]:
        """The group as one JSON object."""
        return {
            "exact": self.exact,
            "bits": self.bits,
            "similarity": round(self.similarity, 4),
            "photos": [
                {"id": p.item_id, "index": p.index, "title": p.title, "link": p.link, "sha256": p.sha256}
                for p in self.photos
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateReport:
    """What a look through the catalogue found.

    Attributes:
        groups: the largest first, then in the order of their first photos.
        photos: how many were looked at.
        unmeasured: of those, how many have no hash and no thumbnail to make one of; only their bytes were compared.
    """

    groups: Sequence[DuplicateGroup]
    photos: int
    unmeasured: int

    def to_wire(self) -> dict[str, object]:
        """The report as one JSON object."""
        return {
            "photos": self.photos,
            "unmeasured": self.unmeasured,
            "found": len(self.groups),
            "groups": [group.to_wire() for group in self.groups],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Links:
    """Pairs of photos by place, shape (links, 2), with the bits they differ in and their cosines."""

    pairs: NDArray[np.intp]
    bits: NDArray[np.intp]
    similarities: NDArray[np.float32]


def find_duplicates(
    store: Store, thumbnails: Thumbnails, space: str, rule: DuplicateRule | None = None
) -> DuplicateReport:
    """Every group of photos with the same bytes, or with close hashes and close embeddings.

    Args:
        space: the backbone's, in which embeddings are compared.

    Raises:
        QueryError: `too_many_pairs`: so many hashes are close that the catalogue's photos are hardly told apart.
    """
    rule = rule or DuplicateRule()
    photos = sorted(_read_all(store), key=lambda photo: (photo.item_id, photo.index))
    by_bytes: dict[str, list[int]] = defaultdict(list)
    for place, photo in enumerate(photos):
        by_bytes[photo.sha256].append(place)
    links = [_link_same(list(by_bytes.values()))]
    hashes: Mapping[int, str] = {}
    if rule.max_bits is not None:
        # Photos with the same bytes are one here: a placeholder on half of the items is no half million pairs.
        hashes = _measure_hashes(photos, [places[0] for places in by_bytes.values()], thumbnails)
        links.append(_link_near(photos, hashes, store, space, rule, rule.max_bits))
    groups = [g for g in _join(photos, links) if rule.within_items or len({photo.item_id for photo in g.photos}) > 1]
    groups.sort(key=lambda group: -len(group.photos))
    unmeasured = sum(len(p) for p in by_bytes.values() if p[0] not in hashes) if rule.max_bits is not None else 0
    return DuplicateReport(groups=groups, photos=len(photos), unmeasured=unmeasured)


def _read_all(store: Store) -> Iterator[FoundPhoto]:
    by_index: dict[int, list[str]] = defaultdict(list)
    for key in read_photos(store):
        by_index[key.index].append(key.item_id)
    for index, item_ids in by_index.items():
        for some in _take(item_ids):
            for point in store.read_items(some, index=index).values():
                yield FoundPhoto(
                    item_id=point.item.id,
                    index=index,
                    title=str(point.item.attributes.get("title", "")),
                    link=point.photo.link,
                    sha256=point.photo.sha256,
                    phash=point.photo.phash,
                )


def _measure_hashes(photos: Sequence[FoundPhoto], places: Sequence[int], thumbnails: Thumbnails) -> dict[int, str]:
    """Hashes by place; of photos indexed before there were any, from their thumbnails (at most 6 bits of difference,
    none in 90 % of them)."""
    hashes: dict[int, str] = {}
    for place in places:
        phash = photos[place].phash
        if not phash and (jpeg := thumbnails.read(photos[place].sha256)) is not None:
            try:
                phash = compute_phash(decode_photo(jpeg).picture)
            except PhotoError:
                continue
        if phash:
            hashes[place] = phash
    return hashes


def _link_same(groups: Sequence[Sequence[int]]) -> _Links:
    pairs = [(places[0], other) for places in groups for other in places[1:]]
    return _Links(
        pairs=np.array(pairs, np.intp).reshape(-1, 2),
        bits=np.zeros(len(pairs), np.intp),
        similarities=np.ones(len(pairs), np.float32),
    )


def _link_near(
    photos: Sequence[FoundPhoto],
    hashes: Mapping[int, str],
    store: Store,
    space: str,
    rule: DuplicateRule,
    max_bits: int,
) -> _Links:
    places = np.array(list(hashes), np.intp)
    close = find_close_hashes(list(hashes.values()), max_bits, most=MOST_PAIRS)
    if close is None:
        raise QueryError(
            f"more than {MOST_PAIRS} pairs of photos differ in {max_bits} bits of their hash or fewer; "
            "ask with a smaller --max-bits, or with --exact for equal files only",
            code="too_many_pairs",
        )
    rows, vectors = _read_vectors(photos, places, np.unique(close), store, space)
    close = close[(rows[close] >= 0).all(axis=1)]
    similarities = np.zeros(len(close), np.float32)
    for start in range(0, len(close), _AT_ONCE * 20):
        some = slice(start, start + _AT_ONCE * 20)
        one, other = rows[close[some]].T
        similarities[some] = np.einsum("ij,ij->i", vectors[one], vectors[other])
    numbers = to_numbers(list(hashes.values()))
    near = similarities >= rule.min_similarity
    pairs = close[near]
    bits = count_bits(numbers[pairs[:, 0]] ^ numbers[pairs[:, 1]]).astype(np.intp)
    return _Links(pairs=places[pairs], bits=bits, similarities=similarities[near])


def _read_vectors(
    photos: Sequence[FoundPhoto], places: NDArray[np.intp], wanted: NDArray[np.intp], store: Store, space: str
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Row of each hash in the matrix that comes along, -1 where there is no vector."""
    by_index: dict[int, dict[str, int]] = defaultdict(dict)
    for hashed in wanted.tolist():
        photo = photos[places[hashed]]
        by_index[photo.index][photo.item_id] = hashed
    rows = np.full(len(places), -1, np.intp)
    vectors: list[NDArray[np.float32]] = []
    for index, hashed_of in by_index.items():
        for some in _take(list(hashed_of)):
            for item_id, point in store.read_items(some, index=index, spaces=[space]).items():
                if (vector := point.vectors.get(space)) is not None:
                    rows[hashed_of[item_id]] = len(vectors)
                    vectors.append(vector)
    return rows, np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)


def _join(photos: Sequence[FoundPhoto], links: Sequence[_Links]) -> list[DuplicateGroup]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([each.pairs for each in links])
    bits = np.concatenate([each.bits for each in links])
    similarities = np.concatenate([each.similarities for each in links])
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(photos), len(photos)))
    group_of = connected_components(graph, directed=False)[1]
    members: dict[int, list[FoundPhoto]] = defaultdict(list)
    for place in np.unique(pairs).tolist():
        members[int(group_of[place])].append(photos[place])
    of_link = group_of[pairs[:, 0]] if len(pairs) else np.zeros(0, np.intp)
    return [
        DuplicateGroup(
            photos=found,
            exact=len({photo.sha256 for photo in found}) == 1,
            bits=int(bits[of_link == group].max()),
            similarity=float(min(similarities[of_link == group].min(), 1)),
        )
        for group, found in sorted(members.items(), key=lambda pair: (pair[1][0].item_id, pair[1][0].index))
    ]


def _take(item_ids: Sequence[str]) -> Iterator[list[str]]:
    left = iter(item_ids)
    while some := list(islice(left, _AT_ONCE)):
        yield some
