"""The same images through the CNN, its quantised form, NengoDL's own conversions, and ours: what each gives and costs.

Needs the extra `snn`. Works with a converted network and labelled images. Knows nothing of how the table is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.data.images import Labels
from classifier.evaluation.measures import average_precisions, weigh_equally
from classifier.evaluation.predictions import AttributePredictions, compare_predictions
from classifier.spiking.artefact import SpikingNetwork
from classifier.spiking.choosing import measure_leads, score_evidence, stop_early, take_at
from classifier.spiking.compared import (
    Comparison,
    ComparisonOptions,
    LabelDifference,
    LayerActivity,
    Row,
    System,
)
from classifier.spiking.energy import Energy, count_neurons, count_used_macs, estimate_cnn, estimate_spiking
from classifier.spiking.graph import LayeredSession
from classifier.spiking.layers import Array, LayeredNetwork, to_probabilities
from classifier.spiking.paired import PairedMeasures, compute_mcnemar
from classifier.spiking.simulator import Neuron, Run, SpikingSimulator

_ACTIVATION_IMAGES = 1_000
"""Images on which the CNN's zeros are counted."""


SPIKING: Mapping[System, Neuron] = {
    System.NENGO_DEFAULT: Neuron.NENGO_DEFAULT,
    System.NENGO_SCALED: Neuron.NENGO_SCALED,
    System.SNN: Neuron.INTEGRATE_AND_FIRE,
}


