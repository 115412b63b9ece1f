"""Probabilities that mean what they say: a temperature for each attribute, fitted on validation photos.

A statement is the most probable label of a photo and whether it is right; of a multi-valued attribute every label of
every photo. Temperature (C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017) is held against isotonic
regression of the statements (B. Zadrozny and C. Elkan, KDD 2002) by cross-validation within the validation photos;
isotonic is taken only where it is clearly better. Numpy and SciPy. Knows nothing of networks or of how a threshold is
chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from classifier.evaluation.calibration import Statements, bin_by_width, calibration_error
from classifier.evaluation.measures import weigh_equally
from classifier.heads.schema import Targets

Floats = NDArray[np.float64]

FOLDS = 5
MIN_PHOTOS = 50
"""Validation photos an attribute needs before its temperature is fitted; with fewer it stays 1."""

MARGIN = 0.02
"""Isotonic must lower the surprise by this share of it: it has many more parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How one attribute's logits become probabilities.

    Attributes:
        temperature: logits are divided by it.
        curve: (probability, what it becomes), both rising; empty where the temperature does it alone.
        error_before, error_after: expected calibration error on the validation photos, by cross-validation.
    """

    temperature: float = 1.0
    curve: tuple[tuple[float, float], ...] = ()
    error_before: float = 0.0
    error_after: float = 0.0


def fit_calibration(logits: NDArray[np.floating[Any]], targets: Targets, *, seed: int = 0) -> Calibration:
    """The calibration of one attribute.

    Args:
        logits: of validation photos, shape (photos, labels).
    """
    known = targets.known
    scores, truth = np.asarray(logits, dtype=np.float64)[known], targets.values[known]
    if len(scores) < MIN_PHOTOS:
        return Calibration()
    folds = np.random.default_rng(seed).permutation(len(scores)) % FOLDS
    tempered, curved = _list_statements(scores, truth)[0], _list_statements(scores, truth)[0]
    right = _list_statements(scores, truth)[1]
    before = compute_calibration_error(tempered.ravel(), right.ravel())
    for fold in range(FOLDS):
        rest, held = folds != fold, folds == fold
        temperature = fit_temperature(scores[rest], truth[rest])
        tempered[held] = _list_statements(scores[held] / temperature, truth[held])[0]
        curve = _fit_curve(*_list_statements(scores[rest] / temperature, truth[rest]))
        curved[held] = bend(tempered[held], curve)
    temperature = fit_temperature(scores, truth)
    if _surprise(curved, right) < (1 - MARGIN) * _surprise(tempered, right):
        curve = _fit_curve(*_list_statements(scores / temperature, truth))
        after = compute_calibration_error(curved.ravel(), right.ravel())
        return Calibration(temperature=temperature, curve=curve, error_before=before, error_after=after)
    after = compute_calibration_error(tempered.ravel(), right.ravel())
    return Calibration(temperature=temperature, error_before=before, error_after=after)


def fit_temperature(logits: Floats, truth: NDArray[np.integer[Any]]) -> float:
    """The temperature, 0.05 to 20, with the least mean surprise at what is true."""

    def surprise(log_temperature: float) -> float:
        return mean_surprise(logits / np.exp(log_temperature), truth)

    found = optimize.minimize_scalar(surprise, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def mean_surprise(logits: Floats, truth: NDArray[np.integer[Any]]) -> float:
    """Mean negative logarithm of the probability of what is true, in nats.

    Args:
        truth: label numbers, or many-hot rows, whose labels' surprises are added up.
    """
    if truth.ndim == 1:
        own = np.take_along_axis(logits, truth[:, None], axis=1)[:, 0]
        return float((special.logsumexp(logits, axis=1) - own).mean())
    return float((np.logaddexp(0, logits) - logits * truth).sum(axis=1).mean())


def compute_calibration_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """Expected calibration error of statements, shape (statements,), over bins of equal width."""
    statements = Statements(confidence=confidence[:, None], true=right[:, None])
    return float(calibration_error(statements, bin_by_width(statements), weigh_equally(len(confidence)))[0])


def bend(confidence: NDArray[np.floating[Any]], curve: tuple[tuple[float, float], ...]) -> Floats:
    """What the curve makes of probabilities; shape kept."""
    if not curve:
        return np.asarray(confidence, dtype=np.float64)
    return np.interp(confidence, [x for x, _ in curve], [y for _, y in curve])


def bend_rows(
    probabilities: NDArray[np.float32], curve: tuple[tuple[float, float], ...], *, multi_valued: bool
) -> NDArray[np.float32]:
    """What the curve makes of photos' probabilities, shape (photos, labels).

    Of a single-valued attribute the most probable label's is bent and the others share what is left as before, none of
    them getting past it.
    """
    if multi_valued:
        return bend(probabilities, curve).astype(np.float32)
    rows, best = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    old = probabilities[rows, best]
    new = np.maximum(bend(old, curve).astype(np.float32), 1 / probabilities.shape[1])
    bent = probabilities * ((1 - new) / np.maximum(1 - old, 1e-9))[:, None]
    bent = np.minimum(bent, new[:, None])
    bent[rows, best] = new
    return np.asarray(bent, dtype=np.float32)


def _list_statements(logits: Floats, truth: NDArray[np.integer[Any]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Probabilities and whether what they are given to is true, each of shape (photos, statements of a photo)."""
    if truth.ndim == 2:
        return special.expit(logits), truth.astype(np.bool_)
    best = logits.argmax(axis=1)
    confidence = special.softmax(logits, axis=1)[np.arange(len(best)), best]
    return confidence[:, None], (best == truth)[:, None]


def _fit_curve(confidence: Floats, right: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    found = optimize.isotonic_regression(right.ravel()[np.argsort(confidence.ravel(), kind="stable")].astype(float)).x
    given = np.sort(confidence.ravel())
    # The ends of every step are enough; a probability is never sure, however few photos say so.
    ends = np.flatnonzero(np.r_[True, found[1:] != found[:-1]] | np.r_[found[1:] != found[:-1], True])
    return tuple((float(given[end]), float(np.clip(found[end], 0.001, 0.999))) for end in ends)


def _surprise(confidence: Floats, right: NDArray[np.bool_]) -> float:
    likely = np.clip(np.where(right, confidence, 1 - confidence), 1e-6, 1)
    return float(-np.log(likely).sum(axis=1).mean())
