"""A network that spikes in torch: the same spikes as the numpy reference, and gradients that go through rates."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from classifier.spiking.layers import MeanPool
from classifier.spiking.spiking_layers import SpikingLayers
from tests.classifier.spiking.numpy_reference import apply, spike
from tests.classifier.spiking.small_networks import draw_images, make_conv, make_dense, make_network


def make_small(size=9):
    """Every kind of layer: a stride on an odd side, a pool that leaves a row out, a hidden dense layer."""
    after = -(-size // 2) // 2
    return make_network(
        (size, size, 2),
        [
            make_conv("first", 2, 4, threshold=0.7, seed=1),
            make_conv("second", 4, 6, stride=2, threshold=0.4, seed=2),
            MeanPool(name="pool", side=2),
            make_dense("hidden", after * after * 6, 8, threshold=0.3, seed=3),
            make_dense("heads", 8, 3, seed=4),
        ],
    )


def give(network, count=6):
    given = network.normalise(draw_images(count, network.size[0], network.size[2]))
    return given, torch.from_numpy(given).permute(0, 3, 1, 2)


@pytest.mark.parametrize("size", [8, 9, 11])
@pytest.mark.parametrize("steps", [1, 4, 9])
def test_evidence_is_that_of_the_numpy_reference(size, steps):
    network = make_small(size)
    given, images = give(network)
    evidence, trains = spike(network, given, steps)
    assert all(train.any() for train in trains.values())
    with torch.no_grad():
        assert SpikingLayers(network)(images, steps).numpy() == pytest.approx(evidence.mean(axis=1), abs=1e-4)


def test_rectified_it_is_the_same_network_without_thresholds():
    network = make_small()
    given, images = give(network)
    flowing = given
    for layer in network.layers:
        flowing = apply(layer, flowing)
        if layer is not network.layers[-1] and not isinstance(layer, MeanPool):
            flowing = flowing.clip(min=0)
    assert SpikingLayers(network).rectify(images).numpy() == pytest.approx(flowing, abs=1e-4)


def test_it_gives_back_what_it_was_made_from():
    network = make_small()
    again = SpikingLayers(network).to_layered()
    for one, other in zip(network.layers, again.layers, strict=True):
        assert type(one) is type(other)
        if not isinstance(one, MeanPool):
            assert np.array_equal(one.weight, other.weight)
            assert np.array_equal(one.bias, other.bias)
            assert other.threshold == (None if one.threshold is None else pytest.approx(one.threshold, rel=1e-6))


def test_gradients_are_those_of_a_clipped_line():
    """One neuron: 1 / threshold times the threshold where its mean input is between 0 and it, else 0."""
    layers = [make_dense("only", 4, 4, threshold=0.5), make_dense("heads", 4, 1)]
    layers[0].weight[:] = np.diag([0.2, 0.4, 2.0, -1.0])
    layers[0].bias[:] = 0
    layers[1].weight[:] = 1
    network = make_network((1, 4, 1), layers)
    module = SpikingLayers(network)
    module(torch.ones(1, 1, 1, 4), 8).sum().backward()
    assert module.biases[0].grad.tolist() == pytest.approx([1, 1, 0, 0])
    # 0.2 of 0.5 is 3 spikes of 8, 0.4 of it 6: 0.375 - 0.4 and 0.75 - 0.8 for the rounding, 1 for the full neuron.
    assert module.thresholds[0].grad.item() == pytest.approx(0.5 * ((0.375 - 0.4) + (0.75 - 0.8) + 1), abs=1e-6)
