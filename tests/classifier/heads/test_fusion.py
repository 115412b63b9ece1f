"""Weights of the fusion: the space that knows the answer gets the weight; precision is what scikit-learn finds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from classifier.heads.fusion import K, choose_weights, mark_relevant
from search.embedding import normalise_rows


def make_space(rng, labels, *, noise, dimension=16):
    """Rows around one centre a label; with much noise they say nothing of it."""
    centres = np.random.default_rng(7).standard_normal((labels.max() + 1, dimension))
    return normalise_rows((centres[labels] + noise * rng.standard_normal((len(labels), dimension))).astype(np.float32))


@pytest.fixture
def shop():
    rng = np.random.default_rng(0)
    asked, there = rng.integers(0, 12, 80), rng.integers(0, 12, 400)
    return {
        "relevant": mark_relevant([asked], [there]),
        "queries": {"good": make_space(rng, asked, noise=0.4), "noise": make_space(rng, asked, noise=50)},
        "gallery": {"good": make_space(rng, there, noise=0.4), "noise": make_space(rng, there, noise=50)},
    }


def test_the_space_that_knows_gets_the_weight(shop):
    weights, precision = choose_weights(shop["queries"], shop["gallery"], shop["relevant"])
    assert weights["good"] > 0.6
    assert sum(weights.values()) == pytest.approx(1)
    alone = NearestNeighbors(n_neighbors=K, metric="cosine").fit(shop["gallery"]["noise"])
    found = alone.kneighbors(shop["queries"]["noise"], return_distance=False)
    assert precision > np.take_along_axis(shop["relevant"], found, axis=1).mean() + 0.5


def test_one_space_alone_is_measured_as_scikit_learn_would(shop):
    _, precision = choose_weights(
        {"good": shop["queries"]["good"]}, {"good": shop["gallery"]["good"]}, shop["relevant"]
    )
    peer = NearestNeighbors(n_neighbors=K, metric="cosine").fit(shop["gallery"]["good"])
    found = peer.kneighbors(shop["queries"]["good"], return_distance=False)
    assert precision == pytest.approx(np.take_along_axis(shop["relevant"], found, axis=1).mean())


def test_an_unknown_label_agrees_with_nothing():
    marks = mark_relevant([np.array([0, -1]), np.array([1, 1])], [np.array([0, -1, 0]), np.array([1, 1, 2])])
    assert marks.tolist() == [[True, False, False], [False, False, False]]


def test_without_any_answer_the_weights_are_even(shop):
    nothing = np.zeros_like(shop["relevant"])
    assert choose_weights(shop["queries"], shop["gallery"], nothing) == ({"good": 0.5, "noise": 0.5}, 0.0)
