"""A folded network as a NengoDL simulation: images in, evidence and spikes out, step by step. Needs the extra `snn`.

Every layer acts in the same step (no synapse, so no delay); the image is a constant current into the first one. The
read-out is the mean of the last layer's outputs over the steps so far. Knows nothing of labels' names.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.spiking.compatibility import load_libraries
from classifier.spiking.layers import Array, LayeredNetwork
from classifier.spiking.neuron import make_neuron_type
from classifier.spiking.twin import build_twin

DT = 0.001
"""Nengo's step, seconds of simulated time; an amplitude in its simulations is a rate in 1/s."""

_NUMBERS_AT_ONCE = 60_000_000
"""Of inputs over all steps and of neurons, for one batch: some 240 MB and as much again a few times."""

LARGEST_BATCH = 100


class Neuron(StrEnum):
    """What stands in the place of a ReLU."""

    RECTIFIED_LINEAR = "rectified_linear"
    """A ReLU of Nengo's: nothing spikes, for parity with the Keras twin."""
    INTEGRATE_AND_FIRE = "integrate_and_fire"
    """Ours: `classifier.spiking.neuron`, each layer's threshold its own."""
    NENGO_DEFAULT = "nengo_default"
    """`nengo.SpikingRectifiedLinear` as the converter gives it where nothing else is said."""
    NENGO_SCALED = "nengo_scaled"
    """The same with firing rates scaled by 1,000: several spikes a step, which is a finely quantised network."""


