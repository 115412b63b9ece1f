"""Two classifiers on the same images: the evaluation's own figures, and intervals that hold what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from classifier.evaluation.evaluation import evaluate_predictions
from classifier.evaluation.predictions import AttributePredictions, compare_predictions
from classifier.spiking.paired import PAIRED_MEASURES, PairedMeasures, compute_mcnemar

LABELS = ("Coat", "Bag", "Shirt")


def draw_pair(items: int, seed: int, *, right=(0.7, 0.8), unknown=0.0) -> tuple[AttributePredictions, ...]:
    """Two classifiers, right so often, that are wrong about the same hard images more often than by chance."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, items)
    hardness = random.random(items)
    found = []
    for share in right:
        own = np.where(random.random(items) < 0.6, hardness, random.random(items))
        said = np.where(own < share, truth, (truth + random.integers(1, 3, items)) % 3)
        scores = random.dirichlet(np.ones(3), items)
        scores[np.arange(items), said] += 1
        known = np.where(np.random.default_rng(seed).random(items) < unknown, -1, truth)
        found.append(compare_predictions(scores / 2, known, labels=LABELS))
    return tuple(found)


def draw_several(items: int, seed: int) -> tuple[AttributePredictions, ...]:
    """Two classifiers of labels that are each for themselves, the second one surer of what is true."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, (items, 3)).astype(np.uint8)
    scores = [np.clip(0.5 + gain * (truth - 0.5) + random.normal(size=truth.shape) / 4, 0, 1) for gain in (0.4, 0.7)]
    return tuple(compare_predictions(own, truth, labels=LABELS) for own in scores)


@pytest.mark.parametrize("pair", [draw_pair(200, 0), draw_pair(200, 1, unknown=0.3), draw_several(150, 2)])
def test_figures_are_those_of_the_evaluation(pair):
    figures = PairedMeasures(pair[0], resamples=10).compare(pair[1])
    assert list(figures) == list(PAIRED_MEASURES) == ["accuracy", "macro_f1", "map"]
    one, other = (evaluate_predictions({"a": each}, resamples=2).attributes["a"].figures for each in pair)
    for name, figure in figures.items():
        assert figure.value == pytest.approx(other[name].value, abs=1e-12)
        assert figure.difference == pytest.approx(other[name].value - one[name].value, abs=1e-12)
        assert figure.low <= figure.high


@pytest.mark.parametrize("own", [draw_pair(120, 3, unknown=0.2)[0], draw_several(80, 3)[0]])
def test_a_classifier_does_not_differ_from_itself(own):
    for figure in PairedMeasures(own).compare(own).values():
        assert (figure.difference, figure.low, figure.high) == (0, 0, 0)


def test_turned_round_the_difference_changes_its_sign():
    one, other = draw_pair(150, 4)
    there, back = PairedMeasures(one).compare(other), PairedMeasures(other).compare(one)
    for name in PAIRED_MEASURES:
        assert there[name].difference == pytest.approx(-back[name].difference)
        assert there[name].low == pytest.approx(-back[name].high)


def test_resamples_are_paired():
    """Of 500 images one is answered otherwise: unpaired, the interval would be some 0.11 wide."""
    one, _ = draw_pair(500, 5)
    scores = one.probabilities.copy()
    wrong = int(np.flatnonzero(~one.mark_right())[0])
    scores[wrong] = one.relevant[wrong]
    other = compare_predictions(scores, one.relevant.argmax(axis=1), labels=LABELS)
    figure = PairedMeasures(one).compare(other)["accuracy"]
    assert figure.difference == pytest.approx(1 / 500)
    assert figure.low == 0
    assert 1 / 500 <= figure.high <= 5 / 500


def test_the_interval_is_that_of_a_bootstrap_written_here():
    one, other = draw_pair(300, 6)
    figures = PairedMeasures(one, resamples=4_000).compare(other)
    random = np.random.default_rng(99)
    truth, said = one.relevant.argmax(axis=1), [each.chosen.argmax(axis=1) for each in (one, other)]
    drawn = random.integers(0, 300, (20_000, 300))
    gains = np.subtract(*((answers == truth)[drawn].mean(axis=1) for answers in reversed(said)))
    scores = [
        np.subtract(*(f1_score(truth[rows], answers[rows], average="macro") for answers in reversed(said)))
        for rows in drawn[:500]
    ]
    for name, own, within in (("accuracy", gains, 0.004), ("macro_f1", scores, 0.012)):
        low, high = np.quantile(own, [0.025, 0.975])
        assert figures[name].low == pytest.approx(low, abs=within)
        assert figures[name].high == pytest.approx(high, abs=within)
        assert high - low > 0.05


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """The truth: with the two shares that are right, 0.1 of accuracy; of the other two, from very many images."""
    one, other = draw_pair(60_000, 7)
    truth = {name: figure.difference for name, figure in PairedMeasures(one, resamples=1).compare(other).items()}
    assert truth["accuracy"] == pytest.approx(0.1, abs=0.01)
    truth["accuracy"] = 0.1
    held = dict.fromkeys(truth, 0)
    for seed in range(200):
        one, other = draw_pair(150, 1_000 + seed)
        for name, figure in PairedMeasures(one, resamples=150).compare(other).items():
            held[name] += figure.low <= truth[name] <= figure.high
    for name, count in held.items():
        assert 0.87 < count / 200 < 0.995, name


def test_other_images_are_not_compared():
    one, _ = draw_pair(50, 8)
    _, other = draw_pair(50, 9, unknown=0.5)
    with pytest.raises(AssertionError, match="the same images"):
        PairedMeasures(one).compare(other)


def test_an_attribute_no_image_has_a_label_of_is_measured_by_nothing():
    truth = np.full(20, -1)
    own = compare_predictions(np.full((20, 3), 1 / 3), truth, labels=LABELS)
    assert PairedMeasures(own).compare(own)


def test_labels_that_no_image_has_give_a_figure_that_json_can_hold():
    own = compare_predictions(np.full((20, 3), 0.2), np.zeros((20, 3), np.uint8), labels=LABELS)
    figure = PairedMeasures(own).compare(own)["map"]
    assert figure.value is None or math.isfinite(figure.value)


@pytest.mark.parametrize(("gained", "lost"), [(8, 2), (2, 8), (5, 5), (1, 0), (0, 6), (30, 12)])
def test_mcnemar_is_the_sum_of_the_binomial_tails(gained, lost):
    """Both right and both wrong change nothing."""
    pattern = [(True, True)] * 50 + [(False, True)] * gained + [(True, False)] * lost + [(False, False)] * 9
    right, other = np.array(pattern).T
    total = gained + lost
    tail = sum(math.comb(total, count) for count in range(min(gained, lost) + 1)) / 2**total
    assert compute_mcnemar(right, other) == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_of_answers_that_are_right_together_is_one():
    right = np.array([True, False, True])
    assert compute_mcnemar(right, right) == 1
