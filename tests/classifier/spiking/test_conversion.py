"""A whole conversion of a small network on real images: how much it loses, what it chooses by, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifier.networks.card import Shape
from classifier.networks.network import build_network
from classifier.spiking.choosing import score_evidence
from classifier.spiking.conversion import ConversionOptions, Watchers, choose_settings, convert_network
from classifier.spiking.graph import LayeredSession
from classifier.spiking.simulator import SpikingSimulator
from classifier.training.checkpoints import Checkpoints
from classifier.training.settings import Schedule
from search.errors import InputError


def test_it_loses_little_of_the_accuracy_on_images_nobody_chose_by(converted, trained):
    own, test = converted.spiking, trained.data.test
    given, labels = own.cnn.normalise(test.read_batch(range(len(test)))), test.read_labels()
    cnn = score_evidence(own.cnn, LayeredSession(own.cnn).run(given), labels)
    quantised = score_evidence(own.snn, LayeredSession(own.snn, levels=16).run(given), labels)
    with SpikingSimulator(own.snn) as simulator:
        run = simulator.run(given, 16)
    spiking = score_evidence(own.snn, run.average(16), labels)
    assert cnn > 0.75
    assert quantised > cnn - 0.03
    assert spiking > cnn - 0.03
    assert score_evidence(own.snn, run.average(1), labels) < spiking


def test_what_was_chosen_is_what_validation_says(converted):
    choices, tried = converted.spiking.choices, converted.spiking.source["candidates"][0]
    wanted = converted.spiking.source["chosen_on"]["cnn"] - ConversionOptions().tolerance
    good_enough = [steps for steps, score in tried["scores"].items() if score >= wanted]
    best = max(tried["scores"].values())
    assert choices.steps == (
        min(good_enough) if good_enough else next(s for s, v in tried["scores"].items() if v == best)
    )
    assert converted.spiking.source["chosen_on"]["mean_steps"] <= choices.steps


def test_it_says_what_it_finds(converted):
    assert any("Keras twin agrees" in line for line in converted.said)
    assert any("chosen: 4, 8 or 16 levels" in line for line in converted.said)


def test_thresholds_are_learnt_and_positive(converted):
    thresholds = [layer.threshold for layer in converted.spiking.snn.list_spiking()]
    assert len(set(thresholds)) == 5
    assert all(0 < threshold < 100 for threshold in thresholds)
    assert all(layer.threshold is None for layer in converted.spiking.cnn.list_spiking())


def test_the_network_itself_is_left_as_it_was(converted, trained):
    names = [type(module).__name__ for module in trained.network.modules()]
    assert "ReLU" in names
    assert "QuantisedReLU" not in names


def test_other_images_than_those_learnt_from_are_refused(trained):
    labels = {"product_type": ("Tops", "Shoes")}
    other = replace(trained.record, attributes=labels)
    with pytest.raises(InputError, match="Give the data it was trained on"):
        convert_network(trained.network, other, trained.data, ConversionOptions(), Watchers())


def test_a_network_that_cannot_spike_is_refused_by_name(trained):
    network = build_network("conv3", Shape(size=28, channels=1), {"product_type": 10})
    with pytest.raises(InputError, match=r"trunk\.conv1") as caught:
        convert_network(network, replace(trained.record, name="conv3"), trained.data, ConversionOptions(), Watchers())
    assert caught.value.code == "not_convertible"


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": ()},
        {"levels": ((),)},
        {"levels": ((0,),)},
        {"percentile": 10},
        {"max_steps": 0},
        {"rate": -1},
        {"spike_steps": ()},
        {"spike_steps": (0,)},
        {"spike_rate": 2},
    ],
)
def test_options_have_limits(wrong):
    with pytest.raises(InputError):
        ConversionOptions(**wrong)


def test_finetuning_goes_on_from_its_checkpoint(snn, trained, tmp_path):
    """Stopped after some steps, and taken up again: the same network as without a stop."""
    small = replace(
        trained.data,
        train=replace_rows(trained.data.train, 400),
        val=replace_rows(trained.data.val, 100),
    )
    options = ConversionOptions(levels=((4, 8),), epochs=1, spike_epochs=1, spike_steps=(2,), max_steps=2, threads=1)

    def convert(folder, stop_after: int | None):
        seen = []

        def should_stop() -> bool:
            seen.append(1)
            return stop_after is not None and len(seen) >= stop_after

        watchers = Watchers(
            should_stop=should_stop, open_checkpoints=lambda stage: Checkpoints(folder / stage, {"stage": stage})
        )
        return convert_network(trained.network, trained.record, small, options, watchers)

    whole = convert(tmp_path / "whole", None)
    spikes = tmp_path / "halves" / "spikes-4-8"
    assert convert(tmp_path / "halves", 2) is None
    assert not spikes.exists()
    assert convert(tmp_path / "halves", 2) is None  # of three steps with levels one was left
    assert spikes.exists()
    resumed = convert(tmp_path / "halves", None)
    for one, other in zip(whole.snn.layers, resumed.snn.layers, strict=True):
        assert np.array_equal(one.weight, other.weight)


def replace_rows(images, count):
    from tests.classifier.spiking.conftest import take_first

    return take_first(images, count)


def test_finetuning_is_the_recipe_at_a_fraction_of_its_rate(trained):
    settings = choose_settings(trained.record, ConversionOptions(epochs=3, rate=0.1))
    assert settings.rate == pytest.approx(0.005)
    assert settings.epochs == 3
    assert settings.schedule is Schedule.COSINE
