"""Small convolutional networks with max-pooling and dropout: one, three and four convolutions, as on Fashion-MNIST.

`conv3` is the one a student report gives layer by layer (241,546 weights with ten labels); `conv1` and `conv4` are in
the manner of an article that compares one, three and four. Knows nothing of spikes: see `spikeable` for those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.networks.card import NetworkCard, Shape, Trunk
from classifier.networks.registry import register
from classifier.training.settings import Optimiser, Schedule, TrainingSettings

if TYPE_CHECKING:
    from torch import nn

_RECIPE = TrainingSettings(
    epochs=50,
    batch=256,
    optimiser=Optimiser.ADAM,
    rate=1e-3,
    weight_decay=0.0,
    schedule=Schedule.COSINE,
    warmup=0.02,
    patience=10,
)

CONV1 = NetworkCard(
    name="conv1",
    input_size=28,
    channels=1,
    parameters=173_408,
    mmacs=0.37,
    sizes=(8, 256),
    recipe=_RECIPE,
    summary="one convolution and a hidden layer, 28 x 28",
)
CONV3 = replace(
    CONV1,
    name="conv3",
    parameters=240_256,
    mmacs=3.24,
    sizes=(18, 256),
    summary="three convolutions and a hidden layer, 28 x 28",
)
CONV4 = replace(
    CONV1,
    name="conv4",
    parameters=1_218_464,
    mmacs=13.18,
    sizes=(18, 256),
    summary="four convolutions with batch normalisation and two hidden layers, 28 x 28",
)


@register(CONV1)
def build_conv1(shape: Shape) -> Trunk:
    """32 filters, pooled; a hidden layer of 32."""
    from torch import nn

    return _join(
        32,
        {
            "conv1": [*_convolve(shape.channels, 32), nn.MaxPool2d(2), nn.Dropout(0.2), nn.Flatten()],
            "hidden1": [nn.Linear(32 * ((shape.size - 2) // 2) ** 2, 32), nn.ReLU()],
        },
    )


@register(CONV3)
def build_conv3(shape: Shape) -> Trunk:
    """32, 64 and 128 filters, the first two pooled; a hidden layer of 128."""
    from torch import nn

    side = ((shape.size - 2) // 2 - 2) // 2 - 2
    return _join(
        128,
        {
            "conv1": [*_convolve(shape.channels, 32), nn.MaxPool2d(2), nn.Dropout(0.25)],
            "conv2": [*_convolve(32, 64), nn.MaxPool2d(2), nn.Dropout(0.25)],
            "conv3": [*_convolve(64, 128), nn.Dropout(0.4), nn.Flatten()],
            "hidden1": [nn.Linear(128 * side**2, 128), nn.ReLU(), nn.Dropout(0.3)],
        },
    )


@register(CONV4)
def build_conv4(shape: Shape) -> Trunk:
    """32 and 32 filters, pooled; 64 and 128, pooled; hidden layers of 512 and 128; normalised throughout."""
    from torch import nn

    side = ((shape.size - 4) // 2 - 4) // 2
    return _join(
        128,
        {
            "conv1": [*_convolve(shape.channels, 32), nn.BatchNorm2d(32)],
            "conv2": [*_convolve(32, 32), nn.BatchNorm2d(32), nn.MaxPool2d(2), nn.Dropout(0.25)],
            "conv3": [*_convolve(32, 64), nn.BatchNorm2d(64), nn.Dropout(0.25)],
            "conv4": [*_convolve(64, 128), nn.BatchNorm2d(128), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten()],
            "hidden1": [nn.Linear(128 * side**2, 512), nn.ReLU(), nn.BatchNorm1d(512), nn.Dropout(0.5)],
            "hidden2": [nn.Linear(512, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Dropout(0.5)],
        },
    )


def _convolve(channels: int, filters: int) -> list[nn.Module]:
    """3 x 3, nothing padded."""
    from torch import nn

    return [nn.Conv2d(channels, filters, 3), nn.ReLU()]


def _join(features: int, layers: Mapping[str, list[nn.Module]]) -> Trunk:
    from torch import nn

    trunk = nn.Sequential()
    for name, parts in layers.items():
        trunk.add_module(name, nn.Sequential(*parts))
    return Trunk(trunk, features, [(name,) for name in layers])
