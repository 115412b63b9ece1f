"""Curves from scores to probabilities: they rise, they come back, and what they say is what happens."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.calibration_curve import (
    MIN_POOL,
    LogisticCurve,
    SteppedCurve,
    fit_curve,
    fit_isotonic,
    fit_logistic,
    observe,
)


def squash(logits):
    return 1 / (1 + np.exp(-logits))


def draw(probability, count: int = 40_000, seed: int = 0):
    """Scores, what became of them, and folds, with a known probability of being so at each score."""
    generator = np.random.default_rng(seed)
    scores = generator.uniform(-0.2, 1.0, count)
    return scores, generator.random(count) < probability(scores), (np.arange(count) % 2).astype(np.int32)


def step(scores):
    """A probability no logistic curve comes near: level, a jump, level."""
    return np.where(scores < 0.5, 0.1, 0.7)


@pytest.mark.parametrize(("probability", "kind"), [(lambda s: squash(8 * s - 5), LogisticCurve), (step, SteppedCurve)])
def test_what_is_said_is_what_happens_in_data_of_known_probability(probability, kind) -> None:
    scores, true, folds = draw(probability)
    curve = fit_curve(observe(scores, true, np.ones(len(scores)), folds))
    assert isinstance(curve, kind)
    fresh, came, _ = draw(probability, seed=1)
    said = curve.measure(fresh)
    for low in np.arange(0, 1, 0.1):
        inside = (said >= low) & (said < low + 0.1)
        if inside.sum() > 1_000:
            assert said[inside].mean() == pytest.approx(came[inside].mean(), abs=0.03)
    assert np.abs(said - probability(fresh)).mean() < 0.02


def test_logistic_curve_finds_the_slope_and_offset_that_made_the_data() -> None:
    scores, true, folds = draw(lambda s: squash(6 * s - 3))
    seen = observe(scores, true, np.ones(len(scores)), folds)
    curve = fit_logistic(seen.scores, seen.true.sum(axis=0), seen.false.sum(axis=0))
    assert isinstance(curve, LogisticCurve)
    assert curve.slope == pytest.approx(6, rel=0.05)
    assert curve.offset == pytest.approx(-3, rel=0.05)


def test_weights_make_one_part_of_the_data_count() -> None:
    scores, true, folds = draw(lambda s: np.full_like(s, 0.5))
    tilted = np.where(true, 3.0, 1.0)
    curve = fit_curve(observe(scores, true, tilted, folds))
    assert curve.measure(np.array([0.4]))[0] == pytest.approx(0.75, abs=0.02)


def test_isotonic_agrees_with_scipy_where_every_pool_is_large() -> None:
    from scipy.optimize import isotonic_regression

    scores, true, folds = draw(step)
    seen = observe(scores, true, np.ones(len(scores)), folds)
    count = (seen.true + seen.false).sum(axis=0)
    expected = isotonic_regression(seen.true.sum(axis=0) / count, weights=count).x
    said = fit_isotonic(seen.scores, seen.true.sum(axis=0), seen.false.sum(axis=0)).measure(seen.scores)
    assert np.abs(said - expected).mean() < 0.01


def test_a_handful_of_sure_hits_at_the_top_is_no_certainty() -> None:
    scores = np.r_[np.linspace(0, 0.5, 2_000), np.full(3, 0.99)]
    true = np.r_[np.arange(2_000) % 4 == 0, [True] * 3]
    seen = observe(scores, true, np.ones(len(scores)), (np.arange(len(scores)) % 2).astype(np.int32))
    assert fit_isotonic(seen.scores, seen.true.sum(axis=0), seen.false.sum(axis=0)).measure(np.array([1.0]))[0] < 0.8
    assert MIN_POOL > 3


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(-1, 1, allow_subnormal=False), st.booleans()), min_size=1, max_size=200),
    probability=st.floats(0, 1),
)
def test_curve_never_falls_stays_between_0_and_1_and_its_threshold_is_its_inverse(rows, probability) -> None:
    scores, true = np.array([s for s, _ in rows]), np.array([t for _, t in rows])
    folds = (np.arange(len(rows)) % 2).astype(np.int32)
    seen = observe(scores, true, np.ones(len(rows)), folds)
    grid = np.linspace(-1.5, 1.5, 301)
    for fit in (fit_logistic, fit_isotonic):
        curve = fit(seen.scores, seen.true.sum(axis=0), seen.false.sum(axis=0))
        said = curve.measure(grid)
        assert (np.diff(said) >= 0).all()
        assert (said >= 0).all()
        assert (said <= 1).all()
        least = curve.find_score(probability)
        if math.isinf(least):
            reached = curve.measure(np.array([-1e6, 1e6]))
            assert probability >= reached[1] - 1e-9 if least > 0 else probability <= reached[0] + 1e-9
        else:
            assert curve.measure(np.array([least]))[0] == pytest.approx(probability, abs=1e-6)


def test_where_truth_falls_with_the_score_the_score_says_nothing() -> None:
    scores, true, folds = draw(lambda s: squash(-4 * s))
    curve = fit_curve(observe(scores, true, np.ones(len(scores)), folds))
    said = curve.measure(np.array([-0.2, 0.4, 1.0]))
    assert said == pytest.approx([true.mean()] * 3, abs=0.01)


def test_data_of_no_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="no score counts"):
        observe(np.zeros(2), np.array([True, False]), np.zeros(2), np.zeros(2, dtype=np.int32))
