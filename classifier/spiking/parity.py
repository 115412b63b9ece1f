"""Whether every stage of a conversion computes the same: torch, its Keras twin, and NengoDL before anything spikes.

Needs torch and the extra `snn`. Weights that were lost on the way, in the wrong order, or of another network give
evidence that is plausible in shape and wrong in every number; nothing but the numbers shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.networks.network import Network
from classifier.spiking.compatibility import load_libraries
from classifier.spiking.layers import Array, LayeredNetwork
from classifier.spiking.quantised import list_quantised
from classifier.spiking.simulator import Neuron, SpikingSimulator
from classifier.spiking.spiking_layers import SpikingLayers
from classifier.spiking.twin import build_twin, run_twin
from classifier.training.evaluation import to_tensor
from search.errors import IntegrityError

TOLERANCE = 1e-4
"""Largest difference of any number of evidence: single precision, through a dozen layers. Where evidence is above 10,
a hundred-thousandth of the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Largest differences of evidence, its largest number, and the share of images whose best label is the same."""

    twin: float
    nengo: float
    largest: float
    agreement: float

    @property
    def holds(self) -> bool:
        """Whether the differences are rounding."""
        return max(self.twin, self.nengo) <= TOLERANCE * max(1.0, self.largest / 10) and self.agreement == 1


def measure_parity(network: Network, folded: LayeredNetwork, images: NDArray[np.uint8], *, threads: int = 0) -> Parity:
    """The three stages on the same images, rectified everywhere: quantised activations are taken for plain ReLUs.

    Args:
        images: real ones, uint8, shape (n, height, width, channels).
    """
    return _measure(_run_torch(network, images), folded, images, threads)


def measure_layers(network: LayeredNetwork, images: NDArray[np.uint8], *, threads: int = 0) -> Parity:
    """The same of plain layers that torch has learnt: as torch runs them, their Keras twin, and NengoDL."""
    given = torch.from_numpy(network.normalise(images)).permute(0, 3, 1, 2)
    layers = SpikingLayers(network)
    in_torch = torch.cat([layers.rectify(given[start : start + 100]) for start in range(0, len(given), 100)]).numpy()
    return _measure(in_torch, network, images, threads)


def _measure(in_torch: Array, folded: LayeredNetwork, images: NDArray[np.uint8], threads: int) -> Parity:
    given = folded.normalise(images)
    in_keras = run_twin(build_twin(folded, load_libraries(threads)), given)
    with SpikingSimulator(folded, neuron=Neuron.RECTIFIED_LINEAR, threads=threads) as simulator:
        in_nengo = simulator.run(given, 1).average(1)
    same = [
        (a.argmax(axis=1) == b.argmax(axis=1)) & (a.argmax(axis=1) == c.argmax(axis=1))
        for a, b, c in zip(*(folded.split(each).values() for each in (in_torch, in_keras, in_nengo)), strict=True)
    ]
    return Parity(
        twin=float(np.abs(in_torch - in_keras).max()),
        nengo=float(np.abs(in_keras - in_nengo).max()),
        largest=float(np.abs(in_torch).max()),
        agreement=float(np.mean(same)),
    )


def check_parity(network: Network, folded: LayeredNetwork, images: NDArray[np.uint8], *, threads: int = 0) -> Parity:
    """The same, refused where the stages differ.

    Raises:
        IntegrityError: `lost_weights`.
    """
    return _refuse_unless_same(measure_parity(network, folded, images, threads=threads), len(images))


def check_layers(network: LayeredNetwork, images: NDArray[np.uint8], *, threads: int = 0) -> Parity:
    """The same of plain layers that torch has learnt.

    Raises:
        IntegrityError: `lost_weights`.
    """
    return _refuse_unless_same(measure_layers(network, images, threads=threads), len(images))


def _refuse_unless_same(found: Parity, images: int) -> Parity:
    if not found.holds:
        raise IntegrityError(
            f"the converted network is not the one that was trained: evidence differs by {found.twin:.2g} between "
            f"torch and Keras and by {found.nengo:.2g} between Keras and NengoDL, of at most {found.largest:.3g}; the "
            f"best label of {1 - found.agreement:.1%} of {images} images is another one. Nothing was kept",
            code="lost_weights",
        )
    return found


@torch.no_grad()
def _run_torch(network: Network, images: NDArray[np.uint8]) -> Array:
    network.eval()
    quantised = list(list_quantised(network))
    for module in quantised:
        module.rectify_only = True
    try:
        parts: list[Any] = [
            torch.cat(network(to_tensor(images[start : start + 100])), 1).numpy()
            for start in range(0, len(images), 100)
        ]
    finally:
        for module in quantised:
            module.rectify_only = False
    return np.concatenate(parts)
