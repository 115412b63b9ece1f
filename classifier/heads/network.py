"""A member of the heads while it is being trained: components to one hidden layer to every attribute's logits.

Needs torch; what is learnt leaves as arrays, which `model.py` runs without it. Knows nothing of losses or pools.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifier.heads.plan import MemberPlan


class MemberNetwork(nn.Module):
    """One hidden layer with a rectifier, shared by all attributes.

    Args:
        columns: how many components it sees.
        labels: how many labels each attribute has.
    """

    def __init__(self, columns: int, plan: MemberPlan, labels: Sequence[int]) -> None:
        super().__init__()
        self._plan = plan
        self._labels = list(labels)
        self.hidden = nn.Linear(columns, plan.hidden)
        self.output = nn.Linear(plan.hidden, sum(self._labels))

    def forward(self, components: Tensor) -> tuple[Tensor, ...]:
        """Logits of each attribute, (photos, labels), of components (photos, columns)."""
        seen = functional.dropout(components, self._plan.input_dropout, self.training)
        hidden = functional.dropout(torch.relu(self.hidden(seen)), self._plan.dropout, self.training)
        return torch.split(self.output(hidden), self._labels, dim=1)

    def to_arrays(self) -> tuple[NDArray[np.float32], ...]:
        """Weight (columns, hidden) and bias of the hidden layer, weight (hidden, logits) and bias of the output."""
        weights = (self.hidden.weight.T, self.hidden.bias, self.output.weight.T, self.output.bias)
        return tuple(np.ascontiguousarray(weight.detach().numpy()) for weight in weights)
