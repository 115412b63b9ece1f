"""The integrate-and-fire neuron, for Nengo and for NengoDL's TensorFlow. Needs the extra `snn`.

    v <- v + J dt        s = 1 if v >= 1 else 0        v <- v - s

Signed membrane: a negative input takes away what was there, where Nengo's own `SpikingRectifiedLinear` rectifies every
step before it integrates, so that noise adds up from layer to layer. Reset by subtraction (Rueckauer et al., Frontiers
in Neuroscience 11:682, 2017), at most one spike a step, and a start at half the threshold (Bu et al., "Optimized
potential initialization for low-latency spiking neural networks", AAAI 2022, arXiv:2202.01440).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from classifier.spiking.compatibility import Libraries

START = 0.5
"""Membrane before the first step, as a share of the threshold."""


@cache
def make_neuron_type(libraries: Libraries) -> Any:
    """The neuron's class, registered with NengoDL: made once, when the libraries are there to make it from."""
    tensorflow, builders = libraries.tensorflow, libraries.nengo_dl.neuron_builders
    neuron: Any = libraries.nengo.SpikingRectifiedLinear
    builder: Any = builders.SpikingRectifiedLinearBuilder
    start = libraries.nengo.dists.Choice([START])

    class IntegrateAndFire(neuron):  # type: ignore[misc]
        """The module's neuron; one spike is worth `amplitude`."""

        state = {"voltage": start}  # noqa: RUF012 - Nengo reads it so

        def step(self, dt: float, J: Any, output: Any, voltage: Any) -> None:  # noqa: N803 - Nengo's name
            """One step in numpy, in place: what Nengo's own simulator runs."""
            voltage += J * dt
            spikes = (voltage >= 1).astype(voltage.dtype)
            output[:] = spikes * (self.amplitude / dt)
            voltage -= spikes

    class IntegrateAndFireBuilder(builder):  # type: ignore[misc]
        """The same step in TensorFlow."""

        def step(self, J: Any, dt: Any, voltage: Any) -> tuple[Any, Any]:  # noqa: N803
            """Output and membrane of all neurons, shape (images, neurons)."""
            charged = voltage + J * dt
            spikes = tensorflow.cast(charged >= 1, charged.dtype)
            return spikes * self.alpha, charged - spikes

    builders.SimNeuronsBuilder.TF_NEURON_IMPL[IntegrateAndFire] = IntegrateAndFireBuilder
    return IntegrateAndFire
