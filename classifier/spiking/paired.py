"""Two classifiers on the same images: differences of their figures, with intervals that know they are paired.

Works with predictions beside the truth. Knows nothing of spikes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.evaluation import draw_resamples
from classifier.evaluation.measures import (
    Floats,
    Weights,
    average_labels,
    average_precisions,
    count_labels,
    f1_score,
    mean_of_known,
    weigh_equally,
    weighted_mean,
)
from classifier.evaluation.predictions import AttributePredictions

RESAMPLES = 400

_BOUNDS = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedFigure:
    """A figure of one classifier, and how much it is above another one's, with the 95 % bounds of that difference.

    None where it has no meaning: no image that counts, or none with any of the labels.
    """

    value: float | None
    difference: float | None
    low: float | None
    high: float | None


UNKNOWN_FIGURE = PairedFigure(value=None, difference=None, low=None, high=None)


def _measure_accuracy(own: AttributePredictions, weights: Weights) -> Floats:
    return weighted_mean(own.mark_right(), weights)


def _measure_macro_f1(own: AttributePredictions, weights: Weights) -> Floats:
    counts = count_labels(own.relevant, own.chosen, weights)
    return average_labels(f1_score(counts), counts)


def _measure_map(own: AttributePredictions, weights: Weights) -> Floats:
    return mean_of_known(average_precisions(own.relevant, own.probabilities, weights))


PAIRED_MEASURES: Mapping[str, Callable[[AttributePredictions, Weights], Floats]] = {
    "accuracy": _measure_accuracy,
    "macro_f1": _measure_macro_f1,
    "map": _measure_map,
}


class PairedMeasures:
    """Figures of one classifier, kept, so that many others can be held against it.

    The resamples are the same for all of them: an image that is drawn twice is drawn twice for both. Percentile
    bootstrap of the difference (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).

    Args:
        reference: of the images that count.
    """

    def __init__(self, reference: AttributePredictions, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        self._known = reference.known
        self._items = int(reference.known.sum())
        self._resamples, self._seed = resamples, seed
        self._reference = self._measure(reference.keep_known()) if self._items else {}

    def compare(self, other: AttributePredictions) -> dict[str, PairedFigure]:
        """The other's figures, and how they differ from the reference's, by the names in `PAIRED_MEASURES`."""
        assert np.array_equal(other.known, self._known), "the same images are compared"
        if not self._items:
            return dict.fromkeys(PAIRED_MEASURES, UNKNOWN_FIGURE)
        own = self._measure(other.keep_known())
        return {name: _to_figure(own[name], self._reference[name]) for name in PAIRED_MEASURES}

    def _measure(self, predictions: AttributePredictions) -> dict[str, Floats]:
        """By measure: the figure, and behind it those of the resamples, shape (1 + resamples,)."""
        weighings = [weigh_equally(self._items), *draw_resamples(self._items, self._resamples, self._seed)]
        return {
            name: np.concatenate([measure(predictions, weights) for weights in weighings])
            for name, measure in PAIRED_MEASURES.items()
        }


def _to_figure(own: Floats, reference: Floats) -> PairedFigure:
    differences = own - reference
    if np.isnan(differences[0]) or np.isnan(differences[1:]).all():
        return UNKNOWN_FIGURE
    low, high = np.nanquantile(differences[1:], _BOUNDS)
    return PairedFigure(value=float(own[0]), difference=float(differences[0]), low=float(low), high=float(high))


def compute_mcnemar(right: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Probability of so uneven a split of the images that one of two classifiers alone has right, were they equal.

    The exact test (Q. McNemar, Psychometrika 12, 1947; binomial, two-sided).

    Args:
        right, other: which images each has right, shape (images,).
    """
    from scipy import stats

    gained, lost = int((~right & other).sum()), int((right & ~other).sum())
    if gained + lost == 0:
        return 1.0
    return float(stats.binomtest(gained, gained + lost, 0.5).pvalue)
