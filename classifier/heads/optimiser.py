"""AdamW with one cycle of the learning rate. Needs torch.

Written out, as the first use of `torch.optim` loads torch's compiler: 160 MB for arithmetic of ten lines. Agrees with
`torch.optim.AdamW` and `OneCycleLR`. Knows nothing of networks or losses.

Sources: I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2; L. Smith and N.
Topin, "Super-Convergence", 2019, with torch's constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from classifier.training.schedule import END, START, go_along_cosine

WARM_UP = 0.2
"""Share of the steps in which the learning rate rises and the momentum falls; then both go back as a cosine."""

_MOMENTA = (0.85, 0.95)
_SQUARES = 0.999
_TINY = 1e-8


class OneCycleAdam:
    """Changes weights in place, `steps` times.

    Args:
        weights: each with a gradient when `step` is called.
        rate: the highest learning rate.
        decay: weight decay, times the learning rate.
    """

    def __init__(self, weights: Iterable[Tensor], *, rate: float, decay: float, steps: int) -> None:
        self._weights = list(weights)
        self._means = [torch.zeros_like(weight) for weight in self._weights]
        self._squares = [torch.zeros_like(weight) for weight in self._weights]
        self._rate, self._decay, self._steps = rate, decay, steps
        self._done = 0

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients, which are then forgotten."""
        rate, momentum = find_pace(self._done, self._steps)
        rate *= self._rate
        self._done += 1
        first, second = 1 - momentum**self._done, 1 - _SQUARES**self._done
        for weight, mean, square in zip(self._weights, self._means, self._squares, strict=True):
            gradient = weight.grad
            assert gradient is not None
            weight.mul_(1 - rate * self._decay)
            mean.lerp_(gradient, 1 - momentum)
            square.mul_(_SQUARES).addcmul_(gradient, gradient, value=1 - _SQUARES)
            weight.addcdiv_(mean, square.sqrt().div_(math.sqrt(second)).add_(_TINY), value=-rate / first)
            weight.grad = None


def find_pace(step: int, steps: int) -> tuple[float, float]:
    """Learning rate, as a share of the highest one, and momentum, at a step counted from 0."""
    top, last = max(WARM_UP * steps - 1, 0.0), max(steps - 1, 1)
    low, high = _MOMENTA
    if step <= top:
        share = step / top if top else 1.0
        return go_along_cosine(START, 1.0, share), go_along_cosine(high, low, share)
    share = (step - top) / max(last - top, 1e-9)
    return go_along_cosine(1.0, START * END, share), go_along_cosine(low, high, share)
