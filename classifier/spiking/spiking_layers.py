"""A folded network in torch whose forward pass spikes and whose backward pass goes through rates. Needs torch.

Forward, every layer's integrate-and-fire neurons run for some steps, as `classifier.spiking.neuron` has them. Backward,
a neuron is its mean over the steps, a straight line of its mean input between silence and one spike a step:

    d rate / d input = 1 / threshold  where 0 <= input <= threshold, else 0

(rate-based backpropagation, Yu et al., NeurIPS 2024, arXiv:2410.11488; the straight line is that of Bu et al., ICLR
2022). As layers between neurons are linear, the mean input is the layer of the mean output: one pass back, whatever the
number of steps. Knows nothing of images' labels or of NengoDL.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from classifier.spiking.layers import Array, Conv, Dense, Layer, LayeredNetwork, MeanPool
from classifier.spiking.quantised import LOWEST

START = 0.5
"""Membrane before the first step, as a share of the threshold; that of the neuron of the simulation."""


class SpikingLayers(nn.Module):
    """The network's weights, biases and thresholds, to be learnt.

    Args:
        network: with a threshold in every layer that spikes.
    """

    def __init__(self, network: LayeredNetwork) -> None:
        super().__init__()
        self.network = network
        weighted = [layer for layer in network.layers if not isinstance(layer, MeanPool)]
        self.weights = nn.ParameterList(_turn_weight(layer) for layer in weighted)
        self.biases = nn.ParameterList(torch.from_numpy(np.array(layer.bias)) for layer in weighted)
        # Logarithms: a step is a share of the threshold, and none becomes negative.
        self.thresholds = nn.ParameterList(
            torch.tensor(math.log(layer.threshold or 1.0)) for layer in network.list_spiking()
        )

    def forward(self, images: Tensor, steps: int) -> Tensor:
        """Normalised images (n, channels, height, width) to mean evidence after so many steps (n, outputs)."""
        rates, trains = images, [images]
        weighted = spiking = 0
        for layer in self.network.layers[:-1]:
            if isinstance(layer, MeanPool):
                rates = functional.avg_pool2d(rates, layer.side)
                trains = [functional.avg_pool2d(each, layer.side) for each in trains]
                continue
            means = self._run_layer(layer, weighted, rates).float()
            threshold = self.thresholds[spiking].exp().clamp_min(LOWEST)
            with torch.no_grad():
                # The image is the same current at every step, and so is the first layer's.
                currents = [self._run_layer(layer, weighted, each).float() for each in trains] if spiking else [means]
                trains, shares = _fire(currents, steps, float(threshold))
            rates = _Rate.apply(means, threshold, shares)
            weighted, spiking = weighted + 1, spiking + 1
        return self._run_layer(self.network.layers[-1], weighted, rates).float()

    @torch.no_grad()
    def rectify(self, images: Tensor) -> Tensor:
        """Evidence of the same weights with ReLUs, (n, outputs)."""
        flowing, weighted = images, 0
        for layer in self.network.layers[:-1]:
            if isinstance(layer, MeanPool):
                flowing = functional.avg_pool2d(flowing, layer.side)
                continue
            flowing = self._run_layer(layer, weighted, flowing).relu()
            weighted += 1
        return self._run_layer(self.network.layers[-1], weighted, flowing).float()

    @torch.no_grad()
    def to_layered(self) -> LayeredNetwork:
        """The network with what was learnt."""
        layers: list[Layer] = []
        thresholds = iter(self.thresholds)
        weighted = 0
        for number, layer in enumerate(self.network.layers):
            if isinstance(layer, MeanPool):
                layers.append(layer)
                continue
            last = number == len(self.network.layers) - 1
            threshold = None if last else max(float(next(thresholds).exp()), LOWEST)
            weight, bias = _turn_back(layer, self.weights[weighted]), self.biases[weighted].cpu().numpy().copy()
            layers.append(replace(layer, weight=weight, bias=bias, threshold=threshold))
            weighted += 1
        return replace(self.network, layers=tuple(layers))

    def _run_layer(self, layer: Layer, number: int, given: Tensor) -> Tensor:
        """One layer's outputs before its neurons."""
        weight, bias = self.weights[number], self.biases[number]
        if isinstance(layer, Conv):
            (top, bottom), (left, right) = (layer.find_padding(side) for side in given.shape[2:])
            even = top == bottom and left == right
            padded = given if even else functional.pad(given, (left, right, top, bottom))
            return functional.conv2d(padded, weight, bias, layer.stride, (top, left) if even else 0)
        flat = given.permute(0, 2, 3, 1).flatten(1) if given.ndim == 4 else given
        return functional.linear(flat, weight, bias)


def _fire(currents: list[Tensor], steps: int, threshold: float) -> tuple[list[Tensor], Tensor]:
    """What each step gives, 0 or the threshold, and the share of steps with a spike.

    Args:
        currents: of each step; one for all of them where there is one.
    """
    membrane = torch.full_like(currents[0], START * threshold)
    total, fired = torch.zeros_like(membrane), torch.empty_like(membrane)
    trains = []
    for step in range(steps):
        membrane.add_(currents[step] if len(currents) > 1 else currents[0])
        torch.ge(membrane, threshold, out=fired)
        membrane.sub_(fired, alpha=threshold)
        total.add_(fired)
        trains.append(fired * threshold)
    return trains, total.div_(steps)


class _Rate(torch.autograd.Function):
    """Mean input, threshold and share of spikes to the mean output; the gradient is the module's."""

    @staticmethod
    def forward(context: Any, means: Tensor, threshold: Tensor, shares: Tensor) -> Tensor:
        ratio = means / threshold
        context.save_for_backward(ratio, shares)
        return shares * threshold

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        ratio, shares = context.saved_tensors
        inside = (ratio >= 0) & (ratio <= 1)
        return gradient * inside, (gradient * (shares - ratio * inside)).sum(), None


def _turn_weight(layer: Conv | Dense) -> Tensor:
    weight = torch.from_numpy(np.array(layer.weight))
    return weight.permute(3, 2, 0, 1).contiguous() if isinstance(layer, Conv) else weight.T.contiguous()


def _turn_back(layer: Conv | Dense, weight: Tensor) -> Array:
    turned = weight.permute(2, 3, 1, 0) if isinstance(layer, Conv) else weight.T
    return np.ascontiguousarray(turned.cpu().numpy(), np.float32)
