"""Curves a classifier's figures are areas or points of.

Works with arrays. Knows nothing of how a curve is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.measures import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionRecall:
    """Points by rising recall, one for every distinct score, the first at recall 0; each of shape (points,)."""

    precision: Floats
    recall: Floats


def trace_precision_recall(relevant: NDArray[np.bool_], scores: Floats) -> PrecisionRecall:
    """Precision and recall where everything from a score on is predicted: `precision_recall_curve` of scikit-learn.

    Args:
        relevant, scores: shape (items,), with one relevant item at least.
    """
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    right = np.cumsum(relevant[order], dtype=np.float64)[ends]
    return PrecisionRecall(
        precision=np.concatenate([[1.0], right / (ends + 1)]),
        recall=np.concatenate([[0.0], right / right[-1]]),
    )
