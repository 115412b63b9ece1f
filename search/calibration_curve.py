"""From a score to a probability: a rising curve, fitted to scores beside what was true of them.

Platt's logistic curve (J. Platt, "Probabilistic outputs for support vector machines", 1999, with his smoothed targets;
fitted as in H.-T. Lin, C.-J. Lin and R. Weng, "A note on Platt's probabilistic outputs", Machine Learning 68, 2007) is
held against isotonic regression (B. Zadrozny and C. Elkan, KDD 2002) by cross-validation. Works with arrays. Knows
nothing of searches or of what a score is of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 1_024
"""Scores are sorted into so many intervals of equal width before anything is fitted; each is fitted as its mean."""

MIN_POOL = 30
"""Scores behind a point of an isotonic curve, at least: what a handful of pairs say is no probability."""

MARGIN = 0.002
"""Isotonic must lower the surprise on other queries by this share of it: it has many more parameters."""

_STEPS = 100
_RIDGE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticCurve:
    """1 / (1 + exp(-(slope * score + offset))); the slope is not below 0."""

    slope: float
    offset: float

    def measure(self, scores: Floats) -> Floats:
        """Probabilities, shape kept."""
        return _squash(self.slope * np.asarray(scores, dtype=np.float64) + self.offset)

    def find_score(self, probability: float) -> float:
        """The least score with this probability; infinite where none has it, or every score has."""
        if not 0 < probability < 1:
            return -math.inf if probability <= 0 else math.inf
        wanted = math.log(probability / (1 - probability)) - self.offset
        if self.slope == 0:
            return math.inf if wanted > 0 else -math.inf
        return wanted / self.slope


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedCurve:
    """Lines between points; level before the first and after the last one.

    Attributes:
        scores, probabilities: of the points, both strictly rising.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def measure(self, scores: Floats) -> Floats:
        """Probabilities, shape kept."""
        return np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.probabilities)

    def find_score(self, probability: float) -> float:
        """The least score with this probability; infinite where none has it, or every score has."""
        if probability > self.probabilities[-1]:
            return math.inf
        if probability <= self.probabilities[0]:
            return -math.inf
        return float(np.interp(probability, self.probabilities, self.scores))


