"""A trained torch network to plain layers: normalisation folded into weights, channels last. Needs torch.

    w' = w * gamma / sqrt(variance + eps)        b' = (b - mean) * gamma / sqrt(variance + eps) + beta

(Jacob et al., arXiv:1712.05877, section 3.2, with the running statistics.) What has no counterpart among plain layers,
max-pooling above all, is refused by name. Knows nothing of spikes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from classifier.networks.artefact import NetworkRecord
from classifier.networks.network import Network
from classifier.spiking.layers import Array, Conv, Dense, Evidence, Layer, LayeredNetwork, MeanPool, Output
from classifier.spiking.quantised import QuantisedReLU
from classifier.training.settings import Loss
from search.errors import InputError


@torch.no_grad()
def fold_network(network: Network, record: NetworkRecord) -> LayeredNetwork:
    """The network as plain layers; its outputs are those of the torch network within rounding (1e-4).

    A layer whose activation is a `QuantisedReLU` has that one's threshold.

    Raises:
        InputError: `not_convertible`: a part that spiking neurons cannot do, such as max-pooling.
    """
    network.eval()
    channels = record.shape.channels
    folder = _Folder((record.shape.size, record.shape.size, channels))
    for name, module in _walk(network.trunk, "trunk"):
        folder.take(name, module)
    weight = torch.cat([head.weight for head in _list_heads(network)])
    bias = torch.cat([head.bias for head in _list_heads(network)])
    folder.add_dense("heads", weight, bias)
    return LayeredNetwork(
        size=(record.shape.size, record.shape.size, channels),
        mean=_to_array(network.mean.flatten()),
        std=_to_array(network.std.flatten()),
        layers=tuple(folder.layers),
        attributes=describe_evidence(record),
    )


def describe_evidence(record: NetworkRecord) -> Mapping[str, Evidence]:
    """Each attribute's labels, and how its outputs become probabilities: as the network was trained to mean them."""
    binary = record.training.get("settings", {}).get("loss") == Loss.BINARY
    return {
        name: Evidence(
            labels=tuple(labels),
            multi_valued=name in record.multi,
            output=Output.SIGMOID if binary or name in record.multi else Output.SOFTMAX,
        )
        for name, labels in record.attributes.items()
    }


