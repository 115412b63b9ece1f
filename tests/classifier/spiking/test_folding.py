"""Folding a torch network into plain layers: the same evidence to 1e-4, and a refusal by name of what has no layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from classifier.networks.card import Shape
from classifier.spiking.folding import describe_evidence, fold_network
from classifier.spiking.graph import LayeredSession
from classifier.spiking.layers import Conv, Dense, MeanPool, Output
from classifier.spiking.quantised import QuantisedReLU
from search.errors import InputError
from tests.classifier.spiking.small_networks import build_random, draw_images, run_torch, wrap_trunk

ROUNDING = 1e-4
GREY = Shape(size=6, channels=1)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Networks as small as these are slower with several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def measure_gap(network, folded, images) -> float:
    """Largest difference of evidence, where there is evidence to differ."""
    wanted = run_torch(network, images)
    assert wanted.std(axis=0).min() > 0.01
    assert 0.1 < np.abs(wanted).max() < 20
    return float(np.abs(LayeredSession(folded, threads=1).run(folded.normalise(images)) - wanted).max())


@pytest.mark.parametrize(
    ("name", "size", "channels"),
    [
        ("spikeable", 28, 1),
        ("spikeable", 27, 1),
        ("spikeable", 28, 3),
        ("spikeable", 96, 3),
        ("spikeable", 65, 3),
        ("vgg_small", 96, 3),
        ("vgg_small", 24, 3),
        ("vgg_small", 29, 1),
        ("mlp2", 28, 1),
        ("mlp3", 12, 3),
    ],
)
def test_a_folded_network_is_the_same_network(name, size, channels):
    network, record = build_random(name, size, channels, {"product_type": 10})
    folded = fold_network(network, record)
    assert folded.size == (size, size, channels)
    assert measure_gap(network, folded, draw_images(6, size, channels)) < ROUNDING


def test_two_attributes_keep_their_order_their_labels_and_their_evidence():
    network, record = build_random("spikeable", 14, 3, {"b": 3, "a": 5}, multi={"a"})
    folded = fold_network(network, record)
    images = draw_images(5, 14, 3)
    assert measure_gap(network, folded, images) < ROUNDING
    found = folded.split(LayeredSession(folded).run(folded.normalise(images)))
    assert list(found) == ["b", "a"]
    assert found["b"].shape == (5, 3)
    assert np.abs(found["a"] - run_torch(network, images)[:, 3:]).max() < ROUNDING
    assert folded.attributes["a"].labels == record.attributes["a"]
    assert [folded.attributes[name].multi_valued for name in ("b", "a")] == [False, True]


@pytest.mark.parametrize(("name", "size"), [("spikeable", 14), ("vgg_small", 24), ("mlp2", 12)])
def test_with_any_one_tensor_shuffled_it_is_another_network(name, size):
    """What says that the check above would notice."""
    network, record = build_random(name, size, 1, {"product_type": 10})
    folded = fold_network(network, record)
    images = draw_images(6, size)
    random = np.random.default_rng(0)
    for number, layer in enumerate(folded.layers):
        for part in () if isinstance(layer, MeanPool) else ("weight", "bias"):
            values = getattr(layer, part)
            shuffled = random.permutation(values.ravel()).reshape(values.shape)
            layers = (*folded.layers[:number], replace(layer, **{part: shuffled}), *folded.layers[number + 1 :])
            assert measure_gap(network, replace(folded, layers=layers), images) > 10 * ROUNDING, (layer.name, part)


@pytest.mark.parametrize("forgotten", ["running_mean", "running_var", "weight", "bias"])
def test_every_part_of_normalisation_is_folded(forgotten):
    """Each is set anew in the torch network after folding: the folded one must no longer agree."""
    network, record = build_random("vgg_small", 24, 3, {"product_type": 4})
    folded, images = fold_network(network, record), draw_images(4, 24, 3)
    for norm in (network.trunk.block1[1], network.trunk.hidden[2]):
        tensor = getattr(norm, forgotten)
        before = tensor.detach().clone()
        with torch.no_grad():
            tensor.mul_(1.5).add_(0.1)
        assert measure_gap(network, folded, images) > 10 * ROUNDING
        assert measure_gap(network, fold_network(network, record), images) < ROUNDING
        with torch.no_grad():
            tensor.copy_(before)


def test_layers_are_named_after_the_modules_and_their_order_kept():
    network, record = build_random("vgg_small", 24, 3, {"product_type": 4})
    folded = fold_network(network, record)
    assert [(type(layer), layer.name) for layer in folded.layers] == [
        (Conv, "block1_0"),
        (MeanPool, "block1_3"),
        (Conv, "block2_0"),
        (Conv, "block2_3"),
        (MeanPool, "block2_6"),
        (Conv, "block3_0"),
        (Conv, "block3_3"),
        (MeanPool, "block3_6"),
        (Dense, "hidden_1"),
        (Dense, "heads"),
    ]
    spikeable = fold_network(*build_random("spikeable", 28, 1, {"product_type": 4}))
    assert [layer.name for layer in spikeable.layers] == ["conv1", "conv2", "conv3", "conv4", "conv5", "heads"]
    assert all(layer.threshold is None for layer in spikeable.list_spiking())


def test_numbers_are_flattened_channels_last():
    """One bright pixel in one channel of a map that differs in every place: torch flattens channels first."""
    conv = nn.Conv2d(1, 3, 1)
    network, record = wrap_trunk([conv, nn.ReLU(), nn.Flatten(), nn.Linear(108, 5), nn.ReLU()], 5, GREY)
    folded = fold_network(network, record)
    images = np.zeros((36, 6, 6, 1), np.uint8)
    images.reshape(36, 36)[np.arange(36), np.arange(36)] = 255
    assert measure_gap(network, folded, images) < ROUNDING
    hidden = folded.layers[1].weight.reshape(6, 6, 3, 5)
    assert hidden[4, 2, 1, 3] == network.trunk[3].weight[3, 1 * 36 + 4 * 6 + 2].item()
    turned = replace(folded.layers[1], weight=network.trunk[3].weight.detach().numpy().T.copy())
    wrong = replace(folded, layers=(folded.layers[0], turned, folded.layers[2]))
    assert measure_gap(network, wrong, images) > 10 * ROUNDING


def test_thresholds_of_quantised_activations_are_those_of_their_layers():
    modules = [nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), QuantisedReLU(0.7, 4), nn.Flatten()]
    modules += [nn.Linear(72, 5), nn.BatchNorm1d(5), QuantisedReLU(1.3, 4)]
    folded = fold_network(*wrap_trunk(modules, 5, GREY))
    assert [layer.threshold for layer in folded.layers] == [pytest.approx(0.7), pytest.approx(1.3), None]


@pytest.mark.parametrize(
    ("loss", "multi", "wanted"),
    [
        ("cross_entropy", (), Output.SOFTMAX),
        ("binary", (), Output.SIGMOID),
        ("cross_entropy", ("shape",), Output.SIGMOID),
        (None, (), Output.SOFTMAX),
    ],
)
def test_evidence_means_what_the_network_was_trained_to_mean(loss, multi, wanted):
    _, record = wrap_trunk([nn.Flatten()], 36, GREY)
    training = {} if loss is None else {"settings": {"loss": loss}}
    described = describe_evidence(replace(record, multi=frozenset(multi), training=training))["shape"]
    assert described.output is wanted
    assert described.labels == ("shape 0", "shape 1", "shape 2", "shape 3")


def conv(given=1, filters=2, **options):
    return nn.Conv2d(given, filters, 3, **{"padding": 1, **options})


REFUSED = {
    "a maximum": ([conv(), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()], 18, r"trunk\.2 cannot.*MaxPool2d has no"),
    "normalisation after": (
        [conv(), nn.ReLU(), nn.BatchNorm2d(2), nn.Flatten()],
        72,
        r"trunk\.2 .*after the activation",
    ),
    "no activation": ([conv(), conv(2), nn.ReLU(), nn.Flatten()], 72, r"trunk\.1 .*before it has no ReLU"),
    "none at the end": ([conv(), nn.Flatten()], 72, r"heads .*before it has no ReLU"),
    "none before a pool": ([conv(), nn.AvgPool2d(2), nn.ReLU(), nn.Flatten()], 18, r"trunk\.1 .*has no ReLU"),
    "two activations": ([conv(), nn.ReLU(), nn.ReLU(), nn.Flatten()], 72, r"trunk\.2 .*no layer with weights"),
    "another activation": ([conv(), nn.GELU(), nn.Flatten()], 72, r"trunk\.1 .*GELU"),
    "nothing padded": ([conv(padding=0), nn.ReLU(), nn.Flatten()], 32, r"trunk\.0 .*padding is \[\(0, 0\), \(0, 0\)\]"),
    "torch's own padding": ([conv(stride=2), nn.ReLU(), nn.Flatten()], 18, r"trunk\.0 .*\(1, 1\).*\(0, 1\)"),
    "groups": (
        [conv(), nn.ReLU(), conv(2, groups=2), nn.ReLU(), nn.Flatten()],
        72,
        r"trunk\.2 .*in groups",
    ),
    "holes": ([conv(padding=2, dilation=2), nn.ReLU(), nn.Flatten()], 72, r"trunk\.0 .*dilated"),
    "two strides": ([conv(stride=(1, 2)), nn.ReLU(), nn.Flatten()], 36, r"trunk\.0 .*two strides"),
    "overlapping pools": ([conv(), nn.ReLU(), nn.AvgPool2d(3, 1), nn.Flatten()], 32, r"trunk\.2 .*do not overlap"),
    "padded pools": ([conv(), nn.ReLU(), nn.AvgPool2d(2, padding=1), nn.Flatten()], 32, r"trunk\.2 .*overlap"),
    "a mean of 2 x 2": ([conv(), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()], 8, r"trunk\.2 .*AdaptiveAvgPool2d"),
}


@pytest.mark.parametrize(("modules", "features", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_spikes_cannot_do_is_refused_by_name(modules, features, message):
    network, record = wrap_trunk(modules, features, GREY)
    with pytest.raises(InputError, match=message) as caught:
        fold_network(network, record)
    assert caught.value.code == "not_convertible"
    assert "'spikeable'" in caught.value.message


@pytest.mark.parametrize(("name", "module"), [("conv1", "conv1.0"), ("conv3", "conv1.0"), ("conv4", "conv1.0")])
def test_registered_networks_that_cannot_be_are_refused_as_well(name, module):
    network, record = build_random(name, 28, 1, {"product_type": 10})
    with pytest.raises(InputError, match=f"trunk.{module} cannot be converted to spikes") as caught:
        fold_network(network, record)
    assert caught.value.code == "not_convertible"


class Detour(nn.Module):
    """A part that is not a sequence: what it does cannot be read from its children."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = conv(), nn.ReLU()

    def forward(self, given):
        return self.relu(self.conv(given)) + given