Curve = LogisticCurve | SteppedCurve


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Scores beside what was true of them, sorted into intervals.

    Attributes:
        scores: mean of each interval, rising, shape (intervals,).
        true, false: how much of it was and was not so, shape (folds, intervals).
    """

    scores: Floats
    true: Floats
    false: Floats


def observe(
    scores: Floats, true: NDArray[np.bool_], weights: Floats, folds: NDArray[np.int32], *, fold_count: int = 2
) -> Observations:
    """Scores sorted into intervals.

    Args:
        weights: how much each score counts. They are scaled to sum to what so many unequal weights are worth in equal
            ones (L. Kish, "Survey Sampling", 1965), so that smoothing knows how much was seen.
        folds: which part of the data each is in, 0 to below `fold_count`.

    Raises:
        ValueError: no score has a weight above zero.
    """
    kept = weights > 0
    if not kept.any():
        raise ValueError("no score counts: a curve needs at least one with a weight above zero")
    scores, true, weights, folds = scores[kept], true[kept], weights[kept], folds[kept]
    weights = weights * (weights.sum() / np.square(weights).sum())
    low, high = float(scores.min()), float(scores.max())
    width = (high - low) / BINS or 1.0
    bins = np.minimum(((scores - low) / width).astype(np.int64), BINS - 1)
    total = np.bincount(bins, weights, BINS)
    filled = total > 0
    means = np.asarray(np.bincount(bins, weights * scores, BINS)[filled] / total[filled], dtype=np.float64)
    cells = (folds * 2 + true) * BINS + bins
    sums = np.bincount(cells, weights, fold_count * 2 * BINS).astype(np.float64)
    counts = sums.reshape(fold_count, 2, BINS)[:, :, filled]
    return Observations(scores=means, true=counts[:, 1], false=counts[:, 0])


def fit_curve(seen: Observations) -> Curve:
    """The curve for all that was seen: the logistic one, or the isotonic one where it foretells other folds better."""
    surprise = {fit_logistic: 0.0, fit_isotonic: 0.0}
    for fold in range(len(seen.true)):
        rest = [other for other in range(len(seen.true)) if other != fold]
        if not rest or not (seen.true[rest] + seen.false[rest]).any():
            continue
        for fit in surprise:
            said = fit(seen.scores, seen.true[rest].sum(axis=0), seen.false[rest].sum(axis=0)).measure(seen.scores)
            surprise[fit] += _measure_surprise(said, seen.true[fold], seen.false[fold])
    isotonic = surprise[fit_isotonic] < (1 - MARGIN) * surprise[fit_logistic]
    fit = fit_isotonic if isotonic else fit_logistic
    return fit(seen.scores, seen.true.sum(axis=0), seen.false.sum(axis=0))


def fit_logistic(scores: Floats, true: Floats, false: Floats) -> Curve:
    """Platt's curve through intervals, by Newton's method with halved steps; level where truth falls with the score.

    Args:
        scores: of the intervals; true, false: how much of each was and was not so. Each of shape (intervals,).
    """
    count = true + false
    targets = _smooth(true, false)
    share = float((targets * count).sum() / count.sum())
    centre = float((scores * count).sum() / count.sum())
    spread = math.sqrt(float((count * np.square(scores - centre)).sum() / count.sum())) or 1.0
    design = np.stack([(scores - centre) / spread, np.ones_like(scores)])
    found = np.array([0.0, math.log(share / (1 - share))])
    loss = _measure_loss(found @ design, targets, count)
    for _ in range(_STEPS):
        said = _squash(found @ design)
        gradient = design @ (count * (said - targets))
        curvature = (design * (count * said * (1 - said))) @ design.T + _RIDGE * count.sum() * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (trial := _measure_loss((found - size * step) @ design, targets, count)) > loss and size > 1e-6:
            size /= 2
        found, gained, loss = found - size * step, loss - trial, trial
        if gained <= 1e-10 * abs(loss):
            break
    slope = float(found[0]) / spread
    if slope <= 0:
        return LogisticCurve(slope=0.0, offset=math.log(share / (1 - share)))
    return LogisticCurve(slope=slope, offset=float(found[1]) - slope * centre)


def fit_isotonic(scores: Floats, true: Floats, false: Floats) -> Curve:
    """The rising curve nearest to what was seen, by pooling neighbours that fall; between the pools' means, lines.

    Args:
        scores: of the intervals, rising; true, false: how much of each was and was not so. Each of shape (intervals,).
    """
    count = true + false
    targets = _smooth(true, false)
    pools: list[tuple[float, float, float]] = []  # weight, sum of targets, sum of scores
    for score, weight, target in zip(scores.tolist(), count.tolist(), targets.tolist(), strict=True):
        if weight <= 0:
            continue
        pool = (weight, weight * target, weight * score)
        while pools and pools[-1][1] * pool[0] >= pool[1] * pools[-1][0]:
            before = pools.pop()
            pool = (pool[0] + before[0], pool[1] + before[1], pool[2] + before[2])
        pools.append(pool)
    pools = _join_small(pools)
    return SteppedCurve(
        scores=tuple(total / weight for weight, _, total in pools),
        probabilities=tuple(hits / weight for weight, hits, _ in pools),
    )


def _join_small(pools: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Pools of at least `MIN_POOL`, joined from the top down; what is left at the bottom joins as well."""
    joined: list[tuple[float, float, float]] = []
    for pool in reversed(pools):
        if joined and joined[-1][0] < MIN_POOL:
            joined[-1] = (joined[-1][0] + pool[0], joined[-1][1] + pool[1], joined[-1][2] + pool[2])
        else:
            joined.append(pool)
    if len(joined) > 1 and joined[-1][0] < MIN_POOL:
        last = joined.pop()
        joined[-1] = (joined[-1][0] + last[0], joined[-1][1] + last[1], joined[-1][2] + last[2])
    return joined[::-1]


def _smooth(true: Floats, false: Floats) -> Floats:
    """Mean target of each interval, where "so" counts (T + 1) / (T + 2) and "not so" 1 / (F + 2): never 0, never 1."""
    high = (true.sum() + 1) / (true.sum() + 2)
    low = 1 / (false.sum() + 2)
    count = true + false
    return np.asarray(
        np.divide(high * true + low * false, count, out=np.full_like(count, 0.5), where=count > 0), dtype=np.float64
    )


def _squash(logits: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float64)


def _measure_loss(logits: Floats, targets: Floats, count: Floats) -> float:
    return float((count * (np.logaddexp(0, logits) - targets * logits)).sum())


def _measure_surprise(said: Floats, true: Floats, false: Floats) -> float:
    safe = np.clip(said, 1e-6, 1 - 1e-6)
    return float(-(true * np.log(safe) + false * np.log(1 - safe)).sum())
