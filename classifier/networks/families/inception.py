"""Inception-ResNet-v2, Inception-v4 and Xception, as timm has them: the three a study of garment attributes compares.

Szegedy et al. (arXiv:1602.07261), Chollet (arXiv:1610.02357). The recipe is the study's: heads alone for ten epochs,
then part of the convolutions too, at lower rates, with dropout of one half. Knows nothing of attributes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from classifier.networks.card import HALF, NetworkCard, Shape, Trunk
from classifier.networks.pretrained import PretrainedWeights
from classifier.networks.registry import register
from classifier.training.settings import Augmentation, Optimiser, Schedule, TrainingSettings
from search.encoders.weights import WeightsSource

DROPOUT = 0.5

INCEPTION_RESNET_V2 = NetworkCard(
    name="inception_resnet_v2",
    input_size=299,
    channels=3,
    parameters=54_306_464,
    mmacs=13_154.3,
    mean=HALF,
    std=HALF,
    pretrained="timm inception_resnet_v2, ImageNet, 213 MB, fetched where there is a network",
    licence="Apache-2.0",
    multi_label=True,
    sizes=(75, 512),
    recipe=TrainingSettings(
        epochs=20,
        batch=32,
        optimiser=Optimiser.ADAM,
        rate=1e-4,
        weight_decay=0.0,
        schedule=Schedule.CONSTANT,
        augmentation=Augmentation.MEDIUM,
        head_epochs=10,
        epochs_a_stage=2,
        depth_decay=0.1,
    ),
    summary="Inception-ResNet-v2, ImageNet, 299 x 299",
)
INCEPTION_V4 = replace(
    INCEPTION_RESNET_V2,
    name="inception_v4",
    parameters=41_142_816,
    mmacs=12_252.4,
    pretrained="timm inception_v4, ImageNet, 163 MB, fetched where there is a network",
    summary="Inception-v4, ImageNet, 299 x 299",
)
XCEPTION = replace(
    INCEPTION_RESNET_V2,
    name="xception",
    parameters=20_806_952,
    mmacs=8_355.4,
    pretrained="timm legacy_xception, ImageNet, 87 MB, fetched where there is a network",
    summary="Xception, ImageNet, 299 x 299",
)

_RELEASES = "https://github.com/rwightman/pytorch-image-models/releases/download"


def _describe_weights(release: str, file_name: str, last_layer: str) -> PretrainedWeights:
    return PretrainedWeights(
        source=WeightsSource(
            file_name=file_name,
            sha256=file_name.removesuffix(".pth")[-8:],
            url=f"{_RELEASES}/{release}/{file_name}",
            way_out="Copy that file into the models folder.",
        ),
        left_out=(last_layer,),
    )


@register(INCEPTION_RESNET_V2, _describe_weights("v0.1-weights", "inception_resnet_v2-940b1cd6.pth", "classif."))
def build_inception_resnet_v2(shape: Shape) -> Trunk:
    """timm's, its last layer taken off."""
    import timm

    del shape
    stem = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a", "mixed_5b")
    stages = [stem, ("repeat",), ("mixed_6a", "repeat_1"), ("mixed_7a", "repeat_2", "block8", "conv2d_7b")]
    return Trunk(timm.create_model("inception_resnet_v2", pretrained=False, num_classes=0), 1536, stages, DROPOUT)


@register(INCEPTION_V4, _describe_weights("v0.1-cadene", "inceptionv4-8e4777a0.pth", "last_linear."))
def build_inception_v4(shape: Shape) -> Trunk:
    """timm's, its last layer taken off."""
    import timm

    del shape
    # The stem, then the three kinds of blocks, each kind with the reduction before it.
    edges = (0, 6, 10, 18, 22)
    stages = [tuple(f"features.{layer}" for layer in range(start, end)) for start, end in pairwise(edges)]
    return Trunk(timm.create_model("inception_v4", pretrained=False, num_classes=0), 1536, stages, DROPOUT)


@register(XCEPTION, _describe_weights("v0.1-cadene", "xception-43020ad28.pth", "fc."))
def build_xception(shape: Shape) -> Trunk:
    """timm's `legacy_xception`, its last layer taken off."""
    import timm

    del shape
    entry = ("conv1", "bn1", "conv2", "bn2", "block1", "block2", "block3")
    middle = [tuple(f"block{number}" for number in numbers) for numbers in (range(4, 8), range(8, 12))]
    stages = [entry, *middle, ("block12", "conv3", "bn3", "conv4", "bn4")]
    return Trunk(timm.create_model("legacy_xception", pretrained=False, num_classes=0), 2048, stages, DROPOUT)
