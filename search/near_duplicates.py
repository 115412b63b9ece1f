"""Which photos show the same picture: what makes two near duplicates, and a ranked list without them.

Works with perceptual hashes and embeddings of the backbone's space. Knows nothing of stores or files.

Neither sign is enough alone. A hash of 64 bits says that light and dark lie alike, and a shop's photos of plain shirts
on one model do; an embedding says that the same thing is seen, and two cuts of a shirt are. Together they were measured
on the 6,000 photos of the shared catalogue, EfficientNet-Lite0's embeddings:

    150 photos altered    bits: median, most   least cosine   near duplicates
    JPEG quality 90       0, 2                 0.994          150
    JPEG quality 70       0, 2                 0.990          150
    enlarged to 600 px    2, 8                 0.955          138
    1 % cut off all round 4, 10                0.960          137
    3 % cut off all round 8, 20                0.945          45
    JPEG quality 40       0, 4                 0.866          50
    halved to 112 px      0, 2                 0.698          0

Of the 17,997,000 pairs of two files, 41 have the same bytes. Of the others, 8,497 are within 6 bits and 20 reach a
cosine of 0.97; 12 do both, of which some are one picture under two ids and the rest one cut in two colours. With 10
bits and 0.95, which finds all cuts of 1 % and most of 3 %, it is 181: stripes and checks on one model in other colours.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from search.embedding import Vector
from search.perceptual_hash import HASH_BITS, count_bits, to_numbers

MAX_BITS = 6
"""Of the hash's 64; a resaved or resized file differs in 0 to 6, see above."""

MIN_SIMILARITY = 0.97
"""Cosine of the two embeddings in the backbone's space."""

Key = TypeVar("Key", bound=Hashable)


def drop_near_duplicates(
    ranked: Sequence[tuple[Key, str, Vector | None]],
    *,
    max_bits: int = MAX_BITS,
    min_similarity: float = MIN_SIMILARITY,
) -> dict[Key, list[Key]]:
    """What stays of a ranked list when of every near duplicate the first is kept: n times kept comparisons.

    Each is compared with those kept before it, so the list that is kept has no two near duplicates.

    Args:
        ranked: key, perceptual hash and unit vector; without a hash a photo is no one's duplicate, and where one of two
            has no vector their hashes decide, which then have to be equal.

    Returns:
        By the keys that are kept, in their order: the keys that were dropped as duplicates of each.
    """
    kept: dict[Key, list[Key]] = {}
    names: list[Key] = []
    vectors: list[Vector | None] = []
    hashes = np.zeros(len(ranked), np.uint64)
    numbers = to_numbers([phash or "0" for _, phash, _ in ranked])
    for number, (key, phash, vector) in zip(numbers, ranked, strict=True):
        if not phash:
            kept[key] = []
            continue
        bits = count_bits(hashes[: len(names)] ^ number)
        same = next(
            (
                place
                for place in np.flatnonzero(bits <= max_bits).tolist()
                if is_near(int(bits[place]), vector, vectors[place], max_bits, min_similarity)
            ),
            None,
        )
        if same is not None:
            kept[names[same]].append(key)
            continue
        hashes[len(names)] = number
        names.append(key)
        vectors.append(vector)
        kept[key] = []
    return kept


def is_near(bits: int, one: Vector | None, other: Vector | None, max_bits: int, min_similarity: float) -> bool:
    """Whether two photos whose hashes differ in this many bits are near duplicates."""
    if one is None or other is None:
        return bits == 0
    return bits <= max_bits and float(one @ other) >= min_similarity


def find_close_hashes(hashes: Sequence[str], max_bits: int, *, most: int) -> NDArray[np.intp] | None:
    """All pairs of hashes that differ in at most `max_bits` bits, shape (pairs, 2), the lower place first, in order.

    Two such hashes agree in one of `max_bits + 1` parts at least, so only hashes with an equal part are compared
    (M. Norouzi, A. Punjani and D. J. Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012). Of
    100,000 hashes, the shared catalogue's with 6 bits of each changed at random, that leaves one pair in forty.

    Args:
        most: None comes back instead of more pairs than this.
    """
    numbers = to_numbers(hashes)
    masks = _part_bits(max_bits + 1)
    found: list[NDArray[np.intp]] = [np.zeros((0, 2), np.intp)]
    count = 0
    for part, mask in enumerate(masks):
        order = np.argsort(numbers & mask, kind="stable")
        ordered = numbers[order]
        keys = ordered & mask
        ends = np.searchsorted(keys, keys, side="right")
        places = np.arange(len(keys))
        step = 0
        while len(places):  # each with the one that stands `step` places on, as long as that is of the same part
            step += 1
            places = places[ends[places] > places + step]
            differing = ordered[places] ^ ordered[places + step]
            near = count_bits(differing) <= max_bits
            for earlier in masks[:part]:  # found there already
                near &= (differing & earlier) != 0
            if near.any():
                pairs = np.stack([order[places[near]], order[places[near] + step]], axis=1)
                found.append(np.sort(pairs, axis=1))
                count += len(pairs)
                if count > most:
                    return None
    pairs = np.concatenate(found)
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))], np.intp)


def _part_bits(parts: int) -> list[np.uint64]:
    """Masks that share all bits of a hash between them, every n-th to each, as bits side by side are alike."""
    return [np.uint64(sum(1 << bit for bit in range(first, HASH_BITS, parts))) for first in range(parts)]
