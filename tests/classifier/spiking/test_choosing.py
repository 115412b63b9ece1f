"""What is chosen on validation: held against scikit-learn, against loops, and against evidence whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, f1_score, log_loss

from classifier.data.images import UNKNOWN
from classifier.spiking.choosing import (
    calibrate,
    choose_margin,
    choose_steps,
    measure_leads,
    score_evidence,
    stop_early,
    take_at,
)
from classifier.spiking.layers import Output
from tests.classifier.spiking.small_networks import describe, make_evidence_network

SINGLE = {"shape": describe(4)}
BOTH = {"shape": describe(4), "color": describe(3, multi_valued=True)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_the_score_is_the_mean_of_scikit_learn_s(seed, images):
    random = np.random.default_rng(seed)
    evidence = random.normal(size=(images, 7)).astype(np.float32)
    shape, color = random.integers(UNKNOWN, 4, images), random.integers(0, 2, (images, 3)).astype(np.uint8)
    shape[0] = 2
    found = score_evidence(make_evidence_network(BOTH), evidence, {"shape": shape, "color": color})
    known = shape != UNKNOWN
    accuracy = accuracy_score(shape[known], evidence[known, :4].argmax(axis=1))
    f1 = f1_score(color, expit(evidence[:, 4:]) > 0.5, average="micro", zero_division=0.0)
    assert found == pytest.approx((accuracy + f1) / 2)


def test_an_attribute_that_no_image_has_a_label_of_has_no_score():
    network = make_evidence_network({"shape": describe(2), "other": describe(2)})
    evidence = np.array([[1, 0, 0, 1], [1, 0, 1, 0]], np.float32)
    labels = {"shape": np.array([0, 1]), "other": np.array([UNKNOWN, UNKNOWN])}
    assert score_evidence(network, evidence, labels) == pytest.approx(0.5)
    assert score_evidence(network, evidence, {**labels, "shape": labels["other"]}) == 0


@pytest.mark.parametrize(
    ("scores", "wanted", "steps"),
    [
        ({1: 0.2, 2: 0.5, 4: 0.9, 8: 0.95}, 0.5, 2),
        ({8: 0.95, 4: 0.9, 1: 0.2}, 0.6, 4),
        ({1: 0.2, 4: 0.8, 8: 0.7, 16: 0.8}, 0.9, 4),
        ({4: 0.9, 2: 0.91, 8: 0.1}, 0.9, 2),
        ({3: 0.0}, 1.0, 3),
    ],
)
def test_the_fewest_steps_that_are_good_enough_are_taken_else_the_best(scores, wanted, steps):
    assert choose_steps(scores, wanted=wanted) == steps


def test_a_lead_is_summed_evidence_from_the_first_label_to_the_second():
    """Two images, three steps, one attribute of one label each."""
    means = np.array([[[3, 1, 2, 0], [0, 0, 5, 1], [2, 2, 1, 0]], [[-4, -1, -2, -9], [7, 7.5, 0, 0], [1, 0, 0, 0]]])
    leads = measure_leads(make_evidence_network(SINGLE), means.astype(np.float32))
    assert leads.tolist() == [[1 * 1, 4 * 2, 0 * 3], [1 * 1, 0.5 * 2, 1 * 3]]


def test_with_several_labels_it_is_the_distance_to_even_odds_and_the_worst_attribute_counts():
    several = make_evidence_network({"color": describe(3, multi_valued=True)})
    means = np.array([[[-0.5, 2, 3], [1, -4, 0.25]]], np.float32)
    assert measure_leads(several, means).tolist() == [[0.5 * 1, 0.25 * 2]]
    both = make_evidence_network(BOTH)
    joined = np.concatenate([np.array([[[3, 1, 0, 0], [0, 0.125, 0, 0]]], np.float32), means], axis=2)
    assert measure_leads(both, joined).tolist() == [[0.5 * 1, 0.125 * 2]]


def test_a_label_that_is_alone_is_always_decided():
    means = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
    network = make_evidence_network({"only": describe(1), "shape": describe(4)})
    assert np.allclose(measure_leads(network, means), measure_leads(make_evidence_network(SINGLE), means[..., 1:]))
    assert np.isinf(measure_leads(make_evidence_network({"only": describe(1)}), means[..., :1])).all()


def test_each_image_stops_at_its_margin_or_at_the_last_step():
    leads = np.array([[0.1, 0.5, 0.2], [0.4, 0.3, 0.2], [0.0, 0.1, 0.9], [0.0, 0.1, 0.2]])
    assert stop_early(leads, 0.4).tolist() == [2, 1, 3, 3]
    assert stop_early(leads, 0.0).tolist() == [1, 1, 1, 1]
    assert stop_early(leads, 5.0).tolist() == [3, 3, 3, 3]
    means = np.arange(4 * 3 * 2).reshape(4, 3, 2).astype(np.float32)
    wanted = [means[0, 1].tolist(), means[1, 0].tolist(), means[2, 2].tolist(), means[3, 2].tolist()]
    assert take_at(means, stop_early(leads, 0.4)).tolist() == wanted


def draw_means(seed: int, *, images=80, steps=6, outputs=7) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Evidence that becomes clearer with every step, and labels it is nearly always right about at the last one."""
    random = np.random.default_rng(seed)
    final = random.normal(size=(images, 1, outputs)) * 2
    noise = random.normal(size=(images, steps, outputs)).cumsum(axis=1) / np.arange(1, steps + 1)[:, None] ** 1.5
    shape = final[:, 0, :4].argmax(axis=1)
    shape[random.random(images) < 0.1] = UNKNOWN
    return (final + noise).astype(np.float32), {"shape": shape, "color": (final[:, 0, 4:] > 0).astype(np.uint8)}