class _Folder:
    """Layers made so far, and the map that the last of them gives."""

    def __init__(self, size: tuple[int, int, int]) -> None:
        self.layers: list[Layer] = []
        self.size = size
        self.rectified = True  # the image needs no activation
        self.padding = (0, 0, 0, 0)  # of a module of its own, before a convolution: left, right, top, bottom
        self.mean_over: tuple[int, int] | None = None  # sides of a map that the next dense layer takes the mean of

    def take(self, name: str, module: nn.Module) -> None:
        """Fold one module in."""
        match module:
            case nn.ZeroPad2d():
                self._need_nothing_pending(name)
                self.padding = tuple(module.padding)  # type: ignore[assignment]
            case nn.Conv2d():
                self._add_conv(name, module)
            case nn.Linear():
                self.add_dense(name, module.weight, module.bias)
            case nn.BatchNorm2d() | nn.BatchNorm1d():
                self._fold_norm(name, module)
            case nn.ReLU() | QuantisedReLU():
                self._rectify(name, module)
            case nn.AvgPool2d():
                self._add_pool(name, module)
            case nn.AdaptiveAvgPool2d() if module.output_size in (1, (1, 1)):
                self._need_activation(name)
                self._need_nothing_pending(name)
                self.mean_over = self.size[:2]
            case nn.Flatten() | nn.Dropout() | nn.Dropout2d() | nn.Identity():
                pass
            case _:
                raise _refuse(name, f"{type(module).__name__} has no counterpart among spiking neurons")

    def add_dense(self, name: str, weight: Tensor, bias: Tensor | None) -> None:
        """Columns in the order of channels, rows, columns become rows, columns, channels."""
        self._need_activation(name)
        if any(self.padding):
            raise _refuse(name, "padding before a dense layer is not converted")
        rows, columns, channels = self.size
        kernel = weight
        if self.mean_over is not None:
            # The mean over a map and then a product is one product with each weight, divided, at every place.
            kernel = weight[:, :, None, None].expand(-1, -1, rows, columns).flatten(1) / (rows * columns)
            self.mean_over = None
        turned = kernel.reshape(-1, channels, rows, columns).permute(2, 3, 1, 0).reshape(-1, kernel.shape[0])
        own = torch.zeros(len(weight)) if bias is None else bias
        self._add(Dense(name=_shorten(name), weight=_to_array(turned), bias=_to_array(own)))

    def _add_conv(self, name: str, module: nn.Conv2d) -> None:
        self._need_activation(name)
        if self.mean_over is not None:
            raise _refuse(name, "a convolution after the mean over a whole map is not converted")
        if (
            module.groups != 1
            or module.dilation != (1, 1)
            or len({*module.stride}) != 1
            or len({*module.kernel_size}) != 1
        ):
            raise _refuse(name, "a convolution in groups, dilated, with two strides, or not square is not converted")
        if module.padding_mode != "zeros" or isinstance(module.padding, str):
            raise _refuse(name, "only padding with so many zeros is converted")
        weight = _to_array(module.weight.permute(2, 3, 1, 0))
        bias = _to_array(torch.zeros(module.out_channels) if module.bias is None else module.bias)
        layer = Conv(name=_shorten(name), weight=weight, bias=bias, stride=int(module.stride[0]))
        left, right, top, bottom = self.padding
        given = [
            (top + module.padding[0], bottom + module.padding[0]),
            (left + module.padding[1], right + module.padding[1]),
        ]
        wanted = [layer.find_padding(side) for side in self.size[:2]]
        if given != wanted:
            raise _refuse(name, f'its padding is {given} where TensorFlow\'s "same" has {wanted}')
        self.padding = (0, 0, 0, 0)
        self._add(layer)

    def _add_pool(self, name: str, module: nn.AvgPool2d) -> None:
        self._need_activation(name)
        self._need_nothing_pending(name)
        side, stride = module.kernel_size, module.stride
        plain = module.padding in (0, (0, 0)) and not module.ceil_mode and module.divisor_override is None
        if not isinstance(side, int) or stride not in (side, None) or not plain:
            raise _refuse(name, "only means over squares that do not overlap are converted")
        layer = MeanPool(name=_shorten(name), side=side)
        self.layers.append(layer)
        self.size = layer.find_size(self.size)

    def _add(self, layer: Conv | Dense) -> None:
        self.layers.append(layer)
        self.size = layer.find_size(self.size)
        self.rectified = False

    def _fold_norm(self, name: str, module: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        if self.rectified:
            raise _refuse(name, "normalisation after the activation cannot be folded into weights before it")
        layer = self.layers[-1]
        assert not isinstance(layer, MeanPool)
        if module.running_var is None or module.running_mean is None or module.weight is None:
            raise _refuse(name, "normalisation without statistics and weights of its own is not converted")
        scale = module.weight / torch.sqrt(module.running_var + module.eps)
        weight = torch.from_numpy(layer.weight) * scale
        bias = (torch.from_numpy(layer.bias) - module.running_mean) * scale + module.bias
        self.layers[-1] = replace(layer, weight=_to_array(weight), bias=_to_array(bias))

    def _rectify(self, name: str, module: nn.ReLU | QuantisedReLU) -> None:
        if self.rectified:
            raise _refuse(name, "an activation that no layer with weights stands before is not converted")
        layer = self.layers[-1]
        assert not isinstance(layer, MeanPool)
        threshold = module.find_threshold() if isinstance(module, QuantisedReLU) else None
        self.layers[-1] = replace(layer, threshold=threshold)
        self.rectified = True

    def _need_nothing_pending(self, name: str) -> None:
        if any(self.padding) or self.mean_over is not None:
            raise _refuse(name, "padding, or the mean over a whole map, is not followed by the layer it is for")

    def _need_activation(self, name: str) -> None:
        if not self.rectified:
            raise _refuse(name, "the layer before it has no ReLU")


def _walk(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """The modules of sequences, in the order they are applied."""
    if not isinstance(module, nn.Sequential):
        yield name, module
        return
    for own, child in module.named_children():
        yield from _walk(child, f"{name}.{own}")


def _list_heads(network: Network) -> Sequence[nn.Linear]:
    return [head for head in network.heads if isinstance(head, nn.Linear)]


def _shorten(name: str) -> str:
    """`trunk.conv1.conv` is layer `conv1`; `trunk.block1.3` is `block1_3`."""
    return "_".join(part for part in name.split(".") if part not in ("trunk", "conv"))


def _to_array(tensor: Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32)


def _refuse(name: str, why: str) -> InputError:
    return InputError(
        f"{name} cannot be converted to spikes: {why}. 'spikeable' and 'vgg_small' are networks that can be",
        code="not_convertible",
    )
