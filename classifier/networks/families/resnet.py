"""ResNet-50 and ResNet-101 with torchvision's second ImageNet weights.

He et al., Deep Residual Learning for Image Recognition (arXiv:1512.03385). Knows nothing of encoders.
"""

from __future__ import annotations

from dataclasses import replace

from classifier.networks.card import IMAGENET_MEAN, IMAGENET_STD, NetworkCard, Shape, Trunk
from classifier.networks.pretrained import PretrainedWeights
from classifier.networks.registry import register
from classifier.training.settings import Augmentation, TrainingSettings
from search.encoders.weights import WeightsSource

RESNET50 = NetworkCard(
    name="resnet50",
    input_size=224,
    channels=3,
    parameters=23_508_032,
    mmacs=4_087.1,
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
    pretrained="torchvision ResNet50_Weights.IMAGENET1K_V2, 98 MB, fetched where there is a network",
    licence="BSD-3-Clause",
    multi_label=True,
    sizes=(32, 512),
    recipe=TrainingSettings(
        epochs=15,
        batch=32,
        rate=1e-3,
        augmentation=Augmentation.MEDIUM,
        head_epochs=3,
        epochs_a_stage=2,
        depth_decay=0.5,
    ),
    summary="ResNet-50, ImageNet",
)
RESNET101 = replace(
    RESNET50,
    name="resnet101",
    parameters=42_500_160,
    mmacs=7_799.3,
    pretrained="torchvision ResNet101_Weights.IMAGENET1K_V2, 171 MB, fetched where there is a network",
    summary="ResNet-101, ImageNet",
)


def _describe_weights(file_name: str, sha256: str) -> PretrainedWeights:
    return PretrainedWeights(
        source=WeightsSource(
            file_name=file_name,
            sha256=sha256,
            url=f"https://download.pytorch.org/models/{file_name}",
            way_out="Copy that file into the models folder.",
        ),
        left_out=("fc.",),
    )


@register(RESNET50, _describe_weights("resnet50-11ad3fa6.pth", "11ad3fa6"))
def build_resnet50(shape: Shape) -> Trunk:
    """torchvision's, its last layer taken off."""
    return _build("resnet50", shape)


@register(RESNET101, _describe_weights("resnet101-cd907fc2.pth", "cd907fc2"))
def build_resnet101(shape: Shape) -> Trunk:
    """torchvision's, its last layer taken off."""
    return _build("resnet101", shape)


def _build(name: str, shape: Shape) -> Trunk:
    import torchvision
    from torch import nn

    del shape
    network = torchvision.models.get_model(name, weights=None)
    network.fc = nn.Identity()
    return Trunk(network, 2048, [("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",)])
