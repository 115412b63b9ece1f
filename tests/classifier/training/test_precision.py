"""Half precision: where it is computed in, and that it only changes digits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from classifier.networks.card import Shape
from classifier.networks.network import build_network
from classifier.training.engine import train_network
from classifier.training.precision import offers_half
from classifier.training.settings import Augmentation, Precision, TrainingSettings, from_json, to_json
from tests.classifier.training.drawn_images import draw_images

PROCESSOR = torch.device("cpu")


@pytest.mark.parametrize("offered", [True, False])
def test_a_processor_computes_in_half_only_where_asked_and_where_it_can(monkeypatch, offered):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": offered, "amx_bf16": False})
    assert offers_half(PROCESSOR, Precision.HALF) is offered
    assert offers_half(PROCESSOR, Precision.GPU) is False
    assert offers_half(PROCESSOR, Precision.SINGLE) is False


def test_half_precision_learns_the_same_but_for_digits(monkeypatch):
    """bfloat16 has three digits; losses of the first steps agree to two of them, and weights stay in single."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    images = draw_images(64)
    losses = {}
    for precision in (Precision.SINGLE, Precision.HALF):
        settings = TrainingSettings(epochs=2, batch=32, augmentation=Augmentation.NONE, precision=precision)
        side, _, channels = images.shape
        network = build_network(
            "spikeable",
            Shape(size=side, channels=channels),
            {name: len(labels) for name, labels in images.attributes.items()},
        )
        outcome = train_network(network, images, images, settings)
        losses[precision] = [entry["loss"] for entry in outcome.history]
        assert {parameter.dtype for parameter in outcome.network.parameters()} == {torch.float32}
    assert losses[Precision.SINGLE] != losses[Precision.HALF]
    assert np.allclose(losses[Precision.SINGLE], losses[Precision.HALF], rtol=0.05)


def test_a_penalty_is_part_of_the_loss():
    images = draw_images(64)
    side, _, channels = images.shape
    heads = {name: len(labels) for name, labels in images.attributes.items()}
    settings = TrainingSettings(epochs=1, batch=32, augmentation=Augmentation.NONE, rate=0.0)
    found = []
    for penalty in (None, lambda network: network.heads[0].weight.square().sum() * 0 + 3.0):
        network = build_network("spikeable", Shape(size=side, channels=channels), heads)
        found.append(train_network(network, images, images, settings, penalty=penalty).history[0])
    assert found[1]["loss"] == pytest.approx(found[0]["loss"] + 3.0, rel=1e-5)
    assert found[1]["val_loss"] == pytest.approx(found[0]["val_loss"])


def test_it_goes_through_json():
    settings = dataclasses.replace(TrainingSettings(), precision=Precision.HALF)
    assert to_json(settings)["precision"] == "half"
    assert from_json(to_json(settings)) == settings


@pytest.mark.parametrize(("mixed", "precision"), [(True, Precision.GPU), (False, Precision.SINGLE)])
def test_what_was_written_before_it_had_its_name_is_read(mixed, precision):
    written = to_json(TrainingSettings())
    del written["precision"]
    assert from_json({**written, "mixed_precision": mixed}).precision is precision
