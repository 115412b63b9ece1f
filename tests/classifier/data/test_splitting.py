"""Nothing a model is measured by was learnt from: groups and equal photos stay together, in any order."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from classifier.data.splitting import assign_splits, pick_stratified

GROUPS = [f"style {n // 3}" for n in range(3_000)]
PHOTOS = [f"photo {n}" for n in range(3_000)]


def test_groups_stay_together_and_shares_are_about_as_asked():
    splits = assign_splits(GROUPS, PHOTOS)
    assert len(set(zip(GROUPS, splits, strict=True))) == len(set(GROUPS))
    shares = {split: count / len(splits) for split, count in Counter(splits).items()}
    assert shares["val"] == pytest.approx(0.1, abs=0.03)
    assert shares["test"] == pytest.approx(0.1, abs=0.03)


def test_the_order_of_rows_does_not_matter_and_the_seed_does():
    splits = dict(zip(PHOTOS, assign_splits(GROUPS, PHOTOS), strict=True))
    rows = list(zip(GROUPS, PHOTOS, strict=True))
    random.Random(3).shuffle(rows)
    groups, photos = zip(*rows, strict=True)
    assert dict(zip(photos, assign_splits(groups, photos), strict=True)) == splits
    assert assign_splits(GROUPS, PHOTOS, seed=1) != assign_splits(GROUPS, PHOTOS)


def test_equal_photos_tie_groups_together_through_any_chain():
    groups = [f"item {n}" for n in range(200) for _ in range(2)]
    photos = [photo for n in range(200) for photo in (f"shared {n}", f"shared {n + 1}")]
    assert len(set(assign_splits(groups, photos))) == 1


def test_what_the_data_says_is_taken_and_equal_photos_go_to_the_earlier_split():
    groups, photos = list("abcdefg"), ["p", "q", "r", "s", "s", "u", "u"]
    said = ["Training", "valid", "TEST", "test", "train", "test", "dev"]
    assert assign_splits(groups, photos, said) == ["train", "val", "test", "train", "train", "val", "val"]


def test_rows_nobody_placed_are_dealt_and_join_what_they_share_a_photo_with():
    groups, photos = [f"g{n}" for n in range(100)], [f"p{n % 50}" for n in range(100)]
    said = ["test"] * 50 + [None] * 25 + ["other"] * 25
    assert assign_splits(groups, photos, said) == ["test"] * 100
    undealt = assign_splits(groups, [f"p{n}" for n in range(100)], [None] * 100)
    assert undealt == assign_splits(groups, [f"p{n}" for n in range(100)])


def test_a_stratified_choice_has_its_share_of_every_label():
    labels = np.repeat([0, 1, 2], [1_000, 100, 40])
    picked = pick_stratified(labels, 0.25, seed=5)
    assert np.bincount(labels[picked]).tolist() == [250, 25, 10]
    assert np.array_equal(picked, pick_stratified(labels, 0.25, seed=5))
    assert not np.array_equal(picked, pick_stratified(labels, 0.25, seed=6))
