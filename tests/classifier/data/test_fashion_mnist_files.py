"""Fashion-MNIST is fetched once, checked, kept whole, and refused when it is not what it should be."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest

from classifier.data import fashion_mnist_files
from classifier.data.fashion_mnist_files import (
    CATEGORIES,
    IMAGES,
    LABELS,
    TEST,
    TEST_IMAGES,
    TEST_LABELS,
    load_fashion_mnist,
)
from classifier.data.fetching import fetch_from_debian
from search.errors import IntegrityError, NotFoundError


@pytest.fixture(autouse=True)
def _not_installed(monkeypatch, tmp_path):
    """As on a machine where the package is not installed."""
    monkeypatch.setattr(fashion_mnist_files, "_INSTALLED", tmp_path / "nowhere")


def fetch_rubbish(names, aside, _):
    for name in names:
        (aside / name).write_bytes(gzip.compress(b"rubbish"))


def fetch_half(names, aside, _):
    (aside / names[0]).write_bytes(gzip.compress(b"rubbish" * 1000)[:20])
    raise NotFoundError("the line went dead")


def test_what_was_tried_is_said_and_nothing_of_it_stays(tmp_path):
    sources = (("rubbish", fetch_rubbish), ("half", fetch_half))
    with pytest.raises(NotFoundError, match=r"rubbish: .*SHA-256.*half: the line went dead"):
        load_fashion_mnist(cache=tmp_path / "cache", sources=sources)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_damaged_file_in_a_given_folder_is_refused_by_name(tmp_path):
    for name in (IMAGES, LABELS):
        (tmp_path / name).write_bytes(b"not gzip")
    with pytest.raises(IntegrityError, match=IMAGES):
        load_fashion_mnist(cache=tmp_path / "cache", folder=tmp_path)


def test_apt_is_not_asked_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFoundError, match="not a Debian system"):
        fetch_from_debian((IMAGES, LABELS), tmp_path, print)


@pytest.mark.parametrize("layout", ["FashionMNIST/raw", "raw", "."])
def test_torchvisions_tree_is_found(layout, fashion_mnist_dir, tmp_path):
    place = tmp_path / layout
    place.mkdir(parents=True, exist_ok=True)
    for name in (IMAGES, LABELS):
        (place / name).symlink_to(fashion_mnist_dir / name)
    loaded = load_fashion_mnist(cache=tmp_path / "cache", folder=tmp_path)
    assert loaded.images.shape == (60_000, 28, 28)
    assert np.bincount(loaded.labels).tolist() == [6_000] * len(CATEGORIES)


def test_it_is_fetched_once_and_again_when_the_cache_is_damaged(fashion_mnist_dir, tmp_path):
    fetched = []

    def fetch(names, aside, _):
        fetched.append(names)
        for name in names:
            shutil.copy(fashion_mnist_dir / name, aside / name)

    for times in (1, 1):
        load_fashion_mnist(cache=tmp_path, sources=(("copy", fetch),))
        assert len(fetched) == times
    (tmp_path / "fashion-mnist" / LABELS).write_bytes(b"rubbish")
    load_fashion_mnist(cache=tmp_path, sources=(("copy", fetch),))
    assert len(fetched) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["fashion-mnist"]


def test_the_two_parts_are_kept_apart(fashion_mnist_dir, tmp_path):
    fetched = []

    def fetch(names, aside, _):
        fetched.extend(names)
        for name in names:
            shutil.copy(fashion_mnist_dir / name, aside / name)

    load_fashion_mnist(cache=tmp_path, sources=(("copy", fetch),))
    assert fetched == [IMAGES, LABELS]
    test = load_fashion_mnist(TEST, cache=tmp_path, sources=(("copy", fetch),))
    assert fetched == [IMAGES, LABELS, TEST_IMAGES, TEST_LABELS]
    assert test.images.shape == (10_000, 28, 28)
    assert np.bincount(test.labels).tolist() == [1_000] * len(CATEGORIES)
