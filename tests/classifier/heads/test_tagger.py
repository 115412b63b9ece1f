"""Tagging: what torch trained is what numpy says, whatever the batch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from classifier.heads.artefact import Heads
from classifier.heads.assembly import even_out, list_columns, prepare_rows
from classifier.heads.members import train_member
from classifier.heads.schema import encode_labels
from classifier.heads.tagger import HeadsTagger
from classifier.heads.vector import DIMENSION, fit_recipe
from search.errors import InputError
from tests.classifier.heads.made_photos import FEATURES, OPTIONS, make_photos


def take(pools, rows):
    return {name: values[rows] for name, values in pools.items()}


def test_numpy_says_what_torch_says(heads, photos, fresh):
    """The first member alone, trained again, against its part of the assembled network."""
    import torch

    plan = OPTIONS.members[0]
    columns = list_columns(heads.model.preparations, plan)
    train = prepare_rows(heads.model.preparations, photos.pools)
    scale = even_out(train[:, columns], plan.evenness)
    labels = [len(attribute.labels) for attribute in heads.schema.attributes]
    network = train_member(
        train[:, columns] * scale,
        encode_labels(photos.labels, heads.schema),
        labels,
        plan,
        batch=OPTIONS.batch,
        seed=OPTIONS.seed,
        progress=lambda loss: None,
    )
    components = heads.model.prepare(fresh.pools)
    with torch.no_grad():
        expected = network.hidden(torch.from_numpy(components[:, columns] * scale)).numpy()
        expected = np.maximum(expected, 0)
    assert np.abs(heads.model.layers[0].compute(components) - expected).max() < 1e-5


def test_a_photo_is_tagged_alike_alone_and_among_others(heads, fresh):
    tagger = HeadsTagger(heads)
    together = tagger.tag(fresh.pools)
    assert len(together) == 200
    for row in (0, 7, 199):
        (alone,) = tagger.tag(take(fresh.pools, slice(row, row + 1)))
        assert np.abs(alone.vector - together[row].vector).max() < 1e-6
        for name, prediction in alone.predictions.items():
            other = together[row].predictions[name]
            assert prediction.accepted == other.accepted
            assert [label for label, _ in prediction.values] == [label for label, _ in other.values]
            assert [p for _, p in prediction.values] == pytest.approx([p for _, p in other.values], abs=1e-6)


def test_more_photos_than_fit_at_once_come_back_in_order(heads):
    many = make_photos(1_100, seed=8)
    tagger = HeadsTagger(heads)
    taggings = tagger.tag(many.pools)
    (last,) = tagger.tag(take(many.pools, slice(1_099, 1_100)))
    assert len(taggings) == 1_100
    assert np.abs(taggings[-1].vector - last.vector).max() < 1e-6
    assert tagger.tag(take(many.pools, slice(0, 0))) == []


def test_the_space_is_the_weights_own(heads):
    tagger = HeadsTagger(heads)
    assert tagger.version == heads.weights_sha256[:8]
    assert (tagger.space.name, tagger.space.dimension, tagger.space.trained) == ("classifier", DIMENSION, True)
    assert tagger.space.weights_sha256 == heads.weights_sha256


def test_items_with_the_same_labels_are_neighbours(heads, photos, fresh):
    tagger = HeadsTagger(heads)
    gallery = np.stack([each.vector for each in tagger.tag(photos.pools)])
    queries = np.stack([each.vector for each in tagger.tag(fresh.pools)])
    assert np.linalg.norm(queries, axis=1) == pytest.approx(1, abs=1e-5)
    nearest = (queries @ gallery.T).argmax(axis=1)
    for name in ("product_type", "color"):
        agree = [fresh.labels[name][row] == photos.labels[name][found] for row, found in enumerate(nearest)]
        assert np.mean(agree) > 0.9


def raise_thresholds(heads: Heads, value: float) -> Heads:
    return dataclasses.replace(
        heads, thresholds={name: np.full_like(each, value) for name, each in heads.thresholds.items()}
    )


def test_below_the_threshold_the_classifier_abstains(heads, fresh):
    for tagging in HeadsTagger(raise_thresholds(heads, 1.1)).tag(take(fresh.pools, slice(0, 20))):
        assert all(prediction.accepted == () for prediction in tagging.predictions.values())
        assert all(prediction.values for prediction in tagging.predictions.values())


def test_without_a_threshold_a_single_valued_attribute_still_has_one_value(heads, fresh):
    for tagging in HeadsTagger(raise_thresholds(heads, 0.0)).tag(take(fresh.pools, slice(0, 20))):
        color = tagging.predictions["color"]
        assert color.accepted == (color.values[0][0],)
        assert set(tagging.predictions["features"].accepted) == set(FEATURES)


def test_values_come_best_first_and_those_accepted_are_among_them(heads, fresh):
    for tagging in HeadsTagger(heads).tag(fresh.pools):
        for prediction in tagging.predictions.values():
            chances = [chance for _, chance in prediction.values]
            assert chances == sorted(chances, reverse=True)
            assert set(prediction.accepted) <= {label for label, _ in prediction.values}
        assert len(tagging.predictions["product_type"].values) == 3
        assert 0 <= tagging.out_of_catalogue <= 1


def test_pools_of_another_shape_are_refused(heads, fresh):
    tagger = HeadsTagger(heads)
    with pytest.raises(InputError, match=r"needs pools of looks of shape \(4, 32\) for each photo, not \(3, 32\)"):
        tagger.tag({**fresh.pools, "looks": fresh.pools["looks"][:, :3]})
    with pytest.raises(InputError, match=r"needs pools of color of shape \(4, 12\) for each photo, not none"):
        tagger.tag({"looks": fresh.pools["looks"]})


def test_more_labels_than_numbers_are_packed_and_keep_their_likeness():
    random = np.random.default_rng(0)
    sparse = random.dirichlet(np.full(300, 0.02), size=400).astype(np.float32)
    components = random.normal(size=(400, 100)).astype(np.float32)
    recipe = fit_recipe({"sku": sparse}, {"sku": 1.0}, [100])
    vectors = recipe.make_vectors({"sku": sparse}, components)
    assert vectors.shape == (400, DIMENSION)
    unit = sparse / np.linalg.norm(sparse, axis=1, keepdims=True)
    kept = np.corrcoef((vectors @ vectors.T).ravel(), (unit @ unit.T).ravel())[0, 1]
    assert kept > 0.9