def test_a_part_that_is_no_sequence_is_refused():
    network, record = wrap_trunk([Detour(), nn.Flatten()], 72, GREY)
    with pytest.raises(InputError, match=r"trunk\.0 cannot be converted to spikes: Detour has no counterpart"):
        fold_network(network, record)


PRETENDING = {
    "a mean before its activation": ([conv(), nn.AdaptiveAvgPool2d(1), nn.ReLU(), nn.Flatten()], 2),
    "a mean and then a convolution": (
        [conv(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 9, 1), nn.ReLU(), nn.Flatten()],
        9,
    ),
    "padding that repeats": ([conv(padding_mode="circular"), nn.ReLU(), nn.Flatten()], 72),
    "a pool over what is left": (
        [conv(), nn.ReLU(), nn.AvgPool2d(4, ceil_mode=True), conv(2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
        2,
    ),
    "a pool that divides by itself": ([conv(), nn.ReLU(), nn.AvgPool2d(2, divisor_override=1), nn.Flatten()], 18),
    "padding of a pool": (
        [conv(), nn.ReLU(), nn.ZeroPad2d(1), nn.AvgPool2d(2), conv(2, padding=0), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
         nn.Flatten()],
        2,
    ),
    "padding in words": ([conv(padding="same"), nn.ReLU(), nn.Flatten()], 72),
    "a kernel wider than high": (
        [nn.Conv2d(1, 2, (3, 5), padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
        2,
    ),
    "normalisation without scales": ([conv(), nn.BatchNorm2d(2, affine=False), nn.ReLU(), nn.Flatten()], 72),
    "normalisation by the batch": ([conv(), nn.BatchNorm2d(2, track_running_stats=False), nn.ReLU(), nn.Flatten()], 72),
}  # fmt: skip


@pytest.mark.parametrize(("modules", "features"), PRETENDING.values(), ids=PRETENDING.keys())
def test_what_only_looks_convertible_is_right_or_refused(modules, features):
    network, record = wrap_trunk(modules, features, GREY)
    try:
        folded = fold_network(network, record)
    except InputError:
        return
    assert measure_gap(network, folded, draw_images(5, 6)) < ROUNDING
