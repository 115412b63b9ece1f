"""Networks small enough to know all about, as plain layers and in torch, their weights and statistics at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from classifier.networks.artefact import NetworkRecord
from classifier.networks.card import Shape, Trunk
from classifier.networks.network import Network, build_network
from classifier.spiking.artefact import Calibrated, Choices, SpikingNetwork
from classifier.spiking.layers import Conv, Dense, Evidence, LayeredNetwork, MeanPool, Output
from classifier.training.evaluation import to_tensor


def pad_as_tensorflow_says(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """The guide's own words: https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding", SAME."""
    total = max(kernel - stride, 0) if side % stride == 0 else max(kernel - side % stride, 0)
    return total // 2, total - total // 2


def make_conv(name, given, filters, *, kernel=3, stride=1, threshold=None, seed=0) -> Conv:
    """A convolution of random weights, its outputs about as large as its inputs."""
    random = np.random.default_rng(seed)
    weight = random.normal(size=(kernel, kernel, given, filters)) / kernel / np.sqrt(given)
    bias = random.normal(size=filters) / 10
    return Conv(
        name=name,
        weight=weight.astype(np.float32),
        bias=bias.astype(np.float32),
        stride=stride,
        threshold=threshold,
    )


def make_dense(name, given, wanted, *, threshold=None, seed=0) -> Dense:
    """A dense layer of random weights, its outputs about as large as its inputs."""
    random = np.random.default_rng(seed)
    weight, bias = random.normal(size=(given, wanted)) / np.sqrt(given), random.normal(size=wanted) / 10
    return Dense(name=name, weight=weight.astype(np.float32), bias=bias.astype(np.float32), threshold=threshold)


def describe(count, *, prefix="label", multi_valued=False, output=None) -> Evidence:
    """An attribute of so many labels."""
    labels = tuple(f"{prefix} {number}" for number in range(count))
    own = output or (Output.SIGMOID if multi_valued else Output.SOFTMAX)
    return Evidence(labels=labels, multi_valued=multi_valued, output=own)


def make_network(size, layers, attributes: Mapping[str, Evidence] | None = None) -> LayeredNetwork:
    """Layers as a network, by default with one attribute."""
    outputs = layers[-1].weight.shape[-1]
    channels = size[2]
    return LayeredNetwork(
        size=size,
        mean=np.linspace(0.2, 0.5, channels, dtype=np.float32),
        std=np.linspace(0.3, 0.4, channels, dtype=np.float32),
        layers=tuple(layers),
        attributes=attributes or {"shape": describe(outputs)},
    )


def make_evidence_network(attributes: Mapping[str, Evidence]) -> LayeredNetwork:
    """A network of which only the outputs matter."""
    outputs = sum(len(each.labels) for each in attributes.values())
    return make_network((1, 1, 1), [make_dense("heads", 1, outputs)], attributes)


