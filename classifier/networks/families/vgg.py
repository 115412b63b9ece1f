"""VGG: a small one for photos of 96 pixels, and VGG-19 with ImageNet weights.

Simonyan and Zisserman (arXiv:1409.1556). `vgg_small` is the smaller VGGNet that tutorials train on several labels a
photo, type and colour, each for itself; with means in place of maxima and its activations after normalisation, so that
it can be converted to spikes (decision 0012). Knows nothing of where photos come from.
"""

from __future__ import annotations

from itertools import pairwise

from classifier.networks.card import IMAGENET_MEAN, IMAGENET_STD, NetworkCard, Shape, Trunk
from classifier.networks.pretrained import PretrainedWeights
from classifier.networks.registry import register
from classifier.training.settings import Augmentation, Loss, Optimiser, Precision, Schedule, TrainingSettings
from search.encoders.weights import WeightsSource

VGG_SMALL = NetworkCard(
    name="vgg_small",
    input_size=96,
    channels=3,
    parameters=8_670_272,
    mmacs=129.6,
    mean=(0.0,),
    std=(1.0,),
    multi_label=True,
    sizes=(24, 256),
    recipe=TrainingSettings(
        epochs=25,
        batch=32,
        optimiser=Optimiser.ADAM,
        rate=1e-3,
        weight_decay=0.0,
        schedule=Schedule.COSINE,
        warmup=0.05,
        loss=Loss.BINARY,
        augmentation=Augmentation.STRONG,
        precision=Precision.HALF,
    ),
    summary="the smaller VGGNet, 96 x 96 colour: five convolutions, a hidden layer of 1,024, binary cross-entropy",
)

VGG19 = NetworkCard(
    name="vgg19",
    input_size=224,
    channels=3,
    parameters=139_570_240,
    mmacs=19_628.0,
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
    pretrained="torchvision VGG19_Weights.IMAGENET1K_V1, 548 MB, fetched where there is a network",
    licence="BSD-3-Clause",
    sizes=(32, 512),
    recipe=TrainingSettings(
        epochs=15, batch=32, rate=1e-4, augmentation=Augmentation.MEDIUM, head_epochs=3, epochs_a_stage=2
    ),
    summary="VGG-19, ImageNet: 140 million weights",
)

VGG19_WEIGHTS = PretrainedWeights(
    source=WeightsSource(
        file_name="vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9d",
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        way_out="Copy that file into the models folder.",
    ),
    left_out=("classifier.6.",),
)


@register(VGG_SMALL)
def build_vgg_small(shape: Shape) -> Trunk:
    """32 filters, pooled by 3; 64 and 64, 128 and 128, each pooled by 2; a hidden layer of 1,024."""
    from torch import nn

    trunk = nn.Sequential()
    channels, side, stages = shape.channels, shape.size, []
    for number, (filters, times, pool) in enumerate(((32, 1, 3), (64, 2, 2), (128, 2, 2)), start=1):
        parts: list[nn.Module] = []
        for _ in range(times):
            parts += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
            channels = filters
        side //= pool
        trunk.add_module(f"block{number}", nn.Sequential(*parts, nn.AvgPool2d(pool), nn.Dropout(0.25)))
        stages.append((f"block{number}",))
    hidden = (nn.Flatten(), nn.Linear(channels * side**2, 1024), nn.BatchNorm1d(1024), nn.ReLU(), nn.Dropout(0.5))
    trunk.add_module("hidden", nn.Sequential(*hidden))
    return Trunk(trunk, 1024, [*stages, ("hidden",)])


@register(VGG19, VGG19_WEIGHTS)
def build_vgg19(shape: Shape) -> Trunk:
    """torchvision's, its last layer taken off. It takes any size: the last map is pooled to 7 x 7."""
    import torchvision
    from torch import nn

    del shape
    network = torchvision.models.vgg19(weights=None)
    network.classifier[6] = nn.Identity()
    # Its pools are layers 4, 9, 18, 27 and 36 of `features`.
    edges = (0, 5, 10, 19, 28, 37)
    stages = [tuple(f"features.{layer}" for layer in range(start, end)) for start, end in pairwise(edges)]
    return Trunk(network, 4096, [*stages, ("classifier",)])
