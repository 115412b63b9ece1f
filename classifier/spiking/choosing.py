"""What is chosen on validation images: steps, when to stop before them, temperatures and thresholds.

Works with evidence in arrays. Knows nothing of NengoDL, nor of what the images are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.data.images import UNKNOWN, Labels
from classifier.heads.calibration import fit_temperature
from classifier.heads.schema import Targets
from classifier.heads.thresholds import choose_thresholds
from classifier.spiking.artefact import Calibrated
from classifier.spiking.layers import Array, LayeredNetwork, Output, to_probabilities

PRECISION = 0.9
"""Share of the predictions stood by that should be right."""

_CANDIDATES = 60
"""Margins that are tried."""


def score_evidence(network: LayeredNetwork, evidence: Array, labels: Labels) -> float:
    """Mean over attributes of accuracy, or of micro-averaged F1 at even odds where an image may have several labels.

    Args:
        evidence: shape (images, outputs).
    """
    scores = []
    for name, given in network.split(evidence).items():
        wanted = labels[name]
        if wanted.ndim == 2:
            said, total = given > 0, (given > 0).sum() + wanted.sum()
            scores.append(float(2 * (said & (wanted > 0)).sum() / total) if total else 0.0)
        elif (wanted != UNKNOWN).any():
            known = wanted != UNKNOWN
            scores.append(float((given[known].argmax(axis=1) == wanted[known]).mean()))
    return float(np.mean(scores)) if scores else 0.0


def choose_steps(scores: Mapping[int, float], *, wanted: float) -> int:
    """The fewest steps that reach the score wanted; where none do, the fewest of those with the best one."""
    for steps in sorted(scores):
        if scores[steps] >= wanted:
            return steps
    return min(scores, key=lambda steps: (-scores[steps], steps))


def measure_leads(network: LayeredNetwork, means: Array) -> NDArray[np.float64]:
    """How far ahead the answer is: of the attribute where it is least so, shape (images, steps).

    In summed evidence, that is steps times the mean's distance from the first to the second label, or from even odds
    for an attribute whose labels are each for themselves. What an integrate-and-fire neuron has not yet fired is at
    most one spike however long it runs, so a lead in summed evidence means as much at any step.

    Args:
        means: mean evidence after each step, shape (images, steps, outputs).
    """
    leads = []
    for name, given in network.split(means).items():
        if network.attributes[name].multi_valued:
            leads.append(np.abs(given).min(axis=-1))
        elif given.shape[-1] == 1:
            leads.append(np.full(given.shape[:-1], np.inf))
        else:
            first_two = np.partition(given, -2, axis=-1)
            leads.append(first_two[..., -1] - first_two[..., -2])
    return np.asarray(np.min(leads, axis=0) * np.arange(1, means.shape[1] + 1), np.float64)


def stop_early(leads: NDArray[np.float64], margin: float) -> NDArray[np.int64]:
    """After how many steps each image is answered, shape (images,): at the margin, else at the last step."""
    reached = leads >= margin
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, leads.shape[1])


def take_at(means: Array, steps: NDArray[np.int64]) -> Array:
    """Mean evidence of each image after its own number of steps, shape (images, outputs)."""
    taken: Array = means[np.arange(len(means)), steps - 1]
    return taken


def choose_margin(
    network: LayeredNetwork, means: Array, labels: Labels, *, tolerance: float = 0.0005
) -> tuple[float | None, float]:
    """The smallest margin whose answers are as good as those after all the steps.

    Args:
        means: mean evidence after each step, shape (images, steps, outputs).
        tolerance: by how much the score may be lower.

    Returns:
        The margin, None where every image needs all the steps; and the mean number of steps.
    """
    leads = measure_leads(network, means)
    wanted = score_evidence(network, means[:, -1], labels) - tolerance
    finite = leads[np.isfinite(leads)]
    # Where every attribute has one label nothing has to be decided, and any margin will do.
    candidates = np.quantile(finite, np.linspace(0, 1, _CANDIDATES)) if len(finite) else np.zeros(1)
    for margin in np.unique(candidates):
        steps = stop_early(leads, float(margin))
        if score_evidence(network, take_at(means, steps), labels) >= wanted:
            mean = float(steps.mean())
            return (float(margin), mean) if mean < means.shape[1] else (None, mean)
    return None, float(means.shape[1])


def calibrate(network: LayeredNetwork, evidence: Array, labels: Labels) -> dict[str, Calibrated]:
    """Temperature and thresholds of each attribute, from validation evidence (images, outputs)."""
    chosen = {}
    for name, given in network.split(evidence).items():
        described, truth = network.attributes[name], labels[name]
        known = (truth != UNKNOWN) if truth.ndim == 1 else np.ones(len(truth), np.bool_)
        temperature = _fit_temperature(given[known].astype(np.float64), truth[known], described.output)
        probabilities = to_probabilities(given / temperature, described.output)
        thresholds = choose_thresholds(probabilities, Targets(values=truth, known=known), precision=PRECISION)
        chosen[name] = Calibrated(temperature=temperature, thresholds=tuple(float(each) for each in thresholds))
    return chosen


def _fit_temperature(evidence: NDArray[np.float64], truth: NDArray[Any], output: Output) -> float:
    if not len(truth):
        return 1.0
    if output is Output.SIGMOID and truth.ndim == 1:
        truth = (truth[:, None] == np.arange(evidence.shape[1])).astype(np.uint8)
    return fit_temperature(evidence, truth)
