"""How much each member counts for each attribute, chosen on validation photos.

The members' logits are added up with weights that are not negative: a logarithmic opinion pool (G. Hinton, "Products of
experts", ICANN 1999), which one network can do as well as several. Numpy and SciPy; knows nothing of torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from classifier.heads.calibration import mean_surprise
from classifier.heads.schema import Targets

Matrix = NDArray[np.float32]

PRIOR = 0.02
"""How strongly the weights are drawn to even ones, in nats for a squared distance of 1."""


def choose_shares(logits: Sequence[Matrix], targets: Targets) -> NDArray[np.float64]:
    """Weights that sum to 1, one a member, with the least mean surprise at what is true.

    Even weights where no photo is known.

    Args:
        logits: of each member, shape (photos, labels).
    """
    even = np.full(len(logits), 1 / len(logits))
    if len(logits) == 1 or not targets.known.any():
        return even
    known = targets.known
    stack = np.stack([one[known] for one in logits]).astype(np.float64)
    truth = targets.values[known]

    def surprise(weights: NDArray[np.float64]) -> float:
        mixed = np.tensordot(weights, stack, axes=1)
        return mean_surprise(mixed, truth) + PRIOR * float(((weights - even) ** 2).sum())

    # Unnormalised weights are an inverse temperature too, which the calibration fits anew.
    found = optimize.minimize(surprise, even, method="L-BFGS-B", bounds=[(0, 3)] * len(even)).x
    total = float(found.sum())
    return np.asarray(found / total if total > 0 else even, dtype=np.float64)
