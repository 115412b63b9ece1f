"""What is compared, and what a comparison found: plain data. Knows nothing of how it is computed or shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from classifier.spiking.energy import Energy
from classifier.spiking.paired import RESAMPLES, PairedFigure


class System(StrEnum):
    """What is compared."""

    CNN = "cnn"
    """The trained network, ReLUs, as it is served."""
    QUANTISED = "quantised_cnn"
    """What the spiking network was made from: a CNN whose activations have as many levels as spikes can say."""
    NENGO_DEFAULT = "nengo_default"
    """The CNN, converted by NengoDL as it comes."""
    NENGO_SCALED = "nengo_scaled"
    """The CNN, converted by NengoDL with firing rates scaled by 1,000."""
    SNN = "snn"
    """Ours."""
    SNN_EARLY = "snn_early"
    """Ours, stopping as soon as the evidence is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One system after so many steps.

    Attributes:
        steps: None of what has no steps; a mean of one that stops early.
        levels: of the quantised CNN's activations: as many as a spiking network has after that many steps.
        score: mean over attributes of accuracy, or of micro-averaged F1.
        attributes: by attribute and measure, each beside the CNN's on the same images.
        agreement: share of images and attributes with the CNN's answer.
        mcnemar: by single-valued attribute, how probable so uneven a difference from the CNN is by chance.
        spikes: of one image, all layers; None of what does not spike.
        operations: synaptic operations of one image.
        per_synapse: those over the number of synapses behind spiking neurons.
        energy: by precision, fp32 and int8.
        seconds_per_1000: measured here, on as many images as `timed`; None where it was not.
    """

    system: System
    steps: float | None
    levels: int | None = None
    score: float
    attributes: Mapping[str, Mapping[str, PairedFigure]]
    agreement: float
    mcnemar: Mapping[str, float]
    spikes: float | None
    operations: float | None
    per_synapse: float | None
    energy: Mapping[str, Energy]
    seconds_per_1000: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerActivity:
    """What one layer of ours does for one image, on average, over the chosen steps."""

    name: str
    neurons: int
    threshold: float
    spikes: float
    rate: float
    operations: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDifference:
    """One label's average precision with the CNN and with ours after the chosen steps; None where no image has it."""

    attribute: str
    label: str
    images: int
    cnn: float | None
    snn: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that was found.

    Attributes:
        chosen_steps: those of the converted network.
        macs, synapses, neurons: of the CNN for one image; behind spiking neurons; that spike.
        cnn_used_macs: products of the CNN with an activation that is not zero, of one image.
        cnn_energy: by `dense` or `zero_skipping`, and precision.
    """

    images: int
    chosen_steps: int
    rows: Sequence[Row]
    layers: Sequence[LayerActivity]
    labels: Sequence[LabelDifference]
    macs: int
    synapses: int
    neurons: int
    cnn_used_macs: float
    cnn_energy: Mapping[str, Mapping[str, Energy]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonOptions:
    """What to compare, and how.

    Attributes:
        steps: after which there is a row.
        systems: those wanted besides the CNN.
        timed: images for the clock, run again for each number of steps; 0 for no clock.
        resamples: of the intervals.
        threads: 0 for the libraries' own choice.
    """

    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    systems: frozenset[System] = frozenset(System)
    timed: int = 200
    resamples: int = RESAMPLES
    threads: int = 0
