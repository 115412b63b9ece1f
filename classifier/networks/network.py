"""A network: a trunk from pixels to features, and one linear head for each attribute. Needs torch.

Pixels go in as they are, 0 to 255; normalisation is part of the network, so that its weights and its preprocessing
cannot be separated. Knows nothing of losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from classifier.networks.card import Shape, Trunk
from classifier.networks.registry import build_trunk, find_card, load_pretrained


class Network(nn.Module):
    """Images to the logits of every attribute.

    Args:
        trunk: everything but the heads.
        heads: attribute to the number of its labels; the order is kept.
        mean, std: per channel, or one for all, on values from 0 to 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, trunk: Trunk, heads: Mapping[str, int], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.trunk = trunk.module
        self.stages = tuple(trunk.stages)
        self.features = trunk.features
        self.attributes = tuple(heads)
        self.dropout = nn.Dropout(trunk.dropout)
        # A list and not a dictionary: an attribute's name may hold a dot, that of a module may not.
        self.heads = nn.ModuleList(nn.Linear(trunk.features, count) for count in heads.values())
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1))

    def embed(self, images: Tensor) -> Tensor:
        """Images (n, channels, size, size), values 0 to 1, to features (n, features)."""
        features: Tensor = self.trunk((images - self.mean) / self.std)
        return features

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (n, channels, size, size), values 0 to 1, to logits (n, labels), one tensor an attribute."""
        features = self.dropout(self.embed(images))
        return [head(features) for head in self.heads]

    def find_stage(self, parameter: str) -> int:
        """Which stage a parameter or buffer of the trunk is in, 0 nearest the image; `len(stages)` for the heads.

        Args:
            parameter: its name in the network, `trunk.` or `heads.` in front.
        """
        if not parameter.startswith("trunk."):
            return len(self.stages)
        name = parameter.removeprefix("trunk.")
        for number, prefixes in enumerate(self.stages):
            if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes):
                return number
        raise KeyError(f"{parameter} is in no stage of the network")


def build_network(
    name: str,
    shape: Shape,
    heads: Mapping[str, int],
    *,
    seed: int = 0,
    pretrained: bool = False,
    models: Path | None = None,
) -> Network:
    """A network by name, with heads of random weights.

    Args:
        shape: of the images.
        heads: attribute to the number of its labels.
        seed: of the random weights.
        pretrained: start from the weights its card names.
        models: folder of weights files; where torch keeps its own if None.

    Raises:
        SetupError: the name is unknown, or the weights cannot be had (`WeightsMissingError`).
        InputError: it cannot be built for images of this shape.
    """
    card = find_card(name)
    # A trunk with weights for colour takes colour: three means make three channels of a grey image.
    channels = card.channels if card.pretrained else shape.channels
    mean, std = (_fit_channels(values, channels) for values in (card.mean, card.std))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        trunk = build_trunk(name, shape)
        network = Network(trunk, heads, mean, std)
    if pretrained:
        load_pretrained(name, trunk, shape, models)
    return network


def _fit_channels(values: Sequence[float], channels: int) -> Sequence[float]:
    """The mean of three channels stands for the one of a grey image, and one value for all three."""
    return values if len(values) == channels else [sum(values) / len(values)]
