"""Learning with spikes: it brings a network that spikes badly near the CNN, and goes on from a checkpoint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from classifier.spiking.choosing import score_evidence
from classifier.spiking.folding import fold_network
from classifier.spiking.layers import MeanPool, Output
from classifier.spiking.quantised import measure_thresholds
from classifier.spiking.spike_training import SpikeTraining, compare_evidence, finetune_spikes
from classifier.spiking.spiking_layers import SpikingLayers
from classifier.training.checkpoints import Checkpoints
from classifier.training.settings import from_json
from search.errors import InputError
from tests.classifier.spiking.conftest import take_first


@pytest.fixture(scope="module")
def cnn(trained):
    return fold_network(trained.network, trained.record)


@pytest.fixture(scope="module")
def first(cnn, trained):
    """The network with thresholds that are far too high for four steps."""
    found = measure_thresholds(trained.network, trained.data.train, percentile=99.9)
    return cnn.with_thresholds(dict(zip((layer.name for layer in cnn.list_spiking()), found.values(), strict=True)))


def make_training(trained, **given):
    settings = from_json(trained.record.training["settings"])
    return SpikeTraining(**{"steps": (4,), "epochs": 1, "rate": 1e-3, "settings": settings, **given})


def score(network, data, steps=4):
    images = torch.from_numpy(network.normalise(data.read_batch(range(len(data))))).permute(0, 3, 1, 2)
    with torch.no_grad():
        evidence = SpikingLayers(network)(images, steps).numpy()
    return score_evidence(network, evidence, data.read_labels())


def test_few_steps_are_enough_after_it(first, cnn, trained):
    told = []
    learnt = finetune_spikes(first, cnn, trained.data.train, make_training(trained), tell=told.append)
    before, after = score(first, trained.data.val), score(learnt, trained.data.val)
    assert after > before + 0.1
    assert after > 0.7
    assert told[-1].step == told[-1].steps == len(told)
    assert told[-1].loss < told[0].loss
    lowered = [
        new.threshold < old.threshold for new, old in zip(learnt.list_spiking(), first.list_spiking(), strict=True)
    ]
    assert sum(lowered) >= 3


def test_stopped_and_taken_up_again_it_is_the_same(first, cnn, trained, tmp_path):
    images = take_first(trained.data.train, 400)
    training = make_training(trained, steps=(1, 2), epochs=2)

    def learn(name, stop_after=None):
        seen = []

        def should_stop():
            seen.append(1)
            return len(seen) == stop_after

        return finetune_spikes(
            first, cnn, images, training, checkpoints=Checkpoints(tmp_path / name, {"n": 1}), should_stop=should_stop
        )

    whole = learn("whole")
    assert learn("halves", 4) is None
    resumed = learn("halves")
    for one, other in zip(whole.layers, resumed.layers, strict=True):
        if not isinstance(one, MeanPool):
            assert np.array_equal(one.weight, other.weight)
            assert one.threshold == other.threshold


def test_neither_network_given_is_changed(first, cnn, trained):
    before = [layer.weight.copy() for layer in (*first.layers, *cnn.layers)]
    finetune_spikes(first, cnn, take_first(trained.data.train, 200), make_training(trained))
    assert all(
        np.array_equal(layer.weight, own) for layer, own in zip((*first.layers, *cnn.layers), before, strict=True)
    )


def test_a_rate_that_is_too_high_is_said(first, cnn, trained):
    broken = replace(first, layers=tuple(replace(each, bias=each.bias * np.inf) for each in first.layers))
    with pytest.raises(InputError, match="rate"):
        finetune_spikes(broken, cnn, take_first(trained.data.train, 200), make_training(trained))


@pytest.mark.parametrize("output", list(Output))
def test_evidence_is_compared_as_what_it_means(output):
    wanted = torch.tensor([[2.0, -1.0, 0.5]])
    assert compare_evidence(wanted, wanted, output).item() == pytest.approx(0, abs=1e-6)
    assert compare_evidence(wanted * 0.5, wanted, output) > 0.01
    moved = compare_evidence(wanted + 1, wanted, output).item()
    assert (moved == pytest.approx(0, abs=1e-6)) is (output is Output.SOFTMAX)
