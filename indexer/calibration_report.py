"""How honest a calibration is: fitted to half of its questions, held against the other half.

Works with pairs. Knows nothing of stores or items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.calibration import Statements, bin_by_width, calibration_error
from search.calibration import PHOTO, SELECTIVITIES, TEXT, Calibration, Pairs, fit_to_pairs
from search.calibration_curve import Floats, LogisticCurve

UNFILTERED: Mapping[float, float] = {1.0: 1.0}
FILTERED: Mapping[float, float] = {share: often for share, often in SELECTIVITIES.items() if share < 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Honesty:
    """What probabilities were worth on questions they were not fitted to.

    Attributes:
        share: how many of the hits are relevant.
        error: expected calibration error over 15 bins of equal width.
        brier: mean squared distance of the probability to what is true.
        sharpness: the same of a guess that always says `share`; what the probabilities are to stay below.
    """

    share: float
    error: float
    brier: float
    sharpness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """One weighing, fitted to half of the questions.

    Attributes:
        curve: logistic or isotonic.
        half: the score that means a probability of 0.5; None where none does, or all do.
        all, unfiltered, filtered: over the first pages of all searches, of those without and of those under a filter.
    """

    curve: str
    half: float | None
    all: Honesty
    unfiltered: Honesty
    filtered: Honesty

    def to_wire(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)


def measure_calibration(calibration: Calibration, weighings: Mapping[str, Mapping[str, float]]) -> dict[str, HeldOut]:
    """How honest each weighing of the spaces is, by its name, and texts under `text` where they are calibrated."""
    measured = {name: _hold_out(calibration.pairs[PHOTO], weights) for name, weights in weighings.items()}
    if calibration.knows_text:
        measured[TEXT] = _hold_out(calibration.pairs[TEXT], {TEXT: 1.0})
    return measured


def judge_probabilities(said: Floats, true: NDArray[np.bool_], weights: Floats) -> Honesty:
    """What probabilities are worth.

    Args:
        weights: how much each counts; all arrays of shape (statements,), at least one of them.
    """
    statements = Statements(confidence=said[:, None], true=true[:, None])
    total = float(weights.sum())
    share = float((weights * true).sum() / total)
    return Honesty(
        share=share,
        error=float(calibration_error(statements, bin_by_width(statements), weights[None, :].astype(np.float32))[0]),
        brier=float((weights * np.square(said - true)).sum() / total),
        sharpness=share * (1 - share),
    )


def _hold_out(pairs: Pairs, weights: Mapping[str, float]) -> HeldOut:
    # By twos, as the fit itself tells its folds by the last digit.
    learnt = (pairs.questions // 2) % 2 == 0
    curve = fit_to_pairs(pairs.pick(learnt), weights)
    held = pairs.pick(~learnt)
    scores = held.fuse(weights)
    said = curve.measure(scores)
    honest = [
        judge_probabilities(said, held.relevant, held.weigh(scores, selectivities))
        for selectivities in (SELECTIVITIES, UNFILTERED, FILTERED)
    ]
    half = curve.find_score(0.5)
    return HeldOut(
        curve="logistic" if isinstance(curve, LogisticCurve) else "isotonic",
        half=half if np.isfinite(half) else None,
        all=honest[0],
        unfiltered=honest[1],
        filtered=honest[2],
    )
