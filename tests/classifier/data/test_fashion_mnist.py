"""Fashion-MNIST's splits: their sizes, that they share no image, and that the test is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.data import fashion_mnist
from classifier.data.fashion_mnist import load_fashion_mnist_splits
from classifier.data.fashion_mnist_files import CATEGORIES, TEST, load_fashion_mnist


@pytest.fixture(scope="module")
def splits(fashion_mnist_dir, tmp_path_factory):
    return load_fashion_mnist_splits(fashion_mnist_dir, cache=tmp_path_factory.mktemp("cache"))


def test_every_kind_is_in_every_split_as_often_and_no_image_is_in_two(splits):
    assert splits.train.shape == splits.val.shape == splits.test.shape == (28, 28, 1)
    for images, each in ((splits.train, 5_500), (splits.val, 500)):
        assert images.attributes == {"product_type": CATEGORIES}
        assert np.bincount(images.read_labels()["product_type"]).tolist() == [each] * 10
    train, val = set(splits.train.ids), set(splits.val.ids)
    assert len(train) == 55_000
    assert len(val) == 5_000
    assert not train & val


def test_images_stand_beside_their_own_labels(splits, fashion_mnist_dir, tmp_path):
    whole = load_fashion_mnist(cache=tmp_path, folder=fashion_mnist_dir)
    for images in (splits.train, splits.val):
        rows = [int(images.ids[n].removeprefix("train/")) for n in (0, 77, len(images) - 1)]
        assert np.array_equal(images.read_batch([0, 77, len(images) - 1])[..., 0], whole.images[rows])
        assert images.read_labels()["product_type"][[0, 77, -1]].tolist() == whole.labels[rows].tolist()


def test_the_test_is_not_read_for_training_and_choosing(fashion_mnist_dir, tmp_path, monkeypatch):
    asked = []

    def load(part, **arguments):
        asked.append(part)
        return load_fashion_mnist(part, **arguments)

    monkeypatch.setattr(fashion_mnist, "load_fashion_mnist", load)
    splits = load_fashion_mnist_splits(fashion_mnist_dir, cache=tmp_path)
    assert len(splits.fingerprint) == 64
    assert TEST not in asked
    assert len(splits.test) == 10_000
    assert TEST in asked


def test_a_seed_says_which_images_are_for_choosing(splits, fashion_mnist_dir, tmp_path):
    again = load_fashion_mnist_splits(fashion_mnist_dir, cache=tmp_path)
    other = load_fashion_mnist_splits(fashion_mnist_dir, cache=tmp_path, seed=1)
    assert again.fingerprint == splits.fingerprint != other.fingerprint
    assert list(again.val.ids) == list(splits.val.ids)
