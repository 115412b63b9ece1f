"""Losses of one attribute's logits, and the weights that rare labels get. Needs torch.

A loss takes logits (n, labels) and targets as `classifier.data.images.Labels` has them: label numbers with -1 for
unknown, or many-hot rows. Knows nothing of networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from classifier.training.settings import Loss, TrainingSettings


def compute_loss(logits: Tensor, targets: Tensor, settings: TrainingSettings, weights: Tensor | None = None) -> Tensor:
    """Mean loss over the images whose label is known; 0 where none is.

    Args:
        targets: int64 (n,), or a float of shape (n, labels) where the attribute has several values.
        weights: (labels,), how much each label counts; a mean weighted by them, as torch's own.
    """
    if targets.ndim == 1:
        known = targets >= 0
        logits, targets = logits[known], targets[known]
        if not len(targets):
            return logits.sum() * 0.0
        if settings.loss is not Loss.BINARY:
            return _compute_softmax_loss(logits, targets, settings, weights)
        targets = functional.one_hot(targets, logits.shape[1]).to(logits.dtype)
    return _compute_binary_loss(logits, targets, settings, weights)


def _compute_softmax_loss(
    logits: Tensor, targets: Tensor, settings: TrainingSettings, weights: Tensor | None
) -> Tensor:
    if settings.loss is Loss.CROSS_ENTROPY or settings.gamma == 0:
        return functional.cross_entropy(logits, targets, weight=weights, label_smoothing=settings.label_smoothing)
    each = functional.cross_entropy(logits, targets, reduction="none", label_smoothing=settings.label_smoothing)
    probability = torch.softmax(logits, 1).gather(1, targets[:, None])[:, 0]
    each = each * (1 - probability) ** settings.gamma
    if weights is None:
        return each.mean()
    return (each * weights[targets]).sum() / weights[targets].sum()


def _compute_binary_loss(logits: Tensor, targets: Tensor, settings: TrainingSettings, weights: Tensor | None) -> Tensor:
    # Smoothed towards one half: a label is as good as another when nothing is known.
    smooth = targets * (1 - settings.label_smoothing) + settings.label_smoothing / 2
    each = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    if settings.loss is Loss.FOCAL and settings.gamma > 0:
        probability = torch.sigmoid(logits)
        right = targets * probability + (1 - targets) * (1 - probability)
        each = each * (1 - right) ** settings.gamma
    return (each if weights is None else each * weights).mean()


def compute_class_weights(labels: NDArray[np.integer[Any]], count: int) -> NDArray[np.float32]:
    """Total / (frequency * labels), shape (labels,); 1 for a label no image has. A balanced attribute gets ones.

    Args:
        labels: label numbers (n,), -1 for unknown, or many-hot rows (n, labels).
        count: number of labels.
    """
    if labels.ndim == 1:
        frequency = np.bincount(labels[labels >= 0], minlength=count).astype(np.float64)
    else:
        frequency = labels.sum(0, dtype=np.float64)
    with np.errstate(divide="ignore"):
        weights = frequency.sum() / (frequency * count)
    return np.where(frequency > 0, weights, 1.0).astype(np.float32)


def compute_image_weights(labels: NDArray[np.integer[Any]], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """How often each image is drawn, relatively: the sum of its labels' weights, or the mean where it has none.

    Args:
        labels: as `compute_class_weights` takes them.
        weights: what it gave.
    """
    if labels.ndim == 1:
        each = np.where(labels >= 0, weights[np.maximum(labels, 0)], 0.0).astype(np.float64)
    else:
        each = labels.astype(np.float64) @ weights
    known = each > 0
    return np.where(known, each, each[known].mean() if known.any() else 1.0)
