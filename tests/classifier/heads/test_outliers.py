"""The outlier score: what it tells apart, and that neither tiny nor odd catalogues break it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classifier.heads.outliers import (
    CENTROIDS,
    OutlierModel,
    find_centroids,
    fit_outliers,
    measure_distances,
    measure_left_out,
)
from search.embedding import normalise_rows
from search.errors import InputError, IntegrityError

DIMENSION = 64


def make_pools(count: int, seed: int, *, kinds: int = 5, noise: float = 0.25, start: int = 0) -> np.ndarray:
    """Pools of photos of so many kinds, each around a direction of its own; lengths differ as pools' do."""
    random = np.random.default_rng(seed)
    middles = np.eye(DIMENSION)[start : start + kinds]
    photos = middles[random.integers(0, kinds, count)] + noise * random.normal(size=(count, DIMENSION)) / 8
    pools = np.zeros((count, 4, DIMENSION), np.float32)
    pools[:, 0] = photos * random.uniform(2, 9, (count, 1))
    return pools


def make_strangers(count: int, seed: int) -> np.ndarray:
    """Pools in directions that no photo of `make_pools` has."""
    return make_pools(count, seed, start=30)


@pytest.fixture(scope="module")
def model() -> OutlierModel:
    return fit_outliers(make_pools(400, 1), make_pools(60, 2), encoder="net")


def test_strangers_are_told_from_unseen_photos(model):
    own, strange = model.score({"net": make_pools(500, 3)}), model.score({"net": make_strangers(200, 4)})
    assert (own > model.threshold).mean() < 0.01
    assert (strange > 0.95).all()
    assert own.min() >= 0
    assert strange.max() <= 1


def test_a_photo_s_length_changes_nothing(model):
    pools = make_pools(20, 5)
    assert np.allclose(model.score({"net": pools}), model.score({"net": 7 * pools}), atol=1e-5)


def test_a_score_does_not_depend_on_the_batch(model):
    pools = make_pools(20, 6)
    alone = [model.score({"net": pools[n : n + 1]})[0] for n in range(20)]
    assert np.allclose(alone, model.score({"net": pools}), atol=1e-5)


def test_only_the_named_encoder_is_looked_at(model):
    pools = make_pools(8, 7)
    assert np.array_equal(model.score({"net": pools, "color": make_strangers(8, 8)}), model.score({"net": pools}))


def test_an_empty_picture_is_an_outlier(model):
    assert model.score({"net": np.zeros((1, 4, DIMENSION), np.float32)})[0] > 0.95


def test_no_photos_have_no_scores(model):
    assert model.score({"net": np.zeros((0, 4, DIMENSION), np.float32)}).shape == (0,)


def test_a_rare_kind_is_not_an_outlier():
    """One photo in a hundred is of a kind of its own; others of that kind belong, all but a few."""
    train = np.concatenate([make_pools(396, 1), make_pools(4, 2, kinds=1, start=20)])
    model = fit_outliers(train, make_pools(60, 3), encoder="net")
    assert (model.score({"net": make_pools(50, 4, kinds=1, start=20)}) < model.threshold).mean() > 0.9
    assert (model.score({"net": make_strangers(50, 5)}) > model.threshold).all()


def test_it_survives_being_kept(model):
    settings = json.loads(json.dumps(model.settings))
    kept = OutlierModel.from_arrays(model.to_arrays(), settings)
    pools = np.concatenate([make_pools(10, 9), make_strangers(10, 10)])
    assert np.array_equal(kept.score({"net": pools}), model.score({"net": pools}))
    assert settings["threshold"] == kept.threshold


@pytest.mark.parametrize(
    ("arrays", "changes"),
    [
        ({}, {}),
        ({"centroids": np.zeros((0, 3), np.float32)}, {}),
        ({"centroids": np.zeros((2, 3), np.float32)}, {"spread": "wide"}),
        ({"centroids": np.zeros((2, 3), np.float32)}, {"spread": 0}),
    ],
    ids=["no centroids", "none left", "not a number", "no spread"],
)
def test_a_damaged_model_is_refused(arrays, changes):
    with pytest.raises(IntegrityError, match="train the classifier again"):
        OutlierModel.from_arrays(arrays, {"encoder": "net", "middle": 0.1, "spread": 0.2} | changes)


def test_the_same_seed_gives_the_same_model():
    first, second = (fit_outliers(make_pools(100, 1), make_pools(10, 2), encoder="net", seed=3) for _ in range(2))
    assert np.array_equal(first.centroids, second.centroids)
    assert (first.middle, first.spread) == (second.middle, second.spread)


@pytest.mark.parametrize("val", [0, 1, 10])
def test_fifty_photos_are_enough(val):
    model = fit_outliers(make_pools(50, 1), make_pools(val, 2), encoder="net")
    assert (model.score({"net": make_pools(300, 3)}) > model.threshold).mean() < 0.03
    assert (model.score({"net": make_strangers(100, 4)}) > model.threshold).all()


def test_half_precision_is_taken():
    model = fit_outliers(make_pools(80, 1).astype(np.float16), make_pools(10, 2).astype(np.float16), encoder="net")
    assert model.centroids.dtype == np.float32
    assert (model.score({"net": make_strangers(20, 3).astype(np.float16)}) > model.threshold).all()


def test_a_catalogue_of_one_picture_many_times():
    """Not one number varies: the picture itself belongs, and so does the least noise on it."""
    train = np.repeat(make_pools(1, 1), 60, axis=0)
    model = fit_outliers(train, train[:5], encoder="net")
    assert len(model.centroids) == 1
    assert model.score({"net": train[:1]})[0] < 0.01
    assert model.score({"net": make_strangers(1, 2)})[0] > 0.95


def test_one_photo_is_no_catalogue():
    with pytest.raises(InputError, match="two at least"):
        fit_outliers(make_pools(1, 1), make_pools(0, 2), encoder="net")


def test_centroids_are_of_unit_length_and_no_more_than_asked():
    photos = normalise_rows(make_pools(900, 1)[:, 0])
    centroids = find_centroids(photos, CENTROIDS, np.random.default_rng(0))
    assert 5 < len(centroids) <= CENTROIDS
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)


def test_left_out_is_what_leaving_out_gives():
    """Two groups of two: each photo's own centroid, without it, is its neighbour."""
    photos = normalise_rows(np.array([[1, 0.1, 0], [1, 0, 0], [0, 0.2, 1], [0, 0, 1]], np.float32))
    centroids = normalise_rows(np.stack([photos[:2].sum(axis=0), photos[2:].sum(axis=0)]))
    expected = [1 - photos[0] @ photos[1]] * 2 + [1 - photos[2] @ photos[3]] * 2
    assert np.allclose(measure_left_out(photos, centroids), expected, atol=1e-6)
    assert (measure_distances(photos, centroids) < measure_left_out(photos, centroids)).all()