@pytest.mark.parametrize("tolerance", [0.0, 0.005, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_the_margin_is_the_smallest_that_holds_the_score(seed, tolerance):
    """A loop over all leads there are: none below the margin but those between two candidates does as well."""
    network = make_evidence_network(BOTH)
    means, labels = draw_means(seed)
    margin, mean_steps = choose_margin(network, means, labels, tolerance=tolerance)
    leads, wanted = measure_leads(network, means), score_evidence(network, means[:, -1], labels) - tolerance

    def answer(own):
        steps = [next((n for n in range(6) if row[n] >= own), 5) for row in leads]
        taken = np.stack([means[image, step] for image, step in enumerate(steps)])
        return score_evidence(network, taken, labels), np.mean(steps) + 1

    assert margin is not None
    score, mean = answer(margin)
    assert score >= wanted
    assert mean_steps == pytest.approx(mean)
    assert 1 <= mean_steps < 6
    candidates = np.unique(np.quantile(leads, np.linspace(0, 1, 60)))
    assert margin in candidates
    assert all(answer(own)[0] < wanted for own in candidates[candidates < margin])


def test_more_tolerance_never_takes_more_steps():
    network = make_evidence_network(BOTH)
    means, labels = draw_means(7)
    steps = [choose_margin(network, means, labels, tolerance=own)[1] for own in (0.0, 0.01, 0.1, 1.0)]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == 1


def test_there_is_no_margin_where_only_the_last_step_is_right():
    """Before it the wrong label leads, by more than the right one does at the end."""
    network = make_evidence_network({"shape": describe(2)})
    means = np.tile(np.array([[[0, 9], [0, 8], [1, 0]]], np.float32), (20, 1, 1))
    assert choose_margin(network, means, {"shape": np.zeros(20, np.int64)}) == (None, 3.0)
    assert choose_margin(network, means[:, 2:], {"shape": np.zeros(20, np.int64)}) == (None, 1.0)


def test_where_nothing_has_to_be_decided_one_step_is_enough():
    means = np.zeros((5, 4, 1), np.float32)
    network = make_evidence_network({"only": describe(1)})
    _, steps = choose_margin(network, means, {"only": np.zeros(5, np.int64)})
    assert steps == 1


def draw_truth(output: Output, factor: float, *, several: bool, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Evidence `factor` times too sure of itself, and what is true, drawn from the probabilities before that."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(3_000, 4)) * 1.5
    if several:
        return (logits * factor).astype(np.float32), (random.random(logits.shape) < expit(logits)).astype(np.uint8)
    chances = softmax(logits, axis=1) if output is Output.SOFTMAX else expit(logits - 2)
    values = (chances.cumsum(axis=1) < random.random((3_000, 1)) * chances.sum(axis=1, keepdims=True)).sum(axis=1)
    return (logits * factor).astype(np.float32), values.clip(0, 3)


def measure_loss(evidence, truth, output: Output) -> float:
    """Mean surprise at every label, as scikit-learn has it."""
    if output is Output.SOFTMAX:
        return log_loss(truth, softmax(evidence.astype(float), axis=1), labels=range(4))
    hot = truth if truth.ndim == 2 else (truth[:, None] == np.arange(4)).astype(int)
    return float(np.mean([log_loss(hot[:, n], expit(evidence[:, n].astype(float)), labels=[0, 1]) for n in range(4)]))


@pytest.mark.parametrize("factor", [0.3, 4.0])
@pytest.mark.parametrize(
    ("output", "several"), [(Output.SOFTMAX, False), (Output.SIGMOID, True), (Output.SIGMOID, False)]
)
def test_a_temperature_lowers_the_loss_of_evidence_it_has_not_seen(output, several, factor):
    network = make_evidence_network({"shape": describe(4, multi_valued=several, output=output)})
    evidence, truth = draw_truth(output, factor, several=several)
    held, held_truth = draw_truth(output, factor, several=several, seed=1)
    chosen = calibrate(network, evidence, {"shape": truth})["shape"]
    before = measure_loss(held, held_truth, output)
    assert measure_loss(held / chosen.temperature, held_truth, output) < before
    assert all(
        measure_loss(evidence / chosen.temperature, truth, output)
        <= measure_loss(evidence / other, truth, output) + 1e-6
        for other in np.geomspace(0.06, 18, 40)
    )
    if output is Output.SOFTMAX or several:
        assert chosen.temperature == pytest.approx(factor, rel=0.15)


def test_images_whose_label_is_not_known_change_nothing():
    network = make_evidence_network(SINGLE)
    evidence, truth = draw_truth(Output.SOFTMAX, 2.0, several=False)
    nonsense = np.full((500, 4), 30, np.float32) * np.eye(4, dtype=np.float32)[0]
    more = {"shape": np.concatenate([truth, np.full(500, UNKNOWN)])}
    assert calibrate(network, np.concatenate([evidence, nonsense]), more) == calibrate(
        network, evidence, {"shape": truth}
    )


def test_without_known_images_nothing_is_learnt():
    chosen = calibrate(make_evidence_network(SINGLE), np.ones((3, 4), np.float32), {"shape": np.full(3, UNKNOWN)})
    assert chosen["shape"].temperature == 1
    assert chosen["shape"].thresholds == (0.9,) * 4


def test_what_is_stood_by_is_as_often_right_as_promised():
    network = make_evidence_network(BOTH)
    shape, shape_truth = draw_truth(Output.SOFTMAX, 3.0, several=False)
    color, color_truth = draw_truth(Output.SIGMOID, 3.0, several=True)
    evidence = np.concatenate([shape, color[:, :3]], axis=1)
    chosen = calibrate(network, evidence, {"shape": shape_truth, "color": color_truth[:, :3]})
    assert list(chosen) == ["shape", "color"]
    held, truth = draw_truth(Output.SOFTMAX, 3.0, several=False, seed=2)
    chances = softmax(held.astype(float) / chosen["shape"].temperature, axis=1)
    best = chances.argmax(axis=1)
    taken = chances.max(axis=1) >= np.array(chosen["shape"].thresholds)[best]
    assert (truth[taken] == best[taken]).mean() > 0.87
    assert 0.05 < taken.mean() < 0.95
    held, truth = draw_truth(Output.SIGMOID, 3.0, several=True, seed=2)
    chances = expit(held[:, :3].astype(float) / chosen["color"].temperature)
    assert truth[:, :3][chances >= chosen["color"].thresholds].mean() > 0.87
