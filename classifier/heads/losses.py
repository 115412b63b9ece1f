"""The loss of a member: what it says of every attribute, held against what is known. Needs torch.

A photo whose value of an attribute is not known counts nothing there. Knows nothing of networks or pools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from classifier.data.images import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorTargets:
    """`schema.Targets` as tensors: values int64 (photos,) or float32 (photos, labels), and known (photos,)."""

    values: Tensor
    known: Tensor

    def take(self, rows: Tensor) -> TensorTargets:
        """Those of some photos."""
        return TensorTargets(values=self.values[rows], known=self.known[rows])


def compute_loss(logits: Sequence[Tensor], targets: Sequence[TensorTargets], smoothing: float) -> Tensor:
    """Sum over the attributes of the mean loss of the photos that are known.

    Softmax cross-entropy of a single-valued attribute; of a multi-valued one the binary cross-entropy summed over its
    labels, so that an attribute counts about the same either way.

    Args:
        logits: (photos, labels) of each attribute.
        smoothing: of the labels (C. Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016).
    """
    losses = [_compute_one(one, target, smoothing) for one, target in zip(logits, targets, strict=True)]
    return torch.stack(losses).sum()


def _compute_one(logits: Tensor, targets: TensorTargets, smoothing: float) -> Tensor:
    if not bool(targets.known.any()):
        return logits.sum() * 0.0
    if targets.values.ndim == 1:
        return functional.cross_entropy(logits, targets.values, ignore_index=UNKNOWN, label_smoothing=smoothing)
    smooth = targets.values * (1 - smoothing) + smoothing / 2
    each = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none").sum(dim=1)
    return (each * targets.known).sum() / targets.known.sum()
