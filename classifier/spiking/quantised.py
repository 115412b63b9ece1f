"""ReLUs that take a few levels only: what a network learns with before it spikes. Needs torch.

    y = threshold * clip(floor(levels * x / threshold + 1/2) / levels, 0, 1)

The quantisation-clip-floor-shift activation of Bu et al., "Optimal ANN-SNN conversion for high-accuracy and
ultra-low-latency spiking neural networks" (ICLR 2022, arXiv:2303.04347): an integrate-and-fire neuron that starts at
half its threshold and is given x for `levels` steps gives exactly y, as its mean over them. Knows nothing of NengoDL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from classifier.data.images import LabelledImages
from classifier.networks.network import Network
from classifier.training.evaluation import to_tensor

PERCENTILE_IMAGES = 2_000
"""Training images from which first thresholds are read."""

LOWEST = 1e-3
"""No threshold is lower, first or learnt: a layer that is silent on some images may not be on others."""

_SAMPLES = 2_000_000
"""Activations of a layer that a percentile is taken of."""


class QuantisedReLU(nn.Module):
    """The activation above; its threshold is learnt.

    Args:
        threshold: the highest activation, above zero.
        levels: how many there are above zero.

    Attributes:
        rate: of the last batch learnt from, the mean activation as a share of the threshold: spikes a neuron and step.
            Part of the graph, so that it can be made small.
        rectify_only: be a plain ReLU for as long as this is set, to compare with what is one.
    """

    def __init__(self, threshold: float, levels: int) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(float(threshold)))
        self.levels = levels
        self.rate: Tensor | None = None
        self.rectify_only = False

    def forward(self, given: Tensor) -> Tensor:
        """Same shape, in single precision."""
        if self.rectify_only:
            return given.relu()
        threshold = self.threshold.clamp_min(LOWEST)
        share: Tensor = _Quantise.apply(given.float(), threshold, self.levels)
        self.rate = share.mean() if self.training else None
        return share * threshold

    def find_threshold(self) -> float:
        """As it is now."""
        return max(float(self.threshold.detach()), LOWEST)

    def extra_repr(self) -> str:
        """For printing a network."""
        return f"threshold={self.find_threshold():.4g}, levels={self.levels}"

    def __getstate__(self) -> dict[str, Any]:
        """For a copy: without the rate, which is part of a graph."""
        return {**self.__dict__, "rate": None}


class _Quantise(torch.autograd.Function):
    """x and threshold to the level as a share of the threshold; the floor's gradient is taken to be 1."""

    @staticmethod
    def forward(context: Any, given: Tensor, threshold: Tensor, levels: int) -> Tensor:
        ratio = given / threshold
        context.save_for_backward(ratio, threshold)
        return ratio.mul(levels).add_(0.5).floor_().clamp_(0, levels).div_(levels)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        ratio, threshold = context.saved_tensors
        inside = gradient * ((ratio >= 0) & (ratio <= 1))
        return inside / threshold, -(inside * ratio).sum() / threshold, None


def quantise_network(network: Network, thresholds: Mapping[str, float], levels: Sequence[int]) -> None:
    """Put a `QuantisedReLU` in the place of every ReLU of the trunk.

    With several numbers of levels one is drawn for every batch learnt from, so that what is learnt holds for as many
    steps as any of them; evaluated, the network has the largest.

    Args:
        network: changed in place.
        thresholds: first ones, by the ReLU's name in the network, as `measure_thresholds` gives them.
        levels: of every layer.
    """
    for name in list_relus(network):
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, QuantisedReLU(thresholds[name], max(levels)))
    if len(levels) > 1:
        network.register_forward_pre_hook(_DrawLevels(tuple(levels)))


class _DrawLevels:
    """Gives all quantised activations of a network the same number of levels, drawn anew while it learns."""

    def __init__(self, levels: tuple[int, ...]) -> None:
        self._levels = levels

    def __call__(self, network: nn.Module, _given: object) -> None:
        drawn = max(self._levels)
        if network.training:
            drawn = self._levels[int(torch.randint(len(self._levels), ()))]
        for module in network.modules():
            if isinstance(module, QuantisedReLU):
                module.levels = drawn


def list_relus(network: Network) -> list[str]:
    """Names of the trunk's ReLUs in the network, from the image to the features."""
    return [name for name, module in network.named_modules() if isinstance(module, nn.ReLU)]


@torch.no_grad()
def measure_thresholds(network: Network, images: LabelledImages, *, percentile: float) -> dict[str, float]:
    """A high percentile of each ReLU's activations, by its name.

    Rueckauer et al., "Conversion of continuous-valued deep networks to efficient event-driven networks" (Frontiers in
    Neuroscience 11:682, 2017), section 2.2.2: the highest activation of all would make most neurons spike too seldom.

    Args:
        images: those learnt from; the first of a fixed draw are looked at.
        percentile: 0 to 100.
    """
    network.eval()
    random = torch.Generator().manual_seed(0)
    numbers = torch.randperm(len(images), generator=random)[:PERCENTILE_IMAGES].numpy()
    seen: dict[str, list[Tensor]] = {name: [] for name in list_relus(network)}

    def watch(name: str) -> Any:
        def keep(_module: nn.Module, _given: object, output: Tensor) -> None:
            wanted = max(1, _SAMPLES * len(output) // max(len(numbers), 1))
            flat = output.detach().flatten()
            picked = torch.randint(len(flat), (min(wanted, len(flat)),), generator=random)
            seen[name].append(flat[picked].clone())

        return network.get_submodule(name).register_forward_hook(keep)

    hooks = [watch(name) for name in seen]
    try:
        for start in range(0, len(numbers), 100):
            network(to_tensor(images.read_batch(numbers[start : start + 100])))
    finally:
        for hook in hooks:
            hook.remove()
    return {name: _find_percentile(torch.cat(parts), percentile) for name, parts in seen.items()}


def _find_percentile(values: Tensor, percentile: float) -> float:
    rank = max(1, round(len(values) * percentile / 100))
    return max(float(values.kthvalue(min(rank, len(values))).values), LOWEST)


def list_quantised(network: Network) -> Iterator[QuantisedReLU]:
    """Those of a network, from the image to the features."""
    return (module for module in network.modules() if isinstance(module, QuantisedReLU))
