"""A small convolutional network that can be converted to spikes: convolutions, normalisation, ReLU, one linear head.

No max-pooling, which spikes cannot do; strides instead, padded below and to the right as TensorFlow pads them, so that
the same weights give the same numbers there. Knows nothing of spikes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from classifier.networks.card import NetworkCard, Shape, Trunk
from classifier.networks.registry import register
from classifier.training.settings import Augmentation, Optimiser, Precision, TrainingSettings

if TYPE_CHECKING:
    from torch import nn

CARD = NetworkCard(
    name="spikeable",
    input_size=28,
    channels=1,
    parameters=536_032,
    mmacs=40.0,
    mean=(0.286,),
    std=(0.353,),
    sizes=(8, 224),
    recipe=TrainingSettings(
        epochs=36,
        batch=128,
        optimiser=Optimiser.SGD,
        rate=0.1,
        momentum=0.9,
        weight_decay=5e-4,
        warmup=0.2,
        label_smoothing=0.05,
        augmentation=Augmentation.MEDIUM,
        plain_epochs=3,
        ema=0.998,
        precision=Precision.HALF,
    ),
    summary="five convolutions with strides, 28 x 28 grey or larger; can be converted to spikes",
)

LAYERS = ((32, 1), (64, 2), (128, 1), (128, 2), (256, 1))
"""Channels and stride of each convolution, at 28 pixels."""

LARGE_LAYERS = ((32, 2), *LAYERS[1:], (256, 2))
"""From 64 pixels on: a stride at the stem and one at the end, so that a photo of 96 pixels costs about as much."""

POOLED_FROM = 64
"""Side, in pixels, from which features are the mean over the last map instead of all of it."""


@register(CARD)
def build_spikeable(shape: Shape) -> Trunk:
    """The network for images of any size; `trunk.module` is a sequence of `conv1`, `conv2`, ... and `flatten`."""
    from torch import nn

    large = shape.size >= POOLED_FROM
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels, side = shape.channels, shape.size
    for number, (width, stride) in enumerate(LARGE_LAYERS if large else LAYERS, start=1):
        parts[f"conv{number}"] = _make_layer(channels, width, stride, odd=side % 2 == 1)
        channels, side = width, -(-side // stride)
    if large:
        parts["pool"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    stages = [(name,) for name in parts if name.startswith("conv")]
    return Trunk(nn.Sequential(parts), channels if large else channels * side * side, stages, dropout=0.4)


def _make_layer(channels: int, width: int, stride: int, *, odd: bool) -> nn.Sequential:
    """`pad` where padding is uneven, `conv`, `norm`, `relu`.

    TensorFlow's "same" with stride 2 pads one row and column, at the end, where the side is even, and one at either
    end where it is odd.
    """
    from torch import nn

    parts: OrderedDict[str, nn.Module] = OrderedDict()
    uneven = stride == 2 and not odd
    if uneven:
        parts["pad"] = nn.ZeroPad2d((0, 1, 0, 1))
    parts["conv"] = nn.Conv2d(channels, width, 3, stride=stride, padding=0 if uneven else 1, bias=False)
    parts["norm"] = nn.BatchNorm2d(width)
    parts["relu"] = nn.ReLU(inplace=True)
    return nn.Sequential(parts)
