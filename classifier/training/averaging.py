"""The exponential moving average of a network's weights. Needs torch.

Knows nothing of what the network is.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """average <- keep * average + (1 - keep) * weights, after every step; statistics of normalisation alike.

    In the first steps less is kept, (1 + n) / (10 + n), so that the random start is soon forgotten. Whole numbers
    (batch counters) are copied.

    Args:
        network: whose weights; the average starts as a copy of them.
        keep: 0 to 1.
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.keep = keep
        self.steps = 0
        self.tensors = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the network's weights in."""
        self.steps += 1
        keep = min(self.keep, (1 + self.steps) / (10 + self.steps))
        own, theirs = [], []
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                own.append(self.tensors[name])
                theirs.append(tensor)
            else:
                self.tensors[name].copy_(tensor)
        torch._foreach_lerp_(own, theirs, 1 - keep)

    def restore(self, tensors: Mapping[str, Tensor], steps: int) -> None:
        """Go on from what `tensors` and `steps` were."""
        self.steps = steps
        for name, tensor in tensors.items():
            self.tensors[name].copy_(tensor)
