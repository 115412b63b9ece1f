"""Training: that it learns what is there, learns nothing where nothing is, and does the same twice."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from classifier.heads.artefact import Heads
from classifier.heads.schema import encode_labels
from classifier.heads.training import TrainingData, train_heads
from search.errors import InputError
from tests.classifier.heads.made_photos import COLORS, FEATURES, OPTIONS, MadePhotos, make_data, make_photos


def measure_accuracy(heads: Heads, photos: MadePhotos, name: str) -> float:
    """Share of photos whose most probable label is theirs."""
    targets = encode_labels(photos.labels, heads.schema)[name]
    return float((heads.predict(photos.pools)[name].argmax(axis=1) == targets.values)[targets.known].mean())


def test_unseen_photos_are_told_apart(heads, fresh):
    assert measure_accuracy(heads, fresh, "product_type") > 0.95
    assert measure_accuracy(heads, fresh, "color") > 0.95


def test_a_multi_valued_attribute_is_learnt(heads, fresh):
    attribute = next(each for each in heads.schema.attributes if each.name == "features")
    assert attribute.multi_valued
    assert attribute.labels == FEATURES
    targets = encode_labels(fresh.labels, heads.schema)["features"]
    chances = heads.predict(fresh.pools)["features"]
    assert ((chances > 0.5) == targets.values)[targets.known].mean() > 0.9


def test_the_loss_falls(photos, unseen):
    said: list[tuple[int, str]] = []
    train_heads(make_data(photos, unseen), OPTIONS, progress=lambda done, text: said.append((done, text)))
    losses = [float(found[1]) for _, text in said if (found := re.match(r"shape, loss ([\d.]+)", text))]
    assert losses[-1] < 0.5 * losses[0]
    assert [done for done, _ in said] == list(range(len(said)))


def test_the_same_seed_gives_the_same_weights_and_another_one_others(heads, photos, unseen):
    again = train_heads(make_data(photos, unseen), OPTIONS)
    other = train_heads(make_data(photos, unseen), dataclasses.replace(OPTIONS, seed=1))
    assert again.weights_sha256 == heads.weights_sha256
    assert other.weights_sha256 != heads.weights_sha256


def test_labels_that_say_nothing_teach_nothing(photos, unseen, fresh):
    order = np.random.default_rng(0).permutation(600)
    shuffled = {name: [rows[place] for place in order] for name, rows in photos.labels.items()}
    heads = train_heads(make_data(dataclasses.replace(photos, labels=shuffled), unseen), OPTIONS)
    assert abs(measure_accuracy(heads, fresh, "color") - 1 / len(COLORS)) < 0.15


def test_photos_without_a_label_teach_nothing_of_that_attribute(photos, unseen, fresh):
    """Three in four colours are missing, of which every one would be wrong were it taken for a label."""
    gaps = {**photos.labels, "color": [row if n % 4 == 0 else () for n, row in enumerate(photos.labels["color"])]}
    part = TrainingData(
        **{
            field.name: getattr(make_data(photos, unseen), field.name)
            for field in dataclasses.fields(TrainingData)
            if field.name not in ("train_labels",)
        },
        train_labels=gaps,
    )
    heads = train_heads(part, OPTIONS)
    assert measure_accuracy(heads, fresh, "color") > 0.95
    assert measure_accuracy(heads, fresh, "product_type") > 0.95


def test_without_validation_photos_nothing_is_chosen_and_all_is_there(photos, fresh):
    heads = train_heads(make_data(photos, make_photos(0, seed=4)), OPTIONS)
    assert all(each.temperature == 1 for each in heads.calibrations.values())
    assert all((each == OPTIONS.precision).all() for each in heads.thresholds.values())
    assert measure_accuracy(heads, fresh, "color") > 0.95


def test_without_measured_colours_the_rest_is_learnt(photos, unseen, fresh):
    def drop(each: MadePhotos) -> MadePhotos:
        return dataclasses.replace(each, pools={"looks": each.pools["looks"]})

    data = dataclasses.replace(make_data(drop(photos), drop(unseen)), spaces=make_data(photos, unseen).spaces[:1])
    assert measure_accuracy(train_heads(data, OPTIONS), drop(fresh), "product_type") > 0.9


def test_float16_pools_do(heads, photos, unseen, fresh):
    def halve(each: MadePhotos) -> MadePhotos:
        return dataclasses.replace(each, pools={name: values.astype(np.float16) for name, values in each.pools.items()})

    small = train_heads(make_data(halve(photos), halve(unseen)), OPTIONS)
    assert np.abs(small.predict(fresh.pools)["color"] - heads.predict(fresh.pools)["color"]).mean() < 0.05


def test_torch_goes_on_as_if_nothing_had_been_trained(photos, unseen):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_heads(make_data(photos, unseen), OPTIONS)
    assert torch.equal(torch.rand(3), expected)


def test_pools_that_do_not_fit_the_labels_are_refused(photos, unseen):
    data = make_data(photos, unseen)
    short = {"looks": photos.pools["looks"][:10], "color": photos.pools["color"]}
    with pytest.raises(InputError, match="10 training pools of looks for 600 photos"):
        train_heads(dataclasses.replace(data, train_pools=short), OPTIONS)
    with pytest.raises(InputError, match="no validation pools of color for 200 photos"):
        train_heads(dataclasses.replace(data, val_pools={"looks": unseen.pools["looks"]}), OPTIONS)
