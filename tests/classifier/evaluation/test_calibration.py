"""Calibration errors by their definition, and what a reliability diagram is drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from classifier.evaluation.calibration import (
    BINS,
    bin_by_count,
    bin_by_width,
    calibration_error,
    draw_reliability,
    list_statements,
)
from classifier.evaluation.measures import weigh_equally
from classifier.evaluation.predictions import compare_predictions


def draw_statements(seed: int, items: int = 80, labels: int = 4):
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.ones(labels), items)
    own = compare_predictions(scores, random.integers(0, labels, items), labels=list("abcdefgh")[:labels])
    return list_statements(own)


def error_by_the_book(confidence, true) -> float:
    """Guo et al., equation 3, bin by bin."""
    total = 0.0
    for number in range(BINS):
        inside = (confidence > number / BINS) & (confidence <= (number + 1) / BINS)
        if inside.any():
            total += inside.sum() / len(confidence) * abs(true[inside].mean() - confidence[inside].mean())
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_error_is_that_of_the_paper(seed: int) -> None:
    statements = draw_statements(seed)
    ours = calibration_error(statements, bin_by_width(statements), weigh_equally(80))[0]
    assert ours == pytest.approx(error_by_the_book(statements.confidence[:, 0], statements.true[:, 0]), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_resample_by_weights_is_the_resample_written_out(seed: int) -> None:
    statements = draw_statements(seed)
    random = np.random.default_rng(seed)
    weights = random.multinomial(80, np.full(80, 1 / 80)).astype(np.float32)
    rows = np.repeat(np.arange(80), weights.astype(int))
    ours = calibration_error(statements, bin_by_width(statements), weights[None])[0]
    theirs = error_by_the_book(statements.confidence[rows, 0], statements.true[rows, 0])
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_probabilities_that_hold_have_no_error_and_boasting_ones_have_theirs() -> None:
    truth = np.array([0] * 8 + [1] * 2)
    honest = compare_predictions(np.tile([0.8, 0.2], (10, 1)), truth, labels=["a", "b"])
    boasting = compare_predictions(np.tile([0.95, 0.05], (10, 1)), truth, labels=["a", "b"])
    for own, expected in ((honest, 0.0), (boasting, 0.15)):
        statements = list_statements(own)
        for bins in (bin_by_width(statements), bin_by_count(statements)):
            assert calibration_error(statements, bins, weigh_equally(10))[0] == pytest.approx(expected)


def test_of_several_labels_every_one_is_a_statement() -> None:
    own = compare_predictions(np.array([[0.9, 0.4], [0.9, 0.4]]), np.array([[1, 0], [0, 0]]), labels=["a", "b"])
    statements = list_statements(own)
    assert statements.confidence.shape == (2, 2)
    # 0.9 holds for one of two (0.4 apart), 0.4 for none of two (0.4 apart)
    assert calibration_error(statements, bin_by_width(statements), weigh_equally(2))[0] == pytest.approx(0.4)


def test_bins_of_equal_count_hold_as_many_and_keep_equal_probabilities_together() -> None:
    statements = draw_statements(3, items=300)
    assert np.bincount(bin_by_count(statements).ravel()).tolist() == [20] * BINS
    tied = list_statements(compare_predictions(np.tile([0.7, 0.3], (50, 1)), np.zeros(50, int), labels=["a", "b"]))
    assert len(np.unique(bin_by_count(tied))) == 1


def test_the_diagram_shows_what_scikit_learn_shows() -> None:
    statements = draw_statements(11, items=400)
    shown = draw_reliability(statements)
    true, said = calibration_curve(statements.true.ravel(), statements.confidence.ravel(), n_bins=BINS)
    filled = shown.count > 0
    assert shown.accuracy[filled] == pytest.approx(true, abs=1e-9)
    assert shown.confidence[filled] == pytest.approx(said, abs=1e-9)
    assert shown.count.sum() == 400
    assert (shown.low[0], shown.high[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_certainty_is_in_the_outermost_bins(edge: float) -> None:
    own = compare_predictions(np.array([[edge]]), np.array([[1]]), labels=["a"])
    assert bin_by_width(list_statements(own)).item() == (0 if edge == 0 else BINS - 1)
