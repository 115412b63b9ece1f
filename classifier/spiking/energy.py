"""Energy of one inference, estimated from what is counted: a range with its assumptions, never a measurement.

Energies of operations are of a 45 nm process at 0.9 V (M. Horowitz, "Computing's energy problem (and what we can do
about it)", ISSCC 2014). The low end is arithmetic alone. The high end adds an access to a small memory for every weight
and for every number that is read or written with it, without any reuse: what is between them depends on the chip.
Numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.spiking.layers import Array, LayeredNetwork, MeanPool

MAC_FP32_PJ, ADD_FP32_PJ = 4.6, 0.9
MAC_INT8_PJ, ADD_INT32_PJ = 0.3, 0.1
"""int8 times int8 is 0.2; sums and potentials are kept in 32 bits, whose addition is 0.1."""

SRAM_32_PJ, SRAM_8_PJ = 5.0, 1.25
"""One access of 32 bits in 8 KB; a quarter of it for 8 bits."""

UPDATES_A_NEURON = 2
"""Additions a neuron makes each step whether it spikes or not: its bias, and the comparison with the threshold."""

ASSUMPTIONS = (
    "45 nm, 0.9 V (Horowitz, ISSCC 2014): fp32 multiplication with addition 4.6 pJ, fp32 addition 0.9, int8 "
    "multiplication with int32 addition 0.3, int32 addition 0.1, an access to 8 KB of SRAM 5 pJ for 32 bits",
    "low: arithmetic alone; the first layer of the spiking network once, as its input is constant, and two additions a "
    "neuron and step",
    "high: every operation also reads its weight and reads and writes a sum, and the first layer is computed at every "
    "step; no reuse, for none of the networks",
    "zero-skipping: products with an activation of zero are not computed, which costs nothing to find out",
    "not counted: control, routing of spikes, DRAM, leakage, converting the image",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Of one image, microjoules."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Costs:
    """Of one operation, picojoules: a multiplication with addition, an addition, and their memory accesses."""

    mac: float
    add: float
    weight: float
    number: float


_COSTS: Mapping[str, _Costs] = {
    "fp32": _Costs(mac=MAC_FP32_PJ, add=ADD_FP32_PJ, weight=SRAM_32_PJ, number=SRAM_32_PJ),
    "int8": _Costs(mac=MAC_INT8_PJ, add=ADD_INT32_PJ, weight=SRAM_8_PJ, number=SRAM_32_PJ),
}


def estimate_cnn(macs: float, precision: str) -> Energy:
    """A CNN that computes so many products.

    Args:
        macs: multiplications with addition for one image; those left out are not counted.
        precision: fp32 or int8.
    """
    costs = _COSTS[precision]
    arithmetic = macs * costs.mac
    memory = macs * (costs.weight + 2 * costs.number)
    return _to_energy(arithmetic, arithmetic + memory)


def estimate_spiking(network: LayeredNetwork, operations: float, steps: float, precision: str) -> Energy:
    """A spiking network.

    Args:
        operations: synaptic operations of one image, over all steps.
        steps: of one image; a mean where they differ.
        precision: of weights and potentials: fp32, or int8 weights with int32 potentials.
    """
    costs = _COSTS[precision]
    first = float(network.count_macs()[0])
    neurons = count_neurons(network)
    updates = UPDATES_A_NEURON * neurons * steps * costs.add
    low = first * costs.mac + operations * costs.add + updates
    memory = operations * (costs.weight + 2 * costs.number) + UPDATES_A_NEURON * neurons * steps * costs.number
    high = steps * first * (costs.mac + costs.weight + 2 * costs.number) + operations * costs.add + updates + memory
    return _to_energy(low, high)


def count_neurons(network: LayeredNetwork) -> int:
    """That spike."""
    spiking = {layer.name for layer in network.list_spiking()}
    sizes = network.list_sizes()[1:]
    return sum(int(np.prod(s)) for layer, s in zip(network.layers, sizes, strict=True) if layer.name in spiking)


def count_used_macs(network: LayeredNetwork, activations: Mapping[str, Array]) -> NDArray[np.float64]:
    """Products of each image with an activation that is not zero, shape (images,); the first layer's are all counted.

    Args:
        activations: by spiking layer, shape (images, ...), as the CNN puts them out.
    """
    images = len(next(iter(activations.values())))
    total = np.full(images, float(network.count_macs()[0]))
    given: NDArray[np.bool_] | None = None  # which numbers the layer takes are not zero; of the image all of them
    for layer, size in zip(network.layers, network.list_sizes(), strict=False):
        if isinstance(layer, MeanPool):
            assert given is not None
            given = _pool_marks(given.reshape(images, *size), layer.side)
            continue
        if given is not None:
            total += given.reshape(images, -1) @ layer.count_synapses(size).ravel().astype(np.float64)
        if layer.name in activations:
            given = activations[layer.name] > 0
    return total


def _pool_marks(marks: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Which means are not zero: those over a square in which anything is not."""
    images, rows, columns, channels = marks.shape
    whole = marks[:, : rows // side * side, : columns // side * side]
    squares = whole.reshape(images, rows // side, side, columns // side, side, channels)
    return np.asarray(squares.any(axis=(2, 4)), np.bool_)


def _to_energy(low_pj: float, high_pj: float) -> Energy:
    return Energy(low=low_pj / 1e6, high=high_pj / 1e6)
