"""A converted network's answer about one photo, from the CNN or from its spikes.

Pixels in, predictions out, as the catalogue's own classifier gives them. Knows nothing of processes or of HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.data.photo_pixels import to_square
from classifier.heads.tagger import to_predictions
from classifier.spiking.artefact import Calibrated, SpikingNetwork
from classifier.spiking.choosing import measure_leads
from classifier.spiking.layers import Array, LayeredNetwork, to_probabilities
from search.tagging import Prediction

if TYPE_CHECKING:
    from classifier.spiking.simulator import SpikingSimulator


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikingWork:
    """What an answer took.

    Attributes:
        steps: time steps it was decided after, of `most_steps`.
        spikes: of all neurons; `operations`: those times their synapses.
    """

    steps: int
    most_steps: int
    spikes: int
    operations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelAnswer:
    """What a network on pixels says of one photo.

    Attributes:
        predictions: by attribute.
        model: version of the network.
        took_ms: milliseconds of the network, or of the simulation.
        work: None where nothing spiked.
    """

    predictions: Mapping[str, Prediction]
    model: str
    took_ms: float
    work: SpikingWork | None = None


def read_pixels(network: LayeredNetwork, photo: bytes) -> NDArray[np.uint8]:
    """A photo's file as the network takes it, shape (height, width, channels): whole, on a white square.

    Raises:
        PhotoError: it cannot be read, or is refused.
    """
    side, _, channels = network.size
    return to_square(photo, side=side, channels=channels)


def spike_once(
    network: SpikingNetwork, simulator: SpikingSimulator, pixels: NDArray[np.uint8]
) -> tuple[Array, SpikingWork]:
    """Mean evidence (outputs,) of one photo when it is decided, or after all the steps, and what it took."""
    choices = network.choices
    given = network.snn.normalise(pixels[None])[0]
    total, spikes, operations = np.zeros(network.snn.list_sizes()[-1][2], np.float32), 0, 0
    with closing(simulator.go_through(given, choices.steps)) as steps:
        number = 0
        for run in steps:
            number += 1
            total += run.evidence[0, 0]
            spikes += int(run.spikes.sum())
            operations += int(run.operations.sum())
            if choices.margin is None:
                continue
            # A lead in summed evidence, as `measure_leads` has it: there of all steps at once, here of the last one.
            if measure_leads(network.snn, total[None, None])[0, 0] >= choices.margin:
                break
    work = SpikingWork(steps=number, most_steps=choices.steps, spikes=spikes, operations=operations)
    return total / number, work


def describe_answer(
    network: LayeredNetwork, evidence: Array, calibrated: Mapping[str, Calibrated]
) -> dict[str, Prediction]:
    """Predictions of one photo, by attribute, from its evidence (outputs,)."""
    found = {}
    for name, given in network.split(evidence).items():
        described, own = network.attributes[name], calibrated[name]
        probabilities = to_probabilities(given[None] / own.temperature, described.output)
        thresholds = np.asarray(own.thresholds, np.float64)
        (found[name],) = to_predictions(described.labels, probabilities, thresholds, described.multi_valued)
    return found


class CnnEngine:
    """The CNN of a converted network, in ONNX Runtime. Safe to use from several threads."""

    def __init__(self, network: SpikingNetwork, *, threads: int = 0) -> None:
        from classifier.spiking.graph import LayeredSession

        self._network = network
        self._session = LayeredSession(network.cnn, threads=threads)

    def answer(self, pixels: NDArray[np.uint8]) -> PixelAnswer:
        """What it says of one photo's pixels (height, width, channels)."""
        started = time.perf_counter()
        (evidence,) = self._session.run(self._network.cnn.normalise(pixels[None]))
        took_ms = 1e3 * (time.perf_counter() - started)
        predictions = describe_answer(self._network.cnn, evidence, self._network.choices.cnn)
        return PixelAnswer(predictions=predictions, model=self._network.version, took_ms=took_ms)
