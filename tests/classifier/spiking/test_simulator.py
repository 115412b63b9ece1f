"""Spikes under NengoDL against the equations in numpy, on real images; what a simulation must not remember or hide."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from classifier.spiking.simulator import Neuron, SpikingSimulator
from tests.classifier.spiking import numpy_reference

pytestmark = pytest.mark.usefixtures("snn")

STEPS = 8


@pytest.fixture(scope="module")
def given(trained, converted):
    """Forty real validation images, normalised."""
    return converted.spiking.snn.normalise(trained.data.val.read_batch(range(40)))


@pytest.fixture(scope="module")
def simulator(converted):
    with SpikingSimulator(converted.spiking.snn, batch=20) as opened:
        yield opened


@pytest.fixture(scope="module")
def run(simulator, given):
    return simulator.run(given, STEPS)


@pytest.fixture(scope="module")
def reference(converted, given):
    return numpy_reference.spike(converted.spiking.snn, given, STEPS)


def test_as_many_spikes_as_in_numpy(run, reference, converted):
    """Where a membrane stands at its threshold to the last digit, single and double precision may differ."""
    _, trains = reference
    wanted = np.stack([train.sum(axis=2) for train in trains.values()], axis=-1)
    assert run.spikes.shape == wanted.shape == (40, STEPS, 5)
    assert np.abs(run.spikes.sum(axis=1) - wanted.sum(axis=1)).sum() <= 0.001 * wanted.sum()
    # Layer by layer over all images: the first one has no rounding before it.
    assert np.abs(run.spikes[..., 0] - wanted[..., 0]).max() <= 1


def test_the_evidence_is_that_of_numpy(run, reference):
    evidence, _ = reference
    ours, theirs = run.average(STEPS), evidence.mean(axis=1)
    assert np.median(np.abs(ours - theirs)) < 1e-4
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() >= 0.95


def test_operations_are_spikes_times_their_synapses(run, reference, converted):
    _, trains = reference
    synapses = converted.spiking.snn.count_synapses()
    wanted = np.stack([train.sum(axis=1) @ synapses[name].ravel() for name, train in trains.items()], axis=-1)
    assert np.allclose(run.total_operations(STEPS), wanted, rtol=0.01)


def test_spikes_are_whole_and_at_most_one_a_neuron_and_step(run, converted, given):
    assert (run.spikes == np.rint(run.spikes)).all()
    neurons = [counts.size for counts in converted.spiking.snn.count_synapses().values()]
    assert (run.spikes <= np.array(neurons)).all()
    assert run.spikes.sum() > 0
    names = [layer.name for layer in converted.spiking.snn.list_spiking()]
    with SpikingSimulator(converted.spiking.snn, batch=5, probed=names) as probed:
        raster, counts = probed.read_raster(given[0], STEPS), probed.count_each(given[:12], STEPS)
    assert [int(each.sum()) for each in raster.values()] == run.spikes[0].sum(axis=0).astype(int).tolist()
    assert np.allclose(
        np.stack([each.sum(axis=1) for each in counts.values()], -1), run.spikes[:12].sum(axis=1), atol=1
    )
    assert np.array_equal(counts["conv1"][0], raster["conv1"].sum(axis=0))


def test_nothing_is_remembered_from_one_batch_to_the_next(simulator, run, given):
    again = simulator.run(given, STEPS)
    assert np.array_equal(again.evidence, run.evidence)
    backwards = simulator.run(given[::-1], STEPS)
    assert np.allclose(backwards.evidence[::-1], run.evidence, atol=1e-5)


def test_a_short_last_batch_is_filled_and_emptied_again(simulator, run, given):
    few = simulator.run(given[:23], STEPS)
    assert few.evidence.shape == (23, STEPS, 10)
    assert np.allclose(few.evidence, run.evidence[:23], atol=1e-5)


def test_fewer_steps_are_a_part_of_more(simulator, run, given):
    assert np.allclose(simulator.run(given, 3).evidence, run.evidence[:, :3], atol=1e-5)


def test_step_by_step_is_the_same_as_at_once_also_after_stopping_in_the_middle(simulator, run, given):
    with closing(simulator.go_through(given[5], STEPS)) as steps:
        for _ in range(3):
            next(steps)
    with closing(simulator.go_through(given[0], STEPS)) as steps:
        found = np.stack([each.evidence[0, 0] for each in steps])
    assert np.allclose(found, run.evidence[0], atol=1e-5)


def test_every_layer_spikes_and_none_is_a_tensor_node(converted):
    """NengoDL would hide a layer it cannot convert in a node that computes it as before."""
    import nengo_dl

    with SpikingSimulator(converted.spiking.snn) as opened:
        network = opened._converter.net
        assert not [node for node in network.all_nodes if isinstance(node, nengo_dl.TensorNode)]
        kinds = {type(ensemble.neuron_type).__name__ for ensemble in network.all_ensembles}
        assert kinds == {"IntegrateAndFire"}
        assert len(network.all_ensembles) == 5


def test_the_default_conversion_is_near_chance_where_ours_is_not(trained, converted):
    """What makes the default fail: at rates of some 1 Hz hardly anything spikes within these steps."""
    images, labels = trained.data.test.read_batch(range(100)), trained.data.test.read_labels()["product_type"][:100]
    own = converted.spiking
    right = {}
    for neuron, network in ((Neuron.NENGO_DEFAULT, own.cnn), (Neuron.INTEGRATE_AND_FIRE, own.snn)):
        with SpikingSimulator(network, neuron=neuron) as opened:
            right[neuron] = (opened.run(own.cnn.normalise(images), 16).average(16).argmax(axis=1) == labels).mean()
    assert right[Neuron.INTEGRATE_AND_FIRE] > 0.65
    assert right[Neuron.NENGO_DEFAULT] < 0.4


def test_a_layer_without_a_threshold_is_refused(converted):
    with pytest.raises(ValueError, match="has no threshold"):
        SpikingSimulator(converted.spiking.cnn)
