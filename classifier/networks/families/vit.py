"""The vision transformer ViT-B/16 with torchvision's ImageNet weights.

Dosovitskiy et al., An Image is Worth 16x16 Words (arXiv:2010.11929). Knows nothing of convolutional networks.
"""

from __future__ import annotations

from classifier.networks.card import IMAGENET_MEAN, IMAGENET_STD, NetworkCard, Shape, Trunk
from classifier.networks.pretrained import PretrainedWeights
from classifier.networks.registry import register
from classifier.training.settings import Augmentation, TrainingSettings
from search.encoders.weights import WeightsSource
from search.errors import InputError

PATCH = 16
"""Side of a patch, pixels."""

LAYERS = 12

CARD = NetworkCard(
    name="vit_b_16",
    input_size=224,
    channels=3,
    parameters=85_798_656,
    mmacs=17_563.0,
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
    pretrained="torchvision ViT_B_16_Weights.IMAGENET1K_V1, 330 MB, fetched where there is a network",
    licence="BSD-3-Clause",
    multi_label=True,
    sizes=(32, 384),
    recipe=TrainingSettings(
        epochs=15,
        batch=16,
        rate=3e-4,
        weight_decay=0.05,
        augmentation=Augmentation.MEDIUM,
        head_epochs=3,
        epochs_a_stage=1,
        depth_decay=0.75,
        clip=1.0,
    ),
    summary="the transformer ViT-B/16, ImageNet",
)

WEIGHTS = PretrainedWeights(
    source=WeightsSource(
        file_name="vit_b_16-c867db91.pth",
        sha256="c867db91",
        url="https://download.pytorch.org/models/vit_b_16-c867db91.pth",
        way_out="Copy that file into the models folder.",
    ),
    left_out=("heads.",),
)


@register(CARD, WEIGHTS)
def build_vit_b_16(shape: Shape) -> Trunk:
    """torchvision's, its head taken off; each layer of the encoder is a stage.

    Raises:
        InputError: a side that is not made of whole patches.
    """
    import torchvision
    from torch import nn

    if shape.size % PATCH:
        raise InputError(f"vit_b_16 cannot be built for images of {shape.size} pixels a side; give a multiple of 16")
    network = torchvision.models.vit_b_16(weights=None, image_size=shape.size)
    network.heads = nn.Identity()
    layers = [(f"encoder.layers.encoder_layer_{number}",) for number in range(LAYERS)]
    start = ("conv_proj", "class_token", "encoder.pos_embedding")
    return Trunk(network, 768, [start, *layers[:-1], (*layers[-1], "encoder.ln")])
