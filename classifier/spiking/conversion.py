"""From a trained torch network to one that spikes: quantised, folded, finetuned, checked, and chosen on validation.

Needs torch and the extra `snn`. Nothing here sees a test image. Knows nothing of folders or terminals.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from classifier.data.images import LabelledImages, Splits
from classifier.networks.artefact import NetworkRecord
from classifier.networks.network import Network
from classifier.spiking.artefact import Choices, SpikingNetwork
from classifier.spiking.choosing import calibrate, choose_margin, choose_steps, score_evidence
from classifier.spiking.folding import fold_network
from classifier.spiking.graph import LayeredSession
from classifier.spiking.layers import Array, LayeredNetwork
from classifier.spiking.parity import check_layers, check_parity
from classifier.spiking.quantised import list_quantised, measure_thresholds, quantise_network
from classifier.spiking.simulator import SpikingSimulator
from classifier.spiking.spike_training import SpikeTraining, finetune_spikes
from classifier.training.checkpoints import Checkpoints
from classifier.training.engine import Outcome, Penalty, Progress, train_network
from classifier.training.settings import Schedule, TrainingSettings, from_json
from search.errors import InputError

STEPS = (1, 2, 4, 8, 16, 32)
"""Numbers of time steps that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionOptions:
    """How a network is converted.

    Attributes:
        levels: of the quantised activation, where there is finetuning with it. Each entry is tried, the one that needs
            the fewest steps is taken; an entry of several numbers is one network that learns with all of them in turn.
        percentile: of a layer's activations on training images that its first threshold is, 0 to 100.
        epochs: of finetuning with levels; with 0 the thresholds are those percentiles.
        rate: highest rate of that, as a share of the one the network was trained with.
        penalty: how much spikes cost there: added to the loss, times spikes per synapse and step.
        spike_epochs: of finetuning with spikes, after that; with 0 there is none.
        spike_steps: time steps it learns with; of several, one is drawn for every batch.
        spike_rate: highest rate of that, of Adam.
        tolerance: by how much the spiking network may score below the CNN when the steps are chosen, 0 to 1.
        max_steps: the most steps that are tried.
        choose_on: validation images that steps and margins are chosen on, at most.
        threads: of TensorFlow and torch; 0 leaves their own choice.
    """

    levels: tuple[tuple[int, ...], ...] = ((4, 8),)
    percentile: float = 97.0
    epochs: int = 0
    rate: float = 0.1
    penalty: float = 0.0
    spike_epochs: int = 1
    spike_steps: tuple[int, ...] = (4, 8)
    spike_rate: float = 2e-4
    tolerance: float = 0.002
    max_steps: int = 32
    choose_on: int = 5_000
    threads: int = 0

    def __post_init__(self) -> None:
        if not self.levels or not all(mix and min(mix) >= 1 and max(mix) <= 256 for mix in self.levels):
            raise InputError(f"levels are {self.levels}; give one or more, from 1 to 256")
        if not self.spike_steps or not 1 <= min(self.spike_steps) <= max(self.spike_steps) <= 64:
            raise InputError(f"steps to learn with are {self.spike_steps}; give one or more, from 1 to 64")
        limits: Mapping[str, tuple[float, float]] = {
            "percentile": (50, 100),
            "epochs": (0, 1_000),
            "rate": (0, 10),
            "penalty": (0, 1_000),
            "spike_epochs": (0, 1_000),
            "spike_rate": (0, 1),
            "tolerance": (0, 1),
            "max_steps": (1, 256),
            "choose_on": (1, 1_000_000),
            "threads": (0, 1_024),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} is {getattr(self, name)}; a conversion takes {low} to {high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who is told, and asked, while a conversion goes on.

    Attributes:
        say: one sentence at a time.
        tell: after every step of finetuning.
        should_stop: after every step of finetuning; a checkpoint is written first.
        open_checkpoints: where those of a stage are kept, by its name: `levels-4-8`, and `spikes-4-8` after it.
    """

    say: Callable[[str], None] = lambda _: None
    tell: Callable[[Progress], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False
    open_checkpoints: Callable[[str], Checkpoints | None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A finetuned network and what its spikes came to on validation."""

    network: LayeredNetwork
    levels: tuple[int, ...]
    scores: Mapping[int, float]
    steps: int
    means: Array


def convert_network(
    network: Network, record: NetworkRecord, data: Splits, options: ConversionOptions, watchers: Watchers
) -> SpikingNetwork | None:
    """The converted network; None where it was asked to stop, its checkpoint kept.

    Raises:
        InputError: `not_convertible`; or images the network was not trained on.
        SetupError: `extra_missing`.
        IntegrityError: `lost_weights`: a stage of the conversion does not compute what the one before it did.
    """
    _check_data(record, data)
    cnn = fold_network(network, record)
    chosen_on = _take_some(data.val, options.choose_on)
    images, labels = data.val.read_batch(chosen_on), _pick_labels(data.val, chosen_on)
    session = LayeredSession(cnn, threads=options.threads)
    cnn_evidence = session.run(cnn.normalise(images))
    check_parity(network, cnn, images[:256], threads=options.threads)
    wanted = score_evidence(cnn, cnn_evidence, labels)
    watchers.say(f"the CNN scores {wanted:.2%} on {len(images):,} validation images; its Keras twin agrees")
    candidates = []
    for levels in options.levels:
        quantised = _quantise(network, record, data, levels, options, watchers)
        if quantised is None:
            return None
        folded = fold_network(quantised, record)
        check_parity(quantised, folded, images[:256], threads=options.threads)
        learnt = _learn_with_spikes(folded, cnn, record, data, levels, options, watchers)
        if learnt is None:
            return None
        check_layers(learnt, images[:256], threads=options.threads)
        candidates.append(_try(learnt, levels, images, labels, wanted, options, watchers))
    best = min(candidates, key=lambda each: (each.steps, -each.scores[each.steps]))
    means = best.means[:, : best.steps]
    margin, mean_steps = choose_margin(best.network, means, labels)
    watchers.say(
        f"chosen: {say_levels(best.levels)} levels, {best.steps} steps"
        + (f", {mean_steps:.1f} of them on average when it may stop early" if margin is not None else "")
    )
    return SpikingNetwork(
        cnn=cnn,
        snn=best.network,
        choices=Choices(
            levels=best.levels,
            steps=best.steps,
            margin=margin,
            cnn=calibrate(cnn, cnn_evidence, labels),
            snn=calibrate(best.network, means[:, -1], labels),
        ),
        source={
            "network": record.name,
            "data": dict(record.data),
            "metrics": dict(record.metrics),
            "chosen_on": {"images": len(images), "cnn": wanted, "mean_steps": mean_steps},
            "candidates": [{"levels": c.levels, "steps": c.steps, "scores": dict(c.scores)} for c in candidates],
            "options": asdict(options),
        },
    )


def _quantise(
    network: Network,
    record: NetworkRecord,
    data: Splits,
    levels: tuple[int, ...],
    options: ConversionOptions,
    watchers: Watchers,
) -> Network | None:
    """A copy with quantised activations, finetuned; None where it was asked to stop."""
    own = copy.deepcopy(network)
    thresholds = measure_thresholds(own, data.train, percentile=options.percentile)
    quantise_network(own, thresholds, levels)
    if not options.epochs:
        return own
    watchers.say(f"finetuning with {say_levels(levels)} levels: {options.epochs} epochs on {len(data.train):,} images")
    penalty = make_penalty(fold_network(copy.deepcopy(own), record), options.penalty) if options.penalty else None
    outcome: Outcome = train_network(
        own,
        data.train,
        data.val,
        choose_settings(record, options),
        checkpoints=watchers.open_checkpoints(f"levels-{'-'.join(map(str, levels))}"),
        penalty=penalty,
        tell=watchers.tell,
        should_stop=watchers.should_stop,
    )
    return outcome.network if outcome.complete else None


def _learn_with_spikes(
    network: LayeredNetwork,
    cnn: LayeredNetwork,
    record: NetworkRecord,
    data: Splits,
    levels: tuple[int, ...],
    options: ConversionOptions,
    watchers: Watchers,
) -> LayeredNetwork | None:
    """The network, finetuned with spikes; None where it was asked to stop."""
    if not options.spike_epochs:
        return network
    steps = say_levels(options.spike_steps)
    watchers.say(
        f"finetuning with {steps} steps of spikes: {options.spike_epochs} epochs on {len(data.train):,} images"
    )
    return finetune_spikes(
        network,
        cnn,
        data.train,
        SpikeTraining(
            steps=options.spike_steps,
            epochs=options.spike_epochs,
            rate=options.spike_rate,
            settings=choose_settings(record, options),
        ),
        checkpoints=watchers.open_checkpoints(f"spikes-{'-'.join(map(str, levels))}"),
        tell=watchers.tell,
        should_stop=watchers.should_stop,
    )


def choose_settings(record: NetworkRecord, options: ConversionOptions) -> TrainingSettings:
    """The network's own recipe, at a fraction of its rate, its last epochs alone."""
    trained = record.training.get("settings")
    recipe = from_json(trained) if trained else TrainingSettings()
    return replace(
        recipe,
        epochs=max(1, options.epochs),
        rate=recipe.rate * options.rate,
        schedule=Schedule.COSINE,
        warmup=0.05,
        plain_epochs=max(0, options.epochs - 1),
        patience=0,
        head_epochs=0,
        threads=options.threads or recipe.threads,
    )


def make_penalty(network: LayeredNetwork, weight: float) -> Penalty:
    """Weight times the spikes per synapse and step that the batch would cost: what is made small beside the loss."""
    synapses = [float(counts.sum()) for counts in network.count_synapses().values()]

    def penalise(trained: Network) -> Tensor:
        rates = [module.rate for module in list_quantised(trained)]
        parts = [rate * own for rate, own in zip(rates, synapses, strict=True) if rate is not None]
        return torch.stack(parts).sum() * (weight / sum(synapses))

    return penalise


def _try(
    network: LayeredNetwork,
    levels: tuple[int, ...],
    images: Any,
    labels: Mapping[str, Any],
    wanted: float,
    options: ConversionOptions,
    watchers: Watchers,
) -> _Candidate:
    """Let it spike on validation images, once, for as many steps as there may be: fewer are a part of it."""
    tried = [steps for steps in STEPS if steps < options.max_steps] + [options.max_steps]
    with SpikingSimulator(network, threads=options.threads) as simulator:
        means = simulator.run(network.normalise(images), options.max_steps).average_each()
    scores = {steps: score_evidence(network, means[:, steps - 1], labels) for steps in tried}
    steps = choose_steps(scores, wanted=wanted - options.tolerance)
    listed = ", ".join(f"{score:.2%} at {steps}" for steps, score in scores.items())
    watchers.say(f"{say_levels(levels)} levels: {listed} steps")
    return _Candidate(network=network, levels=levels, scores=scores, steps=steps, means=means)


def say_levels(levels: Sequence[int]) -> str:
    """`8`, or `4, 8 or 16`."""
    first, last = levels[:-1], str(levels[-1])
    return f"{', '.join(map(str, first))} or {last}" if first else last


def _check_data(record: NetworkRecord, data: Splits) -> None:
    own = {name: tuple(labels) for name, labels in record.attributes.items()}
    given = {name: tuple(labels) for name, labels in data.train.attributes.items()}
    side, _, channels = data.train.shape
    if own != given or (side, channels) != (record.shape.size, record.shape.channels):
        raise InputError(
            f"the network was trained on {record.data.get('name')}: {', '.join(own)} from images of "
            f"{record.shape.size} pixels; {data.train.name} has other labels or images. Give the data it was trained on"
        )


def _take_some(images: LabelledImages, count: int) -> Sequence[int]:
    """Numbers of at most so many images: the same ones each time, and from all over."""
    if len(images) <= count:
        return range(len(images))
    return sorted(np.random.default_rng(0).permutation(len(images))[:count].tolist())


def _pick_labels(images: LabelledImages, numbers: Sequence[int]) -> dict[str, Any]:
    return {name: np.asarray(values)[list(numbers)] for name, values in images.read_labels().items()}
