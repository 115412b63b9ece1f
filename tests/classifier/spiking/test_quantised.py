"""The quantised activation against its formula and its stated gradients; first thresholds; what makes spikes few."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from classifier.data.images import ArrayImages
from classifier.networks.card import Shape
from classifier.spiking.conversion import make_penalty
from classifier.spiking.folding import fold_network
from classifier.spiking.quantised import (
    QuantisedReLU,
    list_quantised,
    list_relus,
    measure_thresholds,
    quantise_network,
)
from classifier.training.evaluation import to_tensor
from tests.classifier.spiking.small_networks import build_random, draw_images, run_torch, wrap_trunk


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Networks as small as these are slower with several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def apply_formula(given: np.ndarray, threshold: float, levels: int) -> np.ndarray:
    """y = threshold * clip(floor(levels * x / threshold + 1/2) / levels, 0, 1), in double precision."""
    return threshold * np.clip(np.floor(levels * given / threshold + 0.5) / levels, 0, 1)


def draw_between(levels: int, threshold: float, seed: int) -> np.ndarray:
    """Numbers below, inside and above, none of them where the floor jumps."""
    given = np.random.default_rng(seed).uniform(-0.6, 1.6, 400) * threshold
    place = levels * given / threshold + 0.5
    return given[np.abs(place - np.rint(place)) > 1e-3]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 64), st.floats(0.01, 50), st.integers(0, 1_000))
def test_it_is_the_formula(levels, threshold, seed):
    given = draw_between(levels, threshold, seed)
    found = QuantisedReLU(threshold, levels)(torch.from_numpy(given.astype(np.float32))).detach().numpy()
    assert np.allclose(found, apply_formula(given, threshold, levels), rtol=1e-5, atol=1e-6 * threshold)
    assert len(np.unique(found)) <= levels + 1


def test_as_a_neuron_s_mean_over_as_many_steps_as_levels():
    """The claim it rests on, with a neuron written here: starts at half, one spike a step, reset by subtraction."""
    levels, threshold = 8, 0.9
    given = draw_between(levels, threshold, seed=1)
    membrane, spikes = np.full_like(given, 0.5 * threshold), np.zeros_like(given)
    for _ in range(levels):
        membrane += given
        fired = membrane >= threshold
        membrane -= fired * threshold
        spikes += fired
    found = QuantisedReLU(threshold, levels)(torch.from_numpy(given.astype(np.float32))).detach().numpy()
    assert np.allclose(found, threshold * spikes / levels, atol=1e-6)


def test_it_computes_in_single_precision():
    activation = QuantisedReLU(1.0, 200)
    given = torch.linspace(0, 1, 50, dtype=torch.bfloat16)
    found = activation(given)
    assert found.dtype == torch.float32
    assert np.allclose(found.detach().numpy(), apply_formula(given.float().numpy(), 1.0, 200), atol=1e-6)


def differ(function, at: float, step: float) -> np.ndarray:
    return (function(at + step) - function(at - step)) / (2 * step)


@pytest.mark.parametrize(("levels", "threshold"), [(1, 0.5), (4, 0.7), (8, 3.0)])
def test_gradients_are_those_of_what_stands_for_the_floor(levels, threshold):
    """In place of the floor a straight line, moved at each number to where the floor was: its rounding error is fixed.

    y(x, h) = h (clip(x / h, 0, 1) + error), so dy/dx is 1 inside and 0 outside, and dy/dh is the error inside, 1 above
    and 0 below. Differentiated numerically, in double precision.
    """
    given = draw_between(levels, threshold, seed=2)
    given = given[(np.abs(given) > 1e-3) & (np.abs(given - threshold) > 1e-3)]
    error = apply_formula(given, threshold, levels) / threshold - np.clip(given / threshold, 0, 1)
    step = 1e-6
    along_x = differ(lambda moved: threshold * (np.clip((given + moved) / threshold, 0, 1) + error), 0.0, step)
    along_threshold = differ(lambda own: own * (np.clip(given / own, 0, 1) + error), threshold, step)

    weights = np.random.default_rng(3).normal(size=given.shape)
    activation, taken = QuantisedReLU(threshold, levels), torch.tensor(given, dtype=torch.float32, requires_grad=True)
    (activation(taken) * torch.from_numpy(weights.astype(np.float32))).sum().backward()
    assert np.allclose(taken.grad.numpy(), weights * along_x, atol=1e-5)
    assert activation.threshold.grad.item() == pytest.approx((weights * along_threshold).sum(), abs=1e-3)

    inside, above = (given > 0) & (given < threshold), given > threshold
    assert np.allclose(along_x, inside)
    assert np.allclose(along_threshold[above], 1)
    assert np.allclose(along_threshold[~inside & ~above], 0)
    assert np.abs(along_threshold[inside]).max() <= 0.5 / levels + 1e-6


def test_a_threshold_learns_to_reach_activations_above_it():
    activation = QuantisedReLU(0.5, 8)
    wanted = torch.linspace(0, 2, 200)
    optimiser = torch.optim.SGD(activation.parameters(), lr=0.2)
    for _ in range(100):
        optimiser.zero_grad()
        ((activation(wanted) - wanted) ** 2).mean().backward()
        optimiser.step()
    assert activation.threshold.item() == pytest.approx(2, abs=0.2)


def test_to_rectify_only_is_a_relu_for_as_long_as_it_is_set():
    activation, given = QuantisedReLU(0.5, 2), torch.linspace(-2, 2, 41)
    activation.rectify_only = True
    assert torch.equal(activation(given), given.relu())
    activation.rectify_only = False
    assert not torch.equal(activation(given), given.relu())


def test_the_rate_is_the_mean_share_of_the_threshold_and_of_training_only():
    activation = QuantisedReLU(2.0, 4)
    given = torch.tensor([-1.0, 0.5, 1.0, 5.0], requires_grad=True)
    activation(given)
    assert activation.rate.item() == pytest.approx((0 + 0.25 + 0.5 + 1) / 4)
    activation.rate.backward()
    assert given.grad.tolist() == pytest.approx([0, 1 / 8, 1 / 8, 0])
    activation.eval()
    activation(given)
    assert activation.rate is None


def test_a_network_can_be_copied_in_the_middle_of_training():
    activation = QuantisedReLU(1.0, 4)
    activation(torch.rand(3, requires_grad=True))
    assert copy.deepcopy(activation).levels == 4


def test_it_can_be_printed():
    """Torch warns, once a process, of a tensor with a gradient that is made a number; here a warning is an error."""
    torch.set_warn_always(True)
    try:
        assert repr(QuantisedReLU(0.25, 8)) == "QuantisedReLU(threshold=0.25, levels=8)"
    finally:
        torch.set_warn_always(False)


@pytest.fixture(scope="module")
def pixels() -> ArrayImages:
    """Four hundred grey images of 8 x 8, their pixels as often dark as bright."""
    values = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1)).astype(np.uint8)
    attributes = {"shape": [f"shape {number}" for number in range(4)]}
    return ArrayImages(values, {"shape": np.zeros(400, np.int64)}, name="drawn", attributes=attributes)


@pytest.mark.parametrize("percentile", [50, 90, 99, 100])
def test_first_thresholds_are_percentiles_of_the_activations(pixels, percentile):
    """A convolution that passes the pixel on and one that doubles it: activations that need no network to compute."""
    convs = [nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False)]
    modules = [convs[0], nn.ReLU(), convs[1], nn.ReLU(), nn.Flatten()]
    network, _ = wrap_trunk(modules, 64, Shape(size=8, channels=1))
    with torch.no_grad():
        convs[0].weight.fill_(1.0)
        convs[1].weight.fill_(2.0)
    found = measure_thresholds(network, pixels, percentile=percentile)
    activations = np.maximum((pixels.images / 255 - 0.4) / 0.3, 0)
    wanted = float(np.percentile(activations, percentile))
    assert list(found) == list_relus(network) == ["trunk.1", "trunk.3"]
    assert found["trunk.1"] == pytest.approx(wanted, abs=0.06)
    assert found["trunk.3"] == pytest.approx(2 * wanted, abs=0.12)


def test_a_silent_layer_has_a_threshold_above_zero(pixels):
    conv = nn.Conv2d(1, 1, 1)
    network, _ = wrap_trunk([conv, nn.ReLU(), nn.Flatten()], 64, Shape(size=8, channels=1))
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.fill_(-1.0)
    assert 0 < measure_thresholds(network, pixels, percentile=99)["trunk.1"] < 0.1


def test_measuring_leaves_no_hooks_and_gives_the_same_twice(pixels):
    network, _ = build_random("spikeable", 8, 1, {"shape": 4})
    first = measure_thresholds(network, pixels, percentile=99)
    assert first == measure_thresholds(network, pixels, percentile=99)
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(("name", "size", "relus"), [("spikeable", 8, 5), ("vgg_small", 24, 6), ("mlp2", 8, 2)])
def test_every_relu_is_replaced_and_with_many_levels_little_is_lost(name, size, relus):
    network, record = build_random(name, size, 1, {"shape": 4})
    images = draw_images(20, size)
    given = ArrayImages(images, {"shape": np.zeros(20, np.int64)}, name="x", attributes=record.attributes)
    thresholds = measure_thresholds(network, given, percentile=100)
    assert len(thresholds) == relus
    before = run_torch(network, images)
    lost = {}
    for levels in (2, 16, 256):
        own = copy.deepcopy(network)
        quantise_network(own, thresholds, (levels,))
        assert not list_relus(own)
        modules = {name: own.get_submodule(name) for name in thresholds}
        assert list(list_quantised(own)) == list(modules.values())
        assert {name: module.threshold.item() for name, module in modules.items()} == pytest.approx(thresholds)
        lost[levels] = np.abs(run_torch(own, images) - before).mean() / np.abs(before).mean()
    assert lost[256] < 0.03
    assert lost[2] > 3 * lost[16] > 9 * lost[256]


def build_small():
    """Two normalised convolutions and a hidden layer, for images of 8 pixels."""
    modules = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()]
    modules += [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU()]
    modules += [nn.Flatten(), nn.Linear(96, 10), nn.ReLU()]
    return wrap_trunk(modules, 10, Shape(size=8, channels=1))


def test_of_several_numbers_of_levels_one_is_drawn_for_every_batch_learnt_from():
    network, _ = build_small()
    images = to_tensor(draw_images(4, 8))
    quantise_network(network, dict.fromkeys(list_relus(network), 1.0), (2, 4, 7))
    activations = list(list_quantised(network))
    assert {module.levels for module in activations} == {7}
    network.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = []
        for _ in range(40):
            network(images)
            (levels,) = {module.levels for module in activations}
            drawn.append(levels)
    assert min(drawn.count(levels) for levels in (2, 4, 7)) > 5
    network.eval()
    network(images)
    assert {module.levels for module in activations} == {7}
    assert copy.deepcopy(network)(images)[0].tolist() == network(images)[0].tolist()


def measure_cost(network, synapses, images) -> float:
    """Spikes a synapse and step, from the formula over what goes into each activation."""
    shares: dict[int, float] = {}

    def watch(number):
        def keep(module, given, _output):
            threshold = module.threshold.item()
            shares[number] = (apply_formula(given[0].detach().numpy(), threshold, module.levels) / threshold).mean()

        return keep

    hooks = [module.register_forward_hook(watch(number)) for number, module in enumerate(list_quantised(network))]
    network(to_tensor(images))
    for hook in hooks:
        hook.remove()
    return sum(share * own for share, own in zip(shares.values(), synapses, strict=True)) / sum(synapses)


@pytest.fixture
def quantised():
    """The same with four levels, what it is, and images it is trained on."""
    network, record = build_small()
    images = draw_images(32, 8, seed=5)
    given = ArrayImages(images, {"shape": np.zeros(32, np.int64)}, name="x", attributes=record.attributes)
    quantise_network(network, measure_thresholds(network, given, percentile=99), (4,))
    return network, record, images


def test_the_penalty_is_the_weight_times_spikes_a_synapse_and_step(quantised):
    network, record, images = quantised
    folded = fold_network(network, record)
    penalise = make_penalty(folded, 0.3)
    network.train()
    wanted = measure_cost(network, [counts.sum() for counts in folded.count_synapses().values()], images)
    assert 0.01 < wanted < 1
    assert penalise(network).item() == pytest.approx(0.3 * wanted, rel=1e-3)


def test_the_penalty_made_small_makes_spikes_few(quantised):
    network, record, images = quantised
    penalise = make_penalty(fold_network(network, record), 1.0)
    optimiser = torch.optim.SGD(network.parameters(), lr=30.0)
    network.train()
    costs = []
    for _ in range(12):
        network(to_tensor(images))
        optimiser.zero_grad()
        costs.append(penalise(network))
        costs[-1].backward()
        optimiser.step()
    assert costs[-1].item() < 0.7 * costs[0].item()


def test_none_of_this_loads_tensorflow():
    script = (
        "import sys; from classifier.spiking import conversion, folding, comparison_tables, raster_plot, answering\n"
        "print(sorted({'tensorflow', 'keras', 'nengo', 'nengo_dl'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