def draw_images(count, size, channels=1, seed=0) -> np.ndarray:
    """Random uint8 images (count, size, size, channels): squares of random tones, and noise over them."""
    random = np.random.default_rng(seed)
    squares = random.integers(0, 256, (count, 4, 4, channels)).repeat(-(-size // 4), 1).repeat(-(-size // 4), 2)
    noise = random.integers(-80, 81, (count, size, size, channels))
    return (squares[:, :size, :size] + noise).clip(0, 255).astype(np.uint8)


def describe_record(network: Network, shape: Shape, *, name="drawn", multi=(), training=None) -> NetworkRecord:
    """What a network is, its labels numbered."""
    attributes = {
        attribute: tuple(f"{attribute} {number}" for number in range(head.out_features))
        for attribute, head in zip(network.attributes, network.heads, strict=True)
    }
    return NetworkRecord(
        name=name,
        shape=shape,
        attributes=attributes,
        multi=frozenset(multi),
        data={"name": "drawn"},
        metrics={},
        training=training or {},
    )


@torch.no_grad()
def randomise(network: Network, images: np.ndarray, seed=0) -> None:
    """Weights that keep numbers large, and statistics, scales and biases as a training might leave them.

    The statistics are near those of the images and never on them, and some scales are negative: evidence then differs
    from image to image by much more than rounding does, whatever is forgotten of them.
    """
    random = torch.Generator().manual_seed(seed)

    def draw(like, low, high):
        return torch.rand(like.shape, generator=random) * (high - low) + low

    norms = [module for module in network.modules() if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.weight.mul_(6**0.5)  # torch draws them for a slope of 5 where a ReLU has none
            if module.bias is not None:
                module.bias.copy_(draw(module.bias, -0.2, 0.2))
    for module in norms:
        module.momentum = None  # the mean over batches
    network.train()
    network(to_tensor(images))
    network.eval()
    for module in norms:
        if module.running_mean is not None:
            module.running_mean.add_(draw(module.running_mean, -0.5, 0.5) * module.running_var.sqrt())
            module.running_var.mul_(draw(module.running_var, 0.5, 2.0))
        if module.weight is not None:
            sign = torch.where(draw(module.weight, 0, 1) < 0.2, -1, 1)
            module.weight.copy_(draw(module.weight, 0.5, 1.5) * sign)
            module.bias.copy_(draw(module.bias, -0.3, 0.3))


def build_random(name, size, channels, heads: Mapping[str, int], *, multi=(), seed=0) -> tuple[Network, NetworkRecord]:
    """A registered network in evaluation mode, randomised, and what it is."""
    shape = Shape(size=size, channels=channels)
    network = build_network(name, shape, heads, seed=seed).eval()
    randomise(network, draw_images(8, size, channels, seed=100 + seed), seed)
    return network, describe_record(network, shape, name=name, multi=multi)


def wrap_trunk(modules: Sequence[nn.Module], features, shape: Shape, *, labels=4) -> tuple[Network, NetworkRecord]:
    """Modules in a row as a network, its weights random, and what it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = nn.Sequential(*modules)
        for module in trunk.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                module.reset_parameters()
        network = Network(Trunk(trunk, features, [("",)]), {"shape": labels}, [0.4], [0.3]).eval()
    randomise(network, draw_images(8, shape.size, shape.channels, seed=100))
    return network, describe_record(network, shape)


@torch.no_grad()
def run_torch(network: Network, images: np.ndarray) -> np.ndarray:
    """Logits of all attributes, side by side."""
    return torch.cat(network.eval()(to_tensor(images)), 1).numpy()


def make_spiking(*, steps=8, margin: float | None = 1.5) -> SpikingNetwork:
    """A converted network of 8 x 8 colour images with a pool and two attributes, its weights and choices made up."""
    layers = [
        make_conv("conv1", 3, 4, seed=1),
        MeanPool(name="pool", side=3),
        make_conv("conv2", 4, 5, stride=2, seed=2),
    ]
    layers += [make_dense("hidden", 5, 6, seed=3), make_dense("heads", 6, 5, seed=4)]
    attributes = {"shape": describe(3, prefix="shape"), "color": describe(2, prefix="color", multi_valued=True)}
    cnn = make_network((8, 8, 3), layers, attributes)
    thresholds = {"conv1": 0.1 + 0.2, "conv2": 1 / 3, "hidden": 2.0}
    moved = [
        layer if isinstance(layer, MeanPool) else replace(layer, weight=layer.weight * np.float32(1.1))
        for layer in layers
    ]
    snn = replace(cnn, layers=tuple(moved)).with_thresholds(thresholds)
    return SpikingNetwork(
        cnn=cnn,
        snn=snn,
        choices=Choices(
            levels=(4, 8),
            steps=steps,
            margin=margin,
            cnn={
                "shape": Calibrated(temperature=0.7, thresholds=(0.9, 0.1 + 0.2, 0.5)),
                "color": Calibrated(temperature=1.3, thresholds=(0.6, 0.7)),
            },
            snn={
                "shape": Calibrated(temperature=0.8, thresholds=(0.8, 0.7, 0.6)),
                "color": Calibrated(temperature=2.0, thresholds=(0.55, 0.75)),
            },
        ),
        source={"network": "drawn", "data": {"name": "é", "images": 3}},
    )
