"""The port's own implementations: arrays, lazily loaded ones, resized ones; and what fingerprints tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.data.images import ArrayImages, LazyImages, Splits, stack_images
from classifier.data.resized import resize_splits
from search.errors import InputError

COLOURS = ("blue", "green", "red")


def make_images(count=6, *, colour=None, ids=None, **more):
    pixels = np.arange(count * 4 * 4 * 3, dtype=np.uint32).astype(np.uint8).reshape(count, 4, 4, 3)
    colour = np.arange(count) % 3 if colour is None else np.array(colour)
    seen = np.eye(count, 2, dtype=np.uint8)
    return ArrayImages(
        pixels,
        {"color": colour, "pattern": seen},
        name="made",
        attributes={"color": COLOURS, "pattern": ("dots", "stripes")},
        multi=frozenset({"pattern"}),
        ids=ids,
        **more,
    )


def test_a_batch_is_the_images_in_the_order_asked_for_and_never_a_view():
    images = make_images()
    batch = images.read_batch([4, 0, 4])
    assert batch.shape == (3, 4, 4, 3)
    assert np.array_equal(batch, images.images[[4, 0, 4]])
    assert np.array_equal(batch, stack_images(images, [4, 0, 4]))
    before = images.read_image(4)
    batch[:] = 0
    assert np.array_equal(images.read_image(4), before)
    assert before.any()


def test_some_rows_of_an_array_are_images_of_their_own():
    whole = make_images()
    rows = np.array([5, 1])
    some = ArrayImages(whole.images, {"n": np.array([0, 1])}, name="some", attributes={"n": ("a", "b")}, rows=rows)
    assert len(some) == 2
    assert np.array_equal(some.read_image(0), whole.read_image(5))
    assert np.array_equal(some.read_batch([1, 0]), whole.images[[1, 5]])
    assert np.array_equal(some.images, whole.images[[5, 1]])


def test_a_fingerprint_changes_with_a_label_an_id_a_pixel_hash_and_with_what_a_number_means():
    prints = [
        make_images().fingerprint,
        make_images(colour=[0, 1, 2, 0, 1, 1]).fingerprint,
        make_images(colour=[0, 1, 2, 0, 1, -1]).fingerprint,
        make_images(ids=list("abcdef")).fingerprint,
        make_images(hashes=list("123456")).fingerprint,
        ArrayImages(
            make_images().images,
            make_images().read_labels(),
            name="made",
            attributes={"color": ("blue", "green", "rust"), "pattern": ("dots", "stripes")},
            multi=frozenset({"pattern"}),
        ).fingerprint,
    ]
    assert len(set(prints)) == len(prints)
    assert prints[0] == make_images().fingerprint


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"color": np.array([0, 3])}, "from 0 to 3"),
        ({"color": np.array([0, -2])}, "from -2 to 0"),
        ({"color": np.array([0])}, "shape"),
        ({"colour": np.array([0, 1])}, "colour"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, said):
    with pytest.raises(InputError, match=said):
        ArrayImages(np.zeros((2, 4, 4, 1), np.uint8), labels, name="made", attributes={"color": COLOURS})


def test_lazy_images_are_loaded_once_and_only_when_asked():
    loads = []

    def load():
        loads.append(1)
        return make_images()

    lazy = LazyImages(load, name="lazy", shape=(4, 4, 3), attributes={"color": COLOURS})
    splits = Splits(train=make_images(), val=make_images(colour=[0] * 6), test=lazy)
    assert splits.fingerprint != Splits(train=splits.val, val=splits.train, test=lazy).fingerprint
    assert resize_splits(splits, side=8, channels=1).test.shape == (8, 8, 1)
    assert not lazy.loaded
    assert len(lazy) == 6
    assert np.array_equal(lazy.read_batch([2]), make_images().read_batch([2]))
    assert loads == [1]


def test_resized_images_have_the_size_and_channels_asked_for_and_keep_the_rest():
    grey = ArrayImages(
        np.full((3, 4, 4, 1), 90, np.uint8), {"n": np.array([0, 1, 0])}, name="grey", attributes={"n": ("a", "b")}
    )
    splits = Splits(train=grey, val=grey, test=grey)
    assert resize_splits(splits, side=4, channels=1) is splits
    larger = resize_splits(splits, side=9, channels=3).train
    assert larger.shape == (9, 9, 3)
    assert np.array_equal(larger.read_batch([0, 2]), np.full((2, 9, 9, 3), 90))
    assert larger.read_image(1).shape == (9, 9, 3)
    assert larger.fingerprint == grey.fingerprint
    assert larger.read_labels()["n"].tolist() == [0, 1, 0]
