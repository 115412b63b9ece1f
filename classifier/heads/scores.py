"""Short figures of one attribute on validation photos, for a card. `classifier.evaluation` has the full ones.

Numpy only. Knows nothing of heads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.measures import average_precisions, mean_of_known, weigh_equally
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
    precisions = average_precisions(relevant, scores, weigh_equally(len(scores)))
    figures = {
        "accuracy": right.mean(),
        "map": np.nan_to_num(mean_of_known(precisions)[0]),
        "coverage": accepted.any(axis=1).mean(),
        "accepted_precision": (accepted & relevant).sum() / max(int(accepted.sum()), 1),
    }
    return {"photos": len(scores), **{name: round(float(value), 4) for name, value in figures.items()}}
