"""A network as plain arrays: convolutions, mean pools and dense layers, normalisation folded into their weights.

What torch, Keras, ONNX and the numpy reference all start from, so that there is one set of weights and one order of
axes: channels last throughout. Numpy only. Knows nothing of spikes, and of training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Size = tuple[int, int, int]
"""Height, width and channels of a map."""


class Output(StrEnum):
    """How an attribute's evidence becomes probabilities."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    """Of every label for itself: a network with several labels an image, or trained on binary cross-entropy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """A convolution, padded with zeros as TensorFlow's "same" does, so that its output is ceil(side / stride) a side.

    Attributes:
        weight: shape (height, width, channels in, channels out).
        bias: shape (channels out,).
        threshold: the activation that one spike stands for, and the highest one there is; None while it has none.
    """

    name: str
    weight: Array
    bias: Array
    stride: int = 1
    threshold: float | None = None

    def find_size(self, size: Size) -> Size:
        """Of the map it gives."""
        return -(-size[0] // self.stride), -(-size[1] // self.stride), self.weight.shape[3]

    def find_padding(self, side: int) -> tuple[int, int]:
        """Zeros before and after a side of this many pixels: the odd one, if any, after. Kernels are square."""
        return _find_padding(side, self.weight.shape[0], self.stride)

    def count_macs(self, size: Size) -> int:
        """Multiplications with addition for one image; those with padding are not counted."""
        return int(self.count_synapses(size).sum())

    def count_synapses(self, size: Size) -> NDArray[np.int64]:
        """How many numbers of the output each number of the input has a part in, shape `size`."""
        per_side = [
            self._count_along(side, kernel) for side, kernel in zip(size[:2], self.weight.shape[:2], strict=True)
        ]
        reached = per_side[0][:, None, None] * per_side[1][None, :, None] * self.weight.shape[3]
        return np.broadcast_to(reached, size).astype(np.int64)

    def _count_along(self, side: int, kernel: int) -> NDArray[np.int64]:
        before, _ = _find_padding(side, kernel, self.stride)
        counts = np.zeros(side, np.int64)
        for output in range(-(-side // self.stride)):
            first = output * self.stride - before
            counts[max(first, 0) : first + kernel] += 1
        return counts


def _find_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPool:
    """The mean over squares that do not overlap; rows and columns that fill no square are left out."""

    name: str
    side: int

    def find_size(self, size: Size) -> Size:
        """Of the map it gives."""
        return size[0] // self.side, size[1] // self.side, size[2]

    def count_macs(self, size: Size) -> int:
        """Additions, for one image."""
        rows, columns, channels = self.find_size(size)
        return rows * columns * channels * self.side**2

    def spread(self, counts: NDArray[np.int64], size: Size) -> NDArray[np.int64]:
        """What is true of a pooled number, for every number it is the mean of; 0 for those left out."""
        spread = np.zeros(size, np.int64)
        each = counts.repeat(self.side, 0).repeat(self.side, 1)
        spread[: each.shape[0], : each.shape[1]] = each
        return spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """A matrix product with all of the map, read row by row with channels innermost.

    Attributes:
        weight: shape (numbers in, numbers out).
        bias: shape (numbers out,).
        threshold: as of `Conv`; None also for the last layer, which gives evidence and never spikes.
    """

    name: str
    weight: Array
    bias: Array
    threshold: float | None = None

    def find_size(self, size: Size) -> Size:
        """Of the map it gives."""
        del size
        return 1, 1, self.weight.shape[1]

    def count_macs(self, size: Size) -> int:
        """Multiplications with addition for one image."""
        del size
        return int(self.weight.size)

    def count_synapses(self, size: Size) -> NDArray[np.int64]:
        """How many numbers of the output each number of the input has a part in, shape `size`."""
        return np.full(size, self.weight.shape[1], np.int64)


Layer = Conv | MeanPool | Dense


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One attribute's place among the outputs.

    Attributes:
        labels: in the order of the outputs.
        multi_valued: whether an image may have several.
    """

    labels: tuple[str, ...]
    multi_valued: bool
    output: Output


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredNetwork:
    """A network, folded. Every layer but pools and the last one ends in a ReLU, or in what stands for it.

    Attributes:
        size: of the images.
        mean, std: per channel, on values from 0 to 1.
        layers: from the image to the outputs; the last one is `Dense`.
        attributes: in the order of the outputs.
    """

    size: Size
    mean: Array
    std: Array
    layers: tuple[Layer, ...]
    attributes: Mapping[str, Evidence]

    def normalise(self, images: NDArray[np.uint8]) -> Array:
        """Images (n, height, width, channels), 0 to 255, to what the first layer takes."""
        return ((images / np.float32(255) - self.mean) / self.std).astype(np.float32)

    def list_sizes(self) -> list[Size]:
        """Of the map that each layer takes, and at the end of what the last one gives."""
        sizes = [self.size]
        for layer in self.layers:
            sizes.append(layer.find_size(sizes[-1]))
        return sizes

    def list_spiking(self) -> list[Conv | Dense]:
        """The layers whose outputs are rectified: those that will spike."""
        return [layer for layer in self.layers[:-1] if not isinstance(layer, MeanPool)]

    def count_macs(self) -> list[int]:
        """For one image, by layer."""
        return [layer.count_macs(size) for layer, size in zip(self.layers, self.list_sizes(), strict=False)]

    def count_synapses(self) -> dict[str, NDArray[np.int64]]:
        """By spiking layer: how many numbers of the next layer with weights each of its neurons has a part in.

        Neurons at a border have fewer than others, and a neuron before a pool as many as what it is pooled into.
        """
        sizes = self.list_sizes()
        found: dict[str, NDArray[np.int64]] = {}
        for number, layer in enumerate(self.layers[:-1]):
            if isinstance(layer, MeanPool):
                continue
            pools = 0
            while isinstance(self.layers[number + 1 + pools], MeanPool):
                pools += 1
            following = self.layers[number + 1 + pools]
            assert not isinstance(following, MeanPool)
            counts = following.count_synapses(sizes[number + 1 + pools])
            for at in range(number + pools, number, -1):
                pool = self.layers[at]
                assert isinstance(pool, MeanPool)
                counts = pool.spread(counts, sizes[at])
            found[layer.name] = counts
        return found

    def check(self) -> None:
        """See that every layer takes what the one before it gives, and that the last one gives evidence of every label.

        Raises:
            ValueError: it does not; the message names the layer.
        """
        for layer, size in zip(self.layers, self.list_sizes(), strict=False):
            if isinstance(layer, MeanPool):
                continue
            taken = layer.weight.shape[2] if isinstance(layer, Conv) else layer.weight.shape[0]
            given = size[2] if isinstance(layer, Conv) else size[0] * size[1] * size[2]
            if taken != given or layer.bias.shape != layer.weight.shape[-1:]:
                raise ValueError(f"layer {layer.name} takes {taken} numbers and is given {given}")
        labels = sum(len(each.labels) for each in self.attributes.values())
        if not isinstance(self.layers[-1], Dense) or self.layers[-1].weight.shape[1] != labels:
            raise ValueError(f"the last layer does not give evidence of {labels} labels")

    def split(self, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Outputs (..., all labels) by attribute."""
        edges = np.cumsum([len(each.labels) for each in self.attributes.values()])[:-1]
        return dict(zip(self.attributes, np.split(outputs, edges, axis=-1), strict=True))

    def with_thresholds(self, thresholds: Mapping[str, float]) -> LayeredNetwork:
        """The same network with these thresholds, by the name of the layer."""
        layers = [
            layer
            if isinstance(layer, MeanPool)
            else replace(layer, threshold=thresholds.get(layer.name, layer.threshold))
            for layer in self.layers
        ]
        return replace(self, layers=tuple(layers))


def to_probabilities(evidence: NDArray[np.floating[Any]], output: Output) -> NDArray[np.float64]:
    """Mean evidence (..., labels) of one attribute as probabilities."""
    from scipy import special

    logits = np.asarray(evidence, np.float64)
    return np.asarray(special.softmax(logits, axis=-1) if output is Output.SOFTMAX else special.expit(logits))
