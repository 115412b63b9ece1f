"""Multilayer perceptrons on raw pixels, two and three hidden layers of 256, each followed by dropout.

The shapes of a student report on Fashion-MNIST. Its own settings (Adam at a constant rate) reached 89.4 % and 89.5 % on
the test images, the recipe here 90.2 % with two layers (docs/measurements.md). Knows nothing of convolutions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.networks.card import NetworkCard, Shape, Trunk
from classifier.networks.registry import register
from classifier.training.settings import Augmentation, Optimiser, Schedule, TrainingSettings

if TYPE_CHECKING:
    from torch import nn

WIDTH = 256

_RECIPE = TrainingSettings(
    epochs=40,
    batch=256,
    optimiser=Optimiser.ADAMW,
    rate=3e-3,
    weight_decay=0.05,
    schedule=Schedule.ONE_CYCLE,
    label_smoothing=0.05,
    augmentation=Augmentation.NONE,
    ema=0.999,
)

MLP2 = NetworkCard(
    name="mlp2",
    input_size=28,
    channels=1,
    parameters=266_752,
    mmacs=0.27,
    mean=(0.0,),
    std=(1.0,),
    recipe=_RECIPE,
    summary="two hidden layers of 256 on 28 x 28 pixels",
)
MLP3 = NetworkCard(
    name="mlp3",
    input_size=28,
    channels=1,
    parameters=332_544,
    mmacs=0.33,
    mean=(0.0,),
    std=(1.0,),
    recipe=_RECIPE,
    summary="three hidden layers of 256 on 28 x 28 pixels",
)


@register(MLP2)
def build_mlp2(shape: Shape) -> Trunk:
    """Two hidden layers."""
    return _build(shape, 2)


@register(MLP3)
def build_mlp3(shape: Shape) -> Trunk:
    """Three hidden layers."""
    return _build(shape, 3)


def _build(shape: Shape, hidden: int) -> Trunk:
    from torch import nn

    layers = nn.Sequential(nn.Flatten())
    width = shape.channels * shape.size**2
    stages: list[tuple[str, ...]] = []
    for number in range(1, hidden + 1):
        parts: list[nn.Module] = [nn.Linear(width, WIDTH), nn.ReLU(), nn.Dropout(0.2)]
        layers.add_module(f"hidden{number}", nn.Sequential(*parts))
        stages.append((f"hidden{number}",))
        width = WIDTH
    return Trunk(layers, WIDTH, stages)
