"""What there is to know of a network before anything heavy is loaded, and what its builder gives.

Knows nothing of torch at run time, nor of any network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from classifier.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCard:
    """A network, described.

    Attributes:
        name: what it is asked for by.
        input_size: side of the square image it is made for, pixels.
        channels: of an image: 1 grey, 3 colour.
        parameters: of everything but the heads, at that size.
        mmacs: million multiplications with addition for one image, heads not counted.
        mean, std: per channel, on values from 0 to 1; as many as channels, or one for all.
        pretrained: where weights learnt elsewhere come from; empty where there are none and none are needed.
        licence: SPDX identifier of those weights, or of the network where there are none.
        multi_label: whether its source used it for several labels an image; any network here takes any attributes.
        sizes: smallest and largest side it can be built for.
        recipe: how it is trained where nothing else is asked for; see `choose_recipe`.
        summary: one line for listings.
    """

    name: str
    input_size: int
    channels: int
    parameters: int
    mmacs: float
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    pretrained: str = ""
    licence: str = "MIT"
    multi_label: bool = False
    sizes: tuple[int, int] = (8, 1024)
    recipe: TrainingSettings = field(default_factory=TrainingSettings)
    summary: str

    def choose_recipe(self, *, pretrained: bool) -> TrainingSettings:
        """The recipe; without weights from elsewhere everything learns from the start, and at one rate."""
        if pretrained:
            return self.recipe
        return replace(self.recipe, head_epochs=0, epochs_a_stage=0, depth_decay=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of the images a network is built for: square, `size` pixels a side."""

    size: int
    channels: int


@dataclass(frozen=True, slots=True)
class Trunk:
    """All of a network but its heads.

    Attributes:
        module: normalised images (n, channels, size, size) to features (n, `features`).
        features: how many.
        stages: names of the module's parts (prefixes of the names of its parameters), from the image to the features:
            the steps in which a network thaws.
        dropout: of the features, before the heads, in training.
    """

    module: nn.Module
    features: int
    stages: Sequence[tuple[str, ...]]
    dropout: float = 0.0


class TrunkBuilder(Protocol):
    """Makes a network, its weights random. Imports torch when called, not before."""

    def __call__(self, shape: Shape) -> Trunk: ...
