"""Short figures of one attribute on validation photos, for a card. `classifier.evaluation` has the full ones.

Numpy only. Knows nothing of heads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.heads.schema import Targets


def score_attribute(
    probabilities: NDArray[np.floating[Any]], targets: Targets, thresholds: NDArray[np.float64]
) -> dict[str, Any]:
    """Photos, accuracy, mean average precision, share of photos with an accepted label, and share of those right.

    Accuracy: of a single-valued attribute the most probable label is right; of a multi-valued one the accepted labels
    are exactly the true ones. All 0 where no photo is known.
    """
    scores, values = np.asarray(probabilities)[targets.known], targets.values[targets.known]
    labels = np.arange(scores.shape[1])
    if not len(scores):
        return dict.fromkeys(("photos", "accuracy", "map", "coverage", "accepted_precision"), 0.0)
    accepted = scores >= thresholds
    if values.ndim == 1:
        best = scores.argmax(axis=1)
        relevant = values[:, None] == labels
        accepted &= best[:, None] == labels
        right = best == values
    else:
        relevant = values.astype(np.bool_)
        right = (accepted == relevant).all(axis=1)
    precisions = [_average_precision(scores[:, n], relevant[:, n]) for n in labels if relevant[:, n].any()]
    figures = {
        "accuracy": right.mean(),
        "map": np.mean(precisions) if precisions else 0.0,
        "coverage": accepted.any(axis=1).mean(),
        "accepted_precision": (accepted & relevant).sum() / max(int(accepted.sum()), 1),
    }
    return {"photos": len(scores), **{name: round(float(value), 4) for name, value in figures.items()}}


def _average_precision(scores: NDArray[np.floating[Any]], relevant: NDArray[np.bool_]) -> float:
    hits = relevant[np.argsort(-scores, kind="stable")]
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precisions[hits].mean())
