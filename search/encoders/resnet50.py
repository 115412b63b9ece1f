"""ResNet-50 with torchvision's second ImageNet weights: the default backbone where its weights can be had.

He et al., Deep Residual Learning for Image Recognition (arXiv:1512.03385); the weights' training recipe:
pytorch.org/blog/how-to-train-state-of-the-art-models-using-torchvision-latest-primitives.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from search.encoder import Encoder, EncoderCard
from search.encoders.graph import NetworkRecipe
from search.encoders.network import open_network
from search.encoders.registry import Progress, register
from search.encoders.weights import WeightsSource

if TYPE_CHECKING:
    import torch

CARD = EncoderCard(
    name="resnet50",
    dimension=2048,
    input_size=224,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="bilinear",
    licence="BSD-3-Clause",
    source="torchvision ResNet50_Weights.IMAGENET1K_V2",
    weights_sha256="11ad3fa6",
    summary="ResNet-50, ImageNet (torchvision V2 weights): 2,048 numbers, 98 MB; the default where it can be had",
)

RECIPE = NetworkRecipe(
    card=CARD,
    weights=WeightsSource(
        file_name="resnet50-11ad3fa6.pth",
        sha256=CARD.weights_sha256,
        url="https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
        way_out="Copy that file into the models folder, or choose an encoder that brings its weights along: "
        "efficientnet_lite0.",
    ),
    builder="search.encoders.resnet50:build_network",
)


@register(CARD)
def open_resnet50(*, models: Path, threads: int, progress: Progress | None) -> Encoder:
    """The encoder, ready."""
    return open_network(RECIPE, models=models, threads=threads, progress=progress)


def build_network(weights: Path) -> torch.nn.Module:
    """Normalised photos (N, 3, H, W) to the last map before pooling, (N, 2048, H/32, W/32). Needs torch."""
    import torch
    import torchvision

    network = torchvision.models.resnet50(weights=None)
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return torch.nn.Sequential(*list(network.children())[:-2])