def compare_systems(
    network: SpikingNetwork,
    images: NDArray[np.uint8],
    labels: Labels,
    options: ComparisonOptions,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Run every system on the same images.

    Args:
        images: shape (n, height, width, channels).
        labels: of every attribute of the network, as `Labels` says, in its order of labels.
    """
    return _Comparer(network, images, labels, options, say).compare()


class _Comparer:
    def __init__(
        self,
        network: SpikingNetwork,
        images: NDArray[np.uint8],
        labels: Labels,
        options: ComparisonOptions,
        say: Callable[[str], None],
    ) -> None:
        self.network, self.images, self.labels, self.options, self.say = network, images, labels, options, say
        self.given = network.cnn.normalise(images)
        self.synapses = int(sum(counts.sum() for counts in network.snn.count_synapses().values()))
        session = LayeredSession(network.cnn, threads=options.threads)
        self.reference = session.run(self.given)
        self.cnn_seconds = self._time(session.run)
        predictions = self._predict(network.cnn, self.reference)
        self.right = {name: each.mark_right()[each.known] for name, each in predictions.items()}
        self.chosen = {name: each.chosen for name, each in predictions.items()}
        self.paired = {name: PairedMeasures(each, resamples=options.resamples) for name, each in predictions.items()}

    def compare(self) -> Comparison:
        network, options = self.network, self.options
        session = LayeredSession(network.cnn, threads=options.threads, activations=True)
        used = np.concatenate(
            [
                count_used_macs(network.cnn, session.run_layers(self.given[start : start + 100]))
                for start in range(0, min(len(self.given), _ACTIVATION_IMAGES), 100)
            ]
        ).mean()
        macs = sum(network.cnn.count_macs())
        energy = {
            name: {precision: estimate_cnn(count, precision) for precision in ("fp32", "int8")}
            for name, count in (("dense", float(macs)), ("zero_skipping", float(used)))
        }
        rows = [self._make_row(System.CNN, self.reference, energy=energy["dense"], seconds=self.cnn_seconds)]
        if System.QUANTISED in options.systems:
            rows += [self._run_quantised(levels, energy["dense"]) for levels in options.steps]
        layers: Sequence[LayerActivity] = ()
        differences: Sequence[LabelDifference] = ()
        for system, neuron in SPIKING.items():
            if system not in options.systems:
                continue
            run, more = self._run_spiking(system, neuron)
            rows += more
            if system is System.SNN:
                layers = self._describe_layers(run)
                differences = self._compare_labels(run.average(network.choices.steps))
                if System.SNN_EARLY in options.systems and network.choices.margin is not None:
                    rows.append(self._stop_early(run, network.choices.margin))
        return Comparison(
            images=len(self.images),
            chosen_steps=network.choices.steps,
            rows=rows,
            layers=layers,
            labels=differences,
            macs=macs,
            synapses=self.synapses,
            neurons=count_neurons(network.snn),
            cnn_used_macs=float(used),
            cnn_energy=energy,
        )

    def _run_quantised(self, levels: int, energy: Mapping[str, Energy]) -> Row:
        session = LayeredSession(self.network.snn, levels=levels, threads=self.options.threads)
        row = self._make_row(System.QUANTISED, session.run(self.given), energy=energy)
        return replace(row, levels=levels, seconds_per_1000=self._time(session.run))

    def _run_spiking(self, system: System, neuron: Neuron) -> tuple[Run, list[Row]]:
        """One simulation of the most steps; what was there after fewer is part of it."""
        own = self.network.snn if system is System.SNN else self.network.cnn
        most = max(*self.options.steps, self.network.choices.steps)
        with SpikingSimulator(own, neuron=neuron, threads=self.options.threads) as simulator:
            started = time.monotonic()
            run = simulator.run(self.given, most)
            self.say(f"{system}: {len(self.given):,} images, {most} steps, {time.monotonic() - started:.0f} s")
            rows = []
            for steps in self.options.steps:
                operations = float(run.total_operations(steps).sum(axis=1).mean())
                row = self._make_row(
                    system,
                    run.average(steps),
                    steps=steps,
                    spikes=float(run.total_spikes(steps).sum(axis=1).mean()),
                    operations=operations,
                )
                rows.append(replace(row, seconds_per_1000=self._time(partial(simulator.run, steps=steps))))
        return run, rows

    def _stop_early(self, run: Run, margin: float) -> Row:
        most = self.network.choices.steps
        means = run.average_each()[:, :most]
        steps = stop_early(measure_leads(self.network.snn, means), margin)
        numbers = np.arange(len(steps))
        spikes = np.cumsum(run.spikes.sum(axis=2), axis=1)[numbers, steps - 1]
        operations = np.cumsum(run.operations.sum(axis=2), axis=1)[numbers, steps - 1]
        return self._make_row(
            System.SNN_EARLY,
            take_at(means, steps),
            steps=float(steps.mean()),
            spikes=float(spikes.mean()),
            operations=float(operations.mean()),
        )

    def _make_row(
        self,
        system: System,
        evidence: Array,
        *,
        steps: float | None = None,
        spikes: float | None = None,
        operations: float | None = None,
        energy: Mapping[str, Energy] | None = None,
        seconds: float | None = None,
    ) -> Row:
        own = self.network.cnn
        predictions = self._predict(own, evidence)
        if energy is None:
            assert operations is not None
            assert steps is not None
            energy = {p: estimate_spiking(own, operations, steps, p) for p in ("fp32", "int8")}
        return Row(
            system=system,
            steps=steps,
            score=score_evidence(own, evidence, self.labels),
            attributes={name: self.paired[name].compare(each) for name, each in predictions.items()},
            agreement=float(
                np.mean([(each.chosen == self.chosen[name]).all(axis=1).mean() for name, each in predictions.items()])
            ),
            mcnemar={
                name: compute_mcnemar(self.right[name], each.mark_right()[each.known])
                for name, each in predictions.items()
                if not each.multi_valued
            },
            spikes=spikes,
            operations=operations,
            per_synapse=None if operations is None else operations / self.synapses,
            energy=energy,
            seconds_per_1000=seconds,
        )

    def _predict(self, own: LayeredNetwork, evidence: Array) -> dict[str, AttributePredictions]:
        return {
            name: compare_predictions(
                to_probabilities(given, own.attributes[name].output),
                np.asarray(self.labels[name]),
                labels=own.attributes[name].labels,
            )
            for name, given in own.split(evidence).items()
        }

    def _describe_layers(self, run: Run) -> list[LayerActivity]:
        steps = self.network.choices.steps
        spikes, operations = run.total_spikes(steps).mean(axis=0), run.total_operations(steps).mean(axis=0)
        synapses = self.network.snn.count_synapses()
        described = []
        for number, layer in enumerate(self.network.snn.list_spiking()):
            neurons = int(synapses[layer.name].size)
            described.append(
                LayerActivity(
                    name=layer.name,
                    neurons=neurons,
                    threshold=float(layer.threshold or 0),
                    spikes=float(spikes[number]),
                    rate=float(spikes[number]) / neurons / steps,
                    operations=float(operations[number]),
                )
            )
        return described

    def _compare_labels(self, evidence: Array) -> list[LabelDifference]:
        ours, theirs = self._predict(self.network.cnn, evidence), self._predict(self.network.cnn, self.reference)
        found = []
        for name in ours:
            cnn, snn = theirs[name].keep_known(), ours[name].keep_known()
            each = [
                average_precisions(p.relevant, p.probabilities, weigh_equally(len(p.relevant)))[0] for p in (cnn, snn)
            ]
            for number, label in enumerate(cnn.labels):
                before, after = (None if np.isnan(values[number]) else float(values[number]) for values in each)
                images = int(cnn.relevant[:, number].sum())
                found.append(LabelDifference(attribute=name, label=label, images=images, cnn=before, snn=after))
        return found

    def _time(self, run: Callable[[Array], Any]) -> float | None:
        """Seconds for 1,000 images, after one unmeasured pass over a few."""
        some = self.given[: self.options.timed]
        if not len(some):
            return None
        run(some)
        started = time.perf_counter()
        run(some)
        return (time.perf_counter() - started) * 1_000 / len(some)
