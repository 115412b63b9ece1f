"""Every stage of a conversion computes what the one before it did; weights that were lost on the way are noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from classifier.networks.artefact import load_network, save_network
from classifier.networks.network import build_network
from classifier.spiking.artefact import load_spiking
from classifier.spiking.compatibility import load_libraries
from classifier.spiking.folding import fold_network
from classifier.spiking.graph import LayeredSession
from classifier.spiking.layers import MeanPool
from classifier.spiking.parity import TOLERANCE, check_parity, measure_parity
from classifier.spiking.simulator import Neuron, SpikingSimulator
from classifier.spiking.twin import build_twin, run_twin
from search.errors import IntegrityError

pytestmark = pytest.mark.usefixtures("snn")

IMAGES = 256


@pytest.fixture(scope="module")
def images(trained):
    """Real ones, uint8."""
    return trained.data.val.read_batch(range(IMAGES))


@pytest.fixture(scope="module")
def folded(trained):
    return fold_network(trained.network, trained.record)


def shuffle_layer(network, name: str):
    """The same network, the numbers of one weight tensor in another order: nothing else about it changes."""
    random = np.random.default_rng(0)

    def shuffled(layer):
        if layer.name != name or isinstance(layer, MeanPool):
            return layer
        return replace(layer, weight=random.permutation(layer.weight.ravel()).reshape(layer.weight.shape))

    return replace(network, layers=tuple(map(shuffled, network.layers)))


def test_torch_keras_and_nengo_agree(trained, folded, images):
    found = measure_parity(trained.network, folded, images)
    assert found.twin < 1e-4
    assert found.nengo < 1e-4
    assert found.agreement == 1


def test_onnx_agrees_with_the_twin(folded, images):
    given = folded.normalise(images)
    twin = run_twin(build_twin(folded, load_libraries()), given)
    assert np.abs(LayeredSession(folded).run(given) - twin).max() < 1e-4


def test_a_scale_cancels_where_nothing_spikes(converted, images):
    """Rectified-linear neurons give the same numbers with the thresholds' scales as without them."""
    own = converted.spiking.snn
    given = own.normalise(images[:50])
    bare = replace(
        own,
        layers=tuple(layer if isinstance(layer, MeanPool) else replace(layer, threshold=None) for layer in own.layers),
    )
    with SpikingSimulator(own, neuron=Neuron.RECTIFIED_LINEAR) as scaled:
        with_scales = scaled.run(given, 1).average(1)
    with SpikingSimulator(bare, neuron=Neuron.RECTIFIED_LINEAR) as plain:
        apart = np.abs(with_scales - plain.run(given, 1).average(1)).max()
    assert apart < TOLERANCE * max(1.0, np.abs(with_scales).max() / 10)


@pytest.mark.parametrize("layer", ["conv1", "conv3", "conv5", "heads"])
def test_a_shuffled_weight_tensor_is_noticed(trained, folded, images, layer):
    with pytest.raises(IntegrityError, match="is not the one that was trained") as caught:
        check_parity(trained.network, shuffle_layer(folded, layer), images[:32])
    assert caught.value.code == "lost_weights"


def test_the_accident_of_the_lost_weights_is_noticed(trained, images):
    """A model that was built anew instead of loaded: right shapes, right names, and probabilities of nearly 1/10."""
    fresh = build_network("spikeable", trained.record.shape, {"product_type": 10}, seed=7)
    folded = fold_network(fresh, trained.record)
    evidence = LayeredSession(folded).run(folded.normalise(images[:64]))
    assert np.exp(evidence).max() / np.exp(evidence).sum(axis=1).min() < 0.5
    with pytest.raises(IntegrityError) as caught:
        check_parity(trained.network, folded, images[:64])
    assert caught.value.code == "lost_weights"


def test_weights_survive_every_file_they_go_through(trained, converted, images, tmp_path):
    """The network from its own artefact, and the spiking one from its own: bit for bit the evidence of before."""
    save_network(tmp_path, trained.network, trained.record)
    loaded, record = load_network(tmp_path)
    given = converted.spiking.cnn.normalise(images[:32])
    before = LayeredSession(converted.spiking.cnn).run(given)
    assert np.array_equal(LayeredSession(fold_network(loaded, record)).run(given), before)
    again = load_spiking(converted.folder)
    assert np.array_equal(LayeredSession(again.cnn).run(given), before)
    with SpikingSimulator(converted.spiking.snn) as own, SpikingSimulator(again.snn) as theirs:
        assert np.array_equal(own.run(given, 4).evidence, theirs.run(given, 4).evidence)


def test_a_torch_network_that_has_changed_since_is_noticed(trained, folded, images):
    """Trained on, and not converted again."""
    moved = build_network("spikeable", trained.record.shape, {"product_type": 10})
    moved.load_state_dict(trained.network.state_dict())
    with torch.no_grad():
        moved.heads[0].bias += 0.01
    with pytest.raises(IntegrityError, match="is not the one"):
        check_parity(moved, folded, images[:16])