NENGO_SCALE = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a simulation gave.

    Attributes:
        evidence: output of every step, for that step alone, shape (images, steps, outputs).
        spikes: of every step and spiking layer, shape (images, steps, layers).
        operations: the same, each spike counted as often as it has synapses.
    """

    evidence: Array
    spikes: Array
    operations: Array

    def average(self, steps: int) -> Array:
        """Mean evidence over the first steps, shape (images, outputs)."""
        return np.asarray(self.evidence[:, :steps].mean(axis=1), np.float32)

    def average_each(self) -> Array:
        """Mean evidence after each step, shape (images, steps, outputs)."""
        number = np.arange(1, self.evidence.shape[1] + 1, dtype=np.float32)
        return np.asarray(np.cumsum(self.evidence, axis=1) / number[:, None], np.float32)

    def total_spikes(self, steps: int) -> Array:
        """Spikes of the first steps, shape (images, layers)."""
        return np.asarray(self.spikes[:, :steps].sum(axis=1), np.float32)

    def total_operations(self, steps: int) -> Array:
        """Synaptic operations of the first steps, shape (images, layers)."""
        return np.asarray(self.operations[:, :steps].sum(axis=1), np.float32)


class SpikingSimulator:
    """One network, built to be run. To be closed; for one thread.

    Args:
        network: with a threshold in every spiking layer, where the neuron is ours.
        batch: images at once; what memory allows, at most 100, where None.
        probed: spiking layers whose every spike is kept, for `read_raster` and `count_each`.
        threads: of TensorFlow; 0 leaves its own choice.

    Raises:
        SetupError: `extra_missing`.
    """

    def __init__(
        self,
        network: LayeredNetwork,
        *,
        neuron: Neuron = Neuron.INTEGRATE_AND_FIRE,
        batch: int | None = None,
        probed: Sequence[str] = (),
        threads: int = 0,
    ) -> None:
        self.network = network
        self.libraries = load_libraries(threads)
        self._spiking = [layer.name for layer in network.list_spiking()]
        self._batch = batch
        self._scales = _choose_scales(network, neuron)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A ReLU that was not swapped for a neuron would never spike, and NengoDL only warns of it.
            warnings.filterwarnings("error", message="swap_activations contained")
            twin = build_twin(network, self.libraries)
            self._converter = self._convert(twin, neuron)
            self._neurons = [self._converter.layers[twin.get_layer(name)] for name in self._spiking]
            self._input = self._converter.inputs[twin.input]
            self._output = self._converter.outputs[twin.output]
            self._counters = self._add_counters()
            self._rasters = self._add_rasters(probed)
        self._simulators: dict[int, Any] = {}

    def run(self, images: Array, steps: int) -> Run:
        """Simulate normalised images (n, height, width, channels) for some steps, each from rest."""
        batch = self._batch or self._choose_batch(len(images), steps)
        parts = [self._run_batch(images[start : start + batch], steps, batch) for start in range(0, len(images), batch)]
        return Run(
            evidence=np.concatenate([part.evidence for part in parts]),
            spikes=np.concatenate([part.spikes for part in parts]),
            operations=np.concatenate([part.operations for part in parts]),
        )

    def go_through(self, image: Array, steps: int) -> Generator[Run]:
        """Simulate one image (height, width, channels), one step after the other; whoever asks no more stops it."""
        simulator = self._open(1)
        try:
            for _ in range(steps):
                given = {self._input: image.reshape(1, 1, -1)}
                yield self._read(simulator.predict_on_batch(given, stateful=True), 1)
        finally:
            simulator.reset(include_trainable=False, include_probes=False)

    def read_raster(self, image: Array, steps: int) -> dict[str, NDArray[np.bool_]]:
        """Which neuron spikes when, by probed layer, shape (steps, neurons)."""
        given = np.repeat(image.reshape(1, 1, -1), steps, axis=1)
        found = self._open(1).predict_on_batch({self._input: given})
        return {name: found[probe][0] > 0 for name, probe in self._rasters.items()}

    def count_each(self, images: Array, steps: int) -> dict[str, Array]:
        """How often each neuron spikes, by probed layer, shape (images, neurons)."""
        batch = self._batch or self._choose_batch(len(images), steps)
        parts: dict[str, list[Array]] = {name: [] for name in self._rasters}
        for start in range(0, len(images), batch):
            some = images[start : start + batch]
            found = self._predict(some, steps, batch)
            for name, probe in self._rasters.items():
                parts[name].append((found[probe][: len(some)] > 0).sum(axis=1).astype(np.float32))
        return {name: np.concatenate(each) for name, each in parts.items()}

    def close(self) -> None:
        """Let go of TensorFlow's graphs."""
        for simulator in self._simulators.values():
            simulator.close()
        self._simulators.clear()

    def __enter__(self) -> SpikingSimulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _convert(self, twin: Any, neuron: Neuron) -> Any:
        libraries = self.libraries
        relu = libraries.tensorflow.keras.activations.relu
        swaps = {
            Neuron.RECTIFIED_LINEAR: libraries.nengo.RectifiedLinear,
            Neuron.INTEGRATE_AND_FIRE: make_neuron_type(libraries),
            Neuron.NENGO_DEFAULT: libraries.nengo.SpikingRectifiedLinear,
            Neuron.NENGO_SCALED: libraries.nengo.SpikingRectifiedLinear,
        }
        return libraries.nengo_dl.Converter(
            twin,
            allow_fallback=False,  # a layer that cannot be converted is an error, never one that does not spike
            inference_only=True,
            synapse=None,
            swap_activations={relu: swaps[neuron]()},
            scale_firing_rates={twin.get_layer(name): scale for name, scale in self._scales.items()},
        )

    def _add_counters(self) -> list[Any]:
        """Two numbers a layer, counted while it runs: its spikes' amplitudes, and those times their synapses."""
        nengo, synapses = self.libraries.nengo, self.network.count_synapses()
        probes = []
        with self._converter.net:
            for name, neurons in zip(self._spiking, self._neurons, strict=True):
                rows = np.stack([np.ones(neurons.size_out), synapses[name].ravel()])
                # Amplitude / dt comes in; so scaled, one spike counts one.
                counter = nengo.Node(size_in=2, label=f"{name}.counter")
                nengo.Connection(neurons, counter, transform=rows * (DT * self._scales[name]), synapse=None)
                probes.append(nengo.Probe(counter, synapse=None))
        return probes

    def _add_rasters(self, probed: Sequence[str]) -> dict[str, Any]:
        neurons = dict(zip(self._spiking, self._neurons, strict=True))
        with self._converter.net:
            return {name: self.libraries.nengo.Probe(neurons[name], synapse=None) for name in probed}

    def _choose_batch(self, images: int, steps: int) -> int:
        sizes = self.network.list_sizes()
        numbers = steps * int(np.prod(sizes[0])) + sum(int(np.prod(size)) for size in sizes)
        return max(1, min(images, LARGEST_BATCH, _NUMBERS_AT_ONCE // numbers))

    def _run_batch(self, images: Array, steps: int, batch: int) -> Run:
        return self._read(self._predict(images, steps, batch), len(images))

    def _predict(self, images: Array, steps: int, batch: int) -> Any:
        flat = images.reshape(len(images), 1, -1)
        if len(images) < batch:  # a simulation has one size: what is missing is nothing, and is left out again
            flat = np.concatenate([flat, np.zeros((batch - len(images), 1, flat.shape[2]), np.float32)])
        return self._open(batch).predict_on_batch({self._input: np.repeat(flat, steps, axis=1)})

    def _read(self, found: Any, images: int) -> Run:
        # What comes in is amplitude times weight, in single precision: rounded, it is the count again.
        counts = np.rint(np.stack([found[probe][:images] for probe in self._counters], axis=-1))
        return Run(
            evidence=np.asarray(found[self._output][:images], np.float32),
            spikes=np.asarray(counts[:, :, 0], np.float32),
            operations=np.asarray(counts[:, :, 1], np.float32),
        )

    def _open(self, batch: int) -> Any:
        if batch not in self._simulators:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._simulators[batch] = self.libraries.nengo_dl.Simulator(
                    self._converter.net, dt=DT, minibatch_size=batch, progress_bar=False, seed=0
                )
        return self._simulators[batch]


def _choose_scales(network: LayeredNetwork, neuron: Neuron) -> dict[str, float]:
    """By layer: what NengoDL multiplies a neuron's input with, and divides its output by.

    A spike is worth 1 / (dt * scale), so that a layer with threshold h gets 1 / (dt * h).
    """
    layers = network.list_spiking()
    if neuron is Neuron.NENGO_DEFAULT:
        return {layer.name: 1.0 for layer in layers}
    if neuron is Neuron.NENGO_SCALED:
        return {layer.name: NENGO_SCALE for layer in layers}
    scales = {}
    for layer in layers:
        if layer.threshold is None and neuron is Neuron.INTEGRATE_AND_FIRE:
            raise ValueError(f"layer {layer.name} has no threshold; quantise the network, or give it one")
        scales[layer.name] = 1.0 / (DT * (layer.threshold or 1.0))
    return scales
