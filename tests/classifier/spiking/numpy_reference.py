"""An integrate-and-fire network in plain numpy, written from the equations and not from the project's code.

Convolutions are sums over kernel places of strided slices; nothing is shared with Keras, NengoDL or ONNX.
"""

from __future__ import annotations

import numpy as np

from classifier.spiking.layers import Conv, LayeredNetwork, MeanPool


def convolve(given: np.ndarray, layer: Conv) -> np.ndarray:
    """(n, height, width, channels) to the map of a "same" convolution, bias included."""
    n, height, width, _ = given.shape
    kernel_height, kernel_width, _, filters = layer.weight.shape
    rows, columns = -(-height // layer.stride), -(-width // layer.stride)
    down = max((rows - 1) * layer.stride + kernel_height - height, 0)
    across = max((columns - 1) * layer.stride + kernel_width - width, 0)
    padded = np.pad(given, ((0, 0), (down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0)))
    total = np.zeros((n, rows, columns, filters), given.dtype)
    for y in range(kernel_height):
        for x in range(kernel_width):
            part = padded[:, y : y + rows * layer.stride : layer.stride, x : x + columns * layer.stride : layer.stride]
            total += part[:, :rows, :columns] @ layer.weight[y, x].astype(given.dtype)
    return total + layer.bias


def apply(layer, given: np.ndarray) -> np.ndarray:
    """One layer without its activation."""
    if isinstance(layer, Conv):
        return convolve(given, layer)
    if isinstance(layer, MeanPool):
        n, height, width, channels = given.shape
        side = layer.side
        kept = given[:, : height // side * side, : width // side * side]
        return kept.reshape(n, height // side, side, width // side, side, channels).mean(axis=(2, 4))
    return given.reshape(len(given), -1) @ layer.weight.astype(given.dtype) + layer.bias


def spike(network: LayeredNetwork, images: np.ndarray, steps: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Evidence of each step, (n, steps, outputs), and by layer which neuron spiked when, (n, steps, neurons)."""
    given = images.astype(np.float64)
    membranes: dict[str, np.ndarray] = {}
    trains: dict[str, list[np.ndarray]] = {layer.name: [] for layer in network.list_spiking()}
    evidence = []
    for _ in range(steps):
        flowing = given
        for layer in network.layers[:-1]:
            flowing = apply(layer, flowing)
            if isinstance(layer, MeanPool):
                continue
            charged = membranes.get(layer.name, np.full_like(flowing, 0.5)) + flowing / layer.threshold
            fired = charged >= 1
            membranes[layer.name] = charged - fired
            trains[layer.name].append(fired.reshape(len(fired), -1))
            flowing = fired * float(layer.threshold)
        evidence.append(apply(network.layers[-1], flowing))
    return np.stack(evidence, 1), {name: np.stack(train, 1) for name, train in trains.items()}
