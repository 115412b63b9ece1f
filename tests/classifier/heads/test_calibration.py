"""Temperatures, curves and thresholds, on logits whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.heads.calibration import (
    bend_rows,
    compute_calibration_error,
    fit_calibration,
    fit_temperature,
    mean_surprise,
)
from classifier.heads.mixing import choose_shares
from classifier.heads.model import to_probabilities
from classifier.heads.schema import Targets
from classifier.heads.thresholds import HIGHEST, choose_thresholds


def draw_logits(count: int, seed: int, *, labels: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right about themselves: each photo's label is drawn from their softmax."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, labels)) * 2
    chances = to_probabilities(logits.astype(np.float32), multi_valued=False)
    values = (chances.cumsum(axis=1) < random.random((count, 1))).sum(axis=1).clip(0, labels - 1)
    return logits, values.astype(np.int64)


def know(values: np.ndarray) -> Targets:
    """Targets that are all known."""
    return Targets(values=values, known=np.ones(len(values), dtype=bool))


def measure_error(logits: np.ndarray, values: np.ndarray) -> float:
    """Calibration error of the most probable labels."""
    chances = to_probabilities(logits.astype(np.float32), multi_valued=False)
    return compute_calibration_error(chances.max(axis=1).astype(float), chances.argmax(axis=1) == values)


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_the_temperature_that_spoilt_them_is_found(factor):
    logits, values = draw_logits(4_000, seed=1)
    assert fit_temperature(logits * factor, values) == pytest.approx(factor, rel=0.1)


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_calibration_lowers_the_error_of_logits_it_has_not_seen(factor):
    logits, values = draw_logits(2_000, seed=1)
    calibration = fit_calibration(logits * factor, know(values))
    held, truth = draw_logits(2_000, seed=2)
    assert measure_error(held * factor / calibration.temperature, truth) < 0.5 * measure_error(held * factor, truth)
    assert calibration.error_after < calibration.error_before


def test_of_several_labels_each_is_calibrated():
    random = np.random.default_rng(3)
    logits = random.normal(size=(2_000, 4)) * 2
    values = (random.random((2_000, 4)) < to_probabilities(logits.astype(np.float32), multi_valued=True)).astype(
        np.uint8
    )
    assert fit_temperature(logits * 2.5, values) == pytest.approx(2.5, rel=0.1)


def test_a_curve_is_taken_where_no_temperature_helps():
    """However sure the prediction, half of them are wrong."""
    random = np.random.default_rng(0)
    values = random.integers(0, 2, 1_000)
    said = np.where(random.random(1_000) < 0.5, values, 1 - values)
    logits = np.zeros((1_000, 6))
    logits[np.arange(1_000), said] = random.uniform(0.5, 9, 1_000)
    calibration = fit_calibration(logits, know(values))
    assert calibration.curve
    assert calibration.error_after < 0.1 < calibration.error_before


def test_few_photos_leave_the_probabilities_alone():
    logits, values = draw_logits(20, seed=1)
    assert fit_calibration(logits * 3, know(values)).temperature == 1


def test_bent_rows_still_sum_to_one_and_keep_the_first():
    chances = np.array([[0.9, 0.06, 0.04], [0.5, 0.3, 0.2]], dtype=np.float32)
    bent = bend_rows(chances, ((0.4, 0.45), (0.95, 0.7)), multi_valued=False)
    assert bent.argmax(axis=1).tolist() == [0, 0]
    assert bent.sum(axis=1) == pytest.approx(1)
    assert bent[0, 0] == pytest.approx(0.45 + 0.25 * 0.5 / 0.55)


def test_surprise_is_that_of_the_definition():
    assert mean_surprise(np.log([[0.5, 0.25, 0.25]]), np.array([1])) == pytest.approx(np.log(4))
    assert mean_surprise(np.zeros((1, 3)), np.array([[1, 0, 1]])) == pytest.approx(3 * np.log(2))


def test_the_member_that_knows_counts_most():
    logits, values = draw_logits(1_000, seed=1)
    noise = np.random.default_rng(4).normal(size=logits.shape)
    shares = choose_shares([noise.astype(np.float32), logits.astype(np.float32)], know(values))
    assert shares.sum() == pytest.approx(1)
    assert shares[1] > 0.85


def test_accepted_predictions_are_as_often_right_as_wanted():
    logits, values = draw_logits(4_000, seed=1, labels=3)
    chances = to_probabilities(logits.astype(np.float32), multi_valued=False)
    thresholds = choose_thresholds(chances, know(values), precision=0.9)
    held, truth = draw_logits(40_000, seed=2, labels=3)
    chances = to_probabilities(held.astype(np.float32), multi_valued=False)
    best = chances.argmax(axis=1)
    for label in range(3):
        taken = (best == label) & (chances[:, label] >= thresholds[label])
        assert (truth[taken] == label).mean() > 0.86
        assert 0.3 < taken.sum() / (best == label).sum() < 1


def test_a_label_seldom_predicted_has_the_threshold_of_all():
    logits, values = draw_logits(2_000, seed=1, labels=4)
    logits[:, 3] -= 40
    logits[:3, 3] += 60
    chances = to_probabilities(logits.astype(np.float32), multi_valued=False)
    thresholds = choose_thresholds(chances, know(values), precision=0.9)
    rarer = choose_thresholds(chances[:, [0, 1, 2, 3, 3]] * [1, 1, 1, 0.9, 0.1], know(values), precision=0.9)
    assert thresholds[3] not in thresholds[:3]
    assert 0 < thresholds[3] <= HIGHEST
    assert rarer[3] == rarer[4]


def test_a_label_that_is_always_wrong_is_hardly_ever_accepted():
    chances = np.tile(np.array([[0.7, 0.3]]), (100, 1)) + np.linspace(0, 0.2, 100)[:, None] * [1, -1]
    thresholds = choose_thresholds(chances, know(np.ones(100, dtype=np.int64)), precision=0.9)
    assert thresholds[0] > chances[:, 0].max()
