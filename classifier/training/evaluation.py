"""What a network says about images, and how good that is. Needs torch.

Works with `LabelledImages`. Knows nothing of training; reports with intervals and curves are `classifier.evaluation`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from classifier.data.images import LabelledImages, Labels
from classifier.networks.network import Network

BATCH = 256
"""Images a forward pass, while nothing is learnt."""


class Views(StrEnum):
    """How many times an image is looked at; what the network says of each view is averaged."""

    ONE = "one"
    MIRRORED = "mirrored"
    """As it is and left to right: 2 views."""
    SHIFTED = "shifted"
    """Both, as they are and moved by one pixel in four directions: 10 views."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How good a network is on images.

    Attributes:
        loss: mean over attributes of the mean cross-entropy (binary where there are several values), no smoothing.
        score: mean over `attributes`; what a training run chooses by.
        attributes: accuracy of an attribute with one value, micro-averaged F1 at 0.5 of one with several.
    """

    loss: float
    score: float
    attributes: Mapping[str, float]


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Images (n, height, width, channels), 0 to 255, to (n, channels, height, width), 0 to 1, channels innermost."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32).div_(255)


def predict_logits(network: Network, images: LabelledImages) -> dict[str, NDArray[np.float32]]:
    """Logits of every image, (n, labels) for each attribute; the network is left in evaluation mode."""
    return _join(network, images, network)


def predict_probabilities(
    network: Network, images: LabelledImages, views: Views = Views.ONE
) -> dict[str, NDArray[np.float32]]:
    """Probabilities of every image, (n, labels) for each attribute: softmax, or sigmoid where there are several values.

    Args:
        views: over which they are averaged.
    """

    def look(batch: Tensor) -> list[Tensor]:
        seen = [
            [
                torch.sigmoid(logits) if name in images.multi else torch.softmax(logits, 1)
                for name, logits in zip(network.attributes, network(view), strict=True)
            ]
            for view in _make_views(batch, views)
        ]
        return [torch.stack(each).mean(0) for each in zip(*seen, strict=True)]

    return _join(network, images, look)


def _join(
    network: Network, images: LabelledImages, look: Callable[[Tensor], Sequence[Tensor]]
) -> dict[str, NDArray[np.float32]]:
    network.eval()
    device = network.mean.device
    found: list[list[Tensor]] = [[] for _ in network.attributes]
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            numbers = np.arange(start, min(start + BATCH, len(images)))
            batch = to_tensor(images.read_batch(numbers)).to(device)
            for own, given in zip(found, look(batch), strict=True):
                own.append(given.float().cpu())
    return {
        name: torch.cat(each).numpy() if each else np.empty((0, head.out_features), np.float32)  # type: ignore[arg-type]
        for name, each, head in zip(network.attributes, found, network.heads, strict=True)
    }


def _make_views(images: Tensor, views: Views) -> Iterator[Tensor]:
    yield images
    if views is Views.ONE:
        return
    yield images.flip(3)
    if views is Views.SHIFTED:
        height, width = images.shape[2:]
        padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
        for top, left in ((0, 1), (2, 1), (1, 0), (1, 2)):
            moved = padded[:, :, top : top + height, left : left + width]
            yield moved
            yield moved.flip(3)


def measure_network(network: Network, images: LabelledImages) -> Figures:
    """Figures over all images; an attribute that no image has a label of counts as nothing."""
    return measure_logits(predict_logits(network, images), images.read_labels())


def measure_logits(logits: Mapping[str, NDArray[np.float32]], labels: Labels) -> Figures:
    """Figures of logits; an attribute that no image has a label of is left out."""
    losses, scores = [], {}
    for name, said in logits.items():
        given, wanted = said, labels[name]
        if wanted.ndim == 1:
            given, wanted = given[wanted >= 0], wanted[wanted >= 0]
        if not len(wanted):
            continue
        tensor = torch.from_numpy(given)
        if wanted.ndim == 1:
            losses.append(functional.cross_entropy(tensor, torch.from_numpy(wanted)).item())
            scores[name] = float((given.argmax(1) == wanted).mean())
        else:
            target = torch.from_numpy(wanted).to(torch.float32)
            losses.append(functional.binary_cross_entropy_with_logits(tensor, target).item())
            scores[name] = _compute_micro_f1(given > 0, wanted > 0)
    if not scores:
        return Figures(loss=0.0, score=0.0, attributes={})
    return Figures(loss=float(np.mean(losses)), score=float(np.mean(list(scores.values()))), attributes=scores)


def measure_probabilities(probabilities: Mapping[str, NDArray[np.float32]], images: LabelledImages) -> Figures:
    """Figures of what `predict_probabilities` gave."""
    tiny = np.float32(1e-7)  # of a probability that is nothing, so that its logarithm is a number
    logits = {
        name: np.log(given + tiny) - (np.log1p(tiny - given) if name in images.multi else 0)
        for name, given in probabilities.items()
    }
    return measure_logits(logits, images.read_labels())


def _compute_micro_f1(said: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    total: Any = said.sum() + wanted.sum()
    return float(2 * (said & wanted).sum() / total) if total else 0.0
