"""Every network that registers: its card tells the truth, it builds, its heads and stages are right."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from classifier.networks.card import Shape
from classifier.networks.network import Network, build_network
from classifier.networks.registry import build_trunk, find_card, list_cards, register
from search.errors import InputError, SetupError, WeightsMissingError

NAMES = [card.name for card in list_cards()]
HEADS = {"product_type": 10, "some.color": 3}


def build_on_meta(name, shape):
    """A network whose weights take no memory: shapes alone."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # initialisers say that they do nothing there
        return build_network(name, shape, HEADS).eval()


@pytest.mark.parametrize("name", NAMES)
def test_the_card_has_the_sizes_of_the_network(name):
    card = find_card(name)
    network = build_on_meta(name, Shape(size=card.input_size, channels=card.channels))
    with FlopCounterMode(display=False) as counter:
        network.embed(torch.empty(1, card.channels, card.input_size, card.input_size, device="meta"))
    assert sum(parameter.numel() for parameter in network.trunk.parameters()) == card.parameters
    assert counter.get_total_flops() / 2e6 == pytest.approx(card.mmacs, rel=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_logit_for_every_label(name):
    card = find_card(name)
    network = build_on_meta(name, Shape(size=card.input_size, channels=card.channels))
    images = torch.empty(2, card.channels, card.input_size, card.input_size, device="meta")
    assert [tuple(logits.shape) for logits in network(images)] == [(2, 10), (2, 3)]
    assert network.attributes == ("product_type", "some.color")


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_is_in_a_stage_and_every_stage_has_weights(name):
    card = find_card(name)
    network = build_on_meta(name, Shape(size=card.input_size, channels=card.channels))
    found = {network.find_stage(key) for key, _ in network.named_parameters()}
    assert found == set(range(len(network.stages) + 1))
    for key in network.state_dict():
        if key.startswith("trunk."):
            network.find_stage(key)


@pytest.mark.parametrize("name", [card.name for card in list_cards() if card.pretrained])
def test_a_grey_image_is_taken_by_a_network_for_colour(name):
    size = find_card(name).input_size
    network = build_on_meta(name, Shape(size=size, channels=1))
    assert network(torch.empty(2, 1, size, size, device="meta"))[0].shape == (2, 10)


@pytest.mark.parametrize(("name", "size"), [("spikeable", 28), ("spikeable", 96), ("conv4", 28), ("mlp3", 28)])
def test_a_small_network_computes(name, size):
    network = build_network(name, Shape(size=size, channels=3), HEADS).eval()
    logits = network(torch.rand(2, 3, size, size))
    assert [tuple(each.shape) for each in logits] == [(2, 10), (2, 3)]
    assert all(torch.isfinite(each).all() for each in logits)


def test_listing_cards_loads_no_torch():
    code = (
        "import sys; from classifier.networks.registry import list_cards; list_cards();"
        "sys.exit(any(name in sys.modules for name in ('torch', 'timm', 'torchvision')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_same_seed_gives_the_same_weights_and_leaves_chance_alone():
    shape = Shape(size=28, channels=1)
    before = torch.get_rng_state()
    one, same, other = (build_network("mlp2", shape, HEADS, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.heads[0].weight, same.heads[0].weight)
    assert not torch.equal(one.heads[0].weight, other.heads[0].weight)


def test_a_recipe_freezes_nothing_without_weights_from_elsewhere():
    card = find_card("resnet50")
    assert card.choose_recipe(pretrained=True).head_epochs > 0
    scratch = card.choose_recipe(pretrained=False)
    assert (scratch.head_epochs, scratch.epochs_a_stage, scratch.depth_decay) == (0, 0, 1.0)


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(SetupError, match=r"no network 'resnet18'.*resnet50") as caught:
        find_card("resnet18")
    assert caught.value.code == "unknown_network"


@pytest.mark.parametrize(("name", "size"), [("conv3", 8), ("vit_b_16", 100), ("spikeable", 500)])
def test_a_size_it_cannot_take_is_refused(name, size):
    with pytest.raises(InputError, match=f"{name} cannot be built for images of {size} pixels"):
        build_trunk(name, Shape(size=size, channels=3))


def test_names_are_unique():
    with pytest.raises(ValueError, match="two networks are called 'mlp2'"):
        register(find_card("mlp2"))(lambda shape: build_trunk("mlp2", shape))


def test_the_spikeable_network_has_only_what_spikes_can_do():
    from torch import nn

    allowed = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.ZeroPad2d, nn.Flatten, nn.Linear, nn.AdaptiveAvgPool2d)
    for size in (28, 96):
        network = build_network("spikeable", Shape(size=size, channels=1), HEADS)
        leaves = [module for module in network.trunk.modules() if not list(module.children())]
        assert all(isinstance(leaf, allowed) for leaf in leaves)


@pytest.mark.parametrize("size", [28, 27])
def test_its_strides_pad_as_tensorflow_does(size):
    """A single bright pixel at the end of a row must reach the last column of the halved map."""
    trunk = build_trunk("spikeable", Shape(size=size, channels=1)).module
    pad, conv = getattr(trunk.conv2, "pad", None), trunk.conv2.conv
    before = torch.zeros(1, 32, size, size)
    map_size = -(-size // 2)
    assert conv(pad(before) if pad is not None else before).shape[-1] == map_size
    wanted = max((map_size - 1) * 2 + 3 - size, 0)  # TensorFlow's total padding of "same"
    given = sum(pad.padding[:2]) if pad is not None else 2 * conv.padding[0]
    first = pad.padding[0] if pad is not None else conv.padding[0]
    assert (given, first) == (wanted, wanted // 2)


class TestPretrained:
    SHAPE = Shape(size=64, channels=3)

    def test_weights_that_cannot_be_had_are_named_with_a_way_out(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        monkeypatch.setattr("classifier.networks.pretrained.fetch_weights", refuse)
        with pytest.raises(WeightsMissingError, match=r"the weights of resnet50 cannot be had here: .*--pretrained"):
            build_network("resnet50", self.SHAPE, HEADS, pretrained=True, models=tmp_path)

    def test_a_network_without_any_says_so(self, tmp_path):
        with pytest.raises(WeightsMissingError, match="no weights of mlp2 from elsewhere"):
            build_network("mlp2", Shape(size=28, channels=1), HEADS, pretrained=True, models=tmp_path)

    def test_efficientnet_starts_from_those_the_encoder_uses(self, tmp_path):
        from search.encoders.efficientnet_lite0 import RECIPE
        from search.encoders.efficientnet_lite0 import build_network as build_encoder
        from search.encoders.weights import find_weights

        network = build_network("efficientnet_lite0", self.SHAPE, HEADS, pretrained=True, models=tmp_path).eval()
        encoder = build_encoder(find_weights(RECIPE.weights, models=tmp_path)).eval()
        images = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            wanted = encoder((images - 0.5) / 0.5).mean((2, 3))
            assert torch.allclose(network.embed(images), wanted, atol=1e-5)


def refuse(source, *, models, progress=None):
    raise WeightsMissingError(f"{source.file_name} is nowhere")


def test_a_network_keeps_its_heads_in_order():
    trunk = build_trunk("mlp2", Shape(size=28, channels=1))
    network = Network(trunk, {"b": 2, "a": 5}, [0.5], [0.5])
    assert [head.out_features for head in network.heads] == [2, 5]
