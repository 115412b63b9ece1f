"""What is a near duplicate: pairs of hashes against every pair, and ranked lists without them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.near_duplicates import drop_near_duplicates, find_close_hashes
from search.perceptual_hash import count_differing_bits


def flip(phash: str, bits: int) -> str:
    return f"{int(phash, 16) ^ ((1 << bits) - 1):016x}"


def turn(cosine: float) -> np.ndarray:
    """A unit vector with this cosine to (1, 0)."""
    return np.array([cosine, np.sqrt(1 - cosine**2)], np.float32)


BASE = "0123456789abcdef"
hashes = st.lists(
    st.builds(
        lambda start, flips: f"{start ^ sum(1 << bit for bit in flips):016x}",
        st.sampled_from([0, 2**64 - 1, 0x0123456789ABCDEF, 0xFF00FF00FF00FF00]),
        st.sets(st.integers(0, 63), max_size=8),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(hashes, st.integers(0, 24))
def test_close_hashes_are_those_that_comparing_all_gives(found: list[str], max_bits: int) -> None:
    expected = [
        [one, other]
        for one in range(len(found))
        for other in range(one + 1, len(found))
        if count_differing_bits(found[one], found[other]) <= max_bits
    ]
    pairs = find_close_hashes(found, max_bits, most=1_000)
    assert pairs is not None
    assert pairs.tolist() == expected


def test_too_many_pairs_are_none() -> None:
    assert find_close_hashes([BASE] * 10, 6, most=45) is not None
    assert find_close_hashes([BASE] * 10, 6, most=44) is None


def test_both_signs_have_to_agree() -> None:
    near, far = turn(0.98), turn(0.9)
    ranked = [
        ("first", BASE, turn(1.0)),
        ("same", flip(BASE, 6), near),
        ("seen otherwise", BASE, far),
        ("lit otherwise", flip(BASE, 7), near),
    ]
    assert drop_near_duplicates(ranked) == {"first": ["same"], "seen otherwise": [], "lit otherwise": []}
    assert list(drop_near_duplicates(ranked, max_bits=7, min_similarity=0.8)) == ["first"]


def test_what_is_dropped_hides_nothing_after_it() -> None:
    """The third is near the second, which is gone, and not near the first."""
    ranked = [(name, flip(BASE, bits), turn(1.0)) for name, bits in (("a", 0), ("b", 6), ("c", 12))]
    assert drop_near_duplicates(ranked) == {"a": ["b"], "c": []}


def test_without_a_hash_nothing_is_a_duplicate_and_without_a_vector_only_the_same_hash() -> None:
    ranked = [
        (1, "", turn(1.0)),
        (2, "", turn(1.0)),
        (3, BASE, None),
        (4, BASE, turn(1.0)),
        (5, flip(BASE, 1), None),
        (6, "0" * 16, turn(1.0)),
    ]
    assert drop_near_duplicates(ranked) == {1: [], 2: [], 3: [4], 5: [], 6: []}
    assert drop_near_duplicates([]) == {}


@settings(max_examples=100, deadline=None)
@given(hashes)
def test_the_kept_ones_are_in_order_and_far_from_one_another(found: list[str]) -> None:
    kept = drop_near_duplicates([(place, phash, turn(1.0)) for place, phash in enumerate(found)])
    assert list(kept) == sorted(kept)
    assert sorted([*kept, *(each for dropped in kept.values() for each in dropped)]) == list(range(len(found)))
    for first, dropped in kept.items():
        assert all(count_differing_bits(found[first], found[each]) <= 6 < 64 for each in dropped)
        assert all(count_differing_bits(found[first], found[other]) > 6 for other in kept if other != first)


def test_what_is_no_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="non-hexadecimal"):
        find_close_hashes(["not a hash at al"], 3, most=10)
