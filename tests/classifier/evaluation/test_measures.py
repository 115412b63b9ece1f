"""The measures of labels agree with scikit-learn to 1e-9, also where items count more than once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from classifier.evaluation.evaluation import evaluate_predictions
from classifier.evaluation.measures import (
    average_labels,
    average_precision,
    average_precisions,
    count_confusions,
    count_labels,
    f1_score,
    mean_of_known,
    precision,
    recall,
    sum_labels,
    weigh_equally,
    weighted_mean,
)
from classifier.evaluation.predictions import accept_labels, compare_predictions

Draw = Callable[[st.SearchStrategy[object]], object]


@st.composite
def sizes(draw):
    """(a generator of arrays, items, labels)."""
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed), draw(st.integers(1, 60)), draw(st.integers(2, 8))


def round_some(scores: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Half of the time only a few distinct scores, so that many are equal."""
    return np.round(scores, 1) if random.integers(2) else scores


def agree(ours: object, theirs: object) -> None:
    assert ours == pytest.approx(theirs, abs=1e-9)


def weigh(items: int, random: np.random.Generator) -> NDArray[np.float32]:
    weights = random.integers(0, 4, (1, items)).astype(np.float32)
    weights[0, random.integers(items)] += 1
    return weights


@settings(max_examples=150, deadline=None)
@given(sizes())
def test_one_label_an_item_is_measured_as_scikit_learn_measures_it(case) -> None:
    random, items, labels = case
    truth = random.integers(0, labels, items)
    scores = round_some(random.random((items, labels)), random)
    own = compare_predictions(scores, truth, labels=[str(n) for n in range(labels)])
    guess = scores.argmax(axis=1)
    for weights in (weigh_equally(items), weigh(items, random)):
        counts = count_labels(own.relevant, own.chosen, weights)
        sample = {"sample_weight": weights[0].astype(float), "zero_division": 0.0}
        each = precision_recall_fscore_support(truth, guess, labels=range(labels), **sample)
        for ours, theirs in zip((precision, recall, f1_score), each, strict=False):
            agree(ours(counts)[0], theirs)
        agree(counts.relevant[0], each[3])
        present = [n for n in range(labels) if counts.relevant[0, n] + counts.chosen[0, n] > 0]
        macro = precision_recall_fscore_support(truth, guess, average="macro", labels=present, **sample)
        micro = precision_recall_fscore_support(truth, guess, average="micro", **sample)
        for ours, theirs, pooled in zip((precision, recall, f1_score), macro, micro, strict=False):
            agree(average_labels(ours(counts), counts)[0], theirs)
            agree(ours(sum_labels(counts))[0, 0], pooled)
        agree(
            weighted_mean(own.mark_right(), weights)[0],
            accuracy_score(truth, guess, sample_weight=sample["sample_weight"]),
        )
    assert (
        count_confusions(own.relevant, own.chosen).tolist()
        == confusion_matrix(truth, guess, labels=range(labels)).tolist()
    )


@settings(max_examples=150, deadline=None)
@given(sizes())
def test_several_labels_an_item_are_measured_as_scikit_learn_measures_them(case) -> None:
    random, items, labels = case
    truth = random.integers(0, 2, (items, labels)).astype(np.uint8)
    scores = round_some(random.random((items, labels)), random)
    thresholds = random.random(labels)
    accepted = accept_labels(scores, thresholds, multi_valued=True)
    own = compare_predictions(scores, truth, labels=[str(n) for n in range(labels)], accepted=accepted)
    weights = weigh(items, random)
    counts = count_labels(own.relevant, own.chosen, weights)
    sample = {"sample_weight": weights[0].astype(float), "zero_division": 0.0}
    guess = (scores >= thresholds).astype(int)
    each = precision_recall_fscore_support(truth, guess, average=None, **sample)
    micro = precision_recall_fscore_support(truth, guess, average="micro", **sample)
    for ours, theirs, pooled in zip((precision, recall, f1_score), each, micro, strict=False):
        agree(ours(counts)[0], theirs)
        agree(ours(sum_labels(counts))[0, 0], pooled)
    agree(
        weighted_mean(own.mark_right(), weights)[0], accuracy_score(truth, guess, sample_weight=sample["sample_weight"])
    )


@settings(max_examples=200, deadline=None)
@given(sizes())
def test_average_precision_is_that_of_scikit_learn_also_where_scores_are_equal(case) -> None:
    random, items, _ = case
    relevant = random.integers(0, 2, items).astype(bool)
    relevant[random.integers(items)] = True
    scores = round_some(random.random(items), random)
    agree(average_precision(relevant, scores, weigh_equally(items))[0], average_precision_score(relevant, scores))
    weights = weigh(items, random)
    if (weights[0] * relevant).sum() > 0:
        theirs = average_precision_score(relevant, scores, sample_weight=weights[0].astype(float))
        agree(average_precision(relevant, scores, weights)[0], theirs)


@settings(max_examples=40, deadline=None)
@given(sizes())
def test_many_weighings_at_once_are_each_one_alone(case) -> None:
    random, items, labels = case
    relevant = random.random((items, labels)) < 0.3
    scores = round_some(random.random((items, labels)), random)
    weights = random.integers(0, 3, (5, items)).astype(np.float32)
    together = average_precisions(relevant, scores, weights)
    alone = np.concatenate([average_precisions(relevant, scores, row[None]) for row in weights])
    np.testing.assert_array_equal(together, alone)


def test_a_label_without_a_positive_is_in_no_mean_average_precision_and_is_named() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    truth = np.array([0, 1, 1])
    found = evaluate_predictions({"color": compare_predictions(scores, truth, labels=["Red", "Blue", "Green"])})
    own = found.attributes["color"]
    expected = np.mean([average_precision_score(truth == n, scores[:, n]) for n in range(2)])
    assert own.figures["map"].value == pytest.approx(expected, abs=1e-9)
    assert own.without_positive == ("Green",)
    assert own.per_label["Green"].average_precision is None


def test_a_weighing_without_a_relevant_item_has_no_average_precision() -> None:
    areas = average_precision(np.array([True, False]), np.array([0.1, 0.9]), np.array([[0, 2], [1, 1]], np.float32))
    assert np.isnan(areas[0])
    assert areas[1] == pytest.approx(0.5)
    assert np.isnan(mean_of_known(np.array([[np.nan, np.nan]])))[0]
