"""Which parts of a network learn when, and how fast: stages thaw from the heads down, deeper ones at lower rates.

Needs torch. Knows nothing of images or of losses.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from classifier.networks.network import Network
from classifier.training.settings import Optimiser, TrainingSettings


def find_lowest_stage(settings: TrainingSettings, epoch: int, stages: int) -> int:
    """The stage nearest the image that learns in this epoch; `stages` where only the heads do.

    Args:
        epoch: from 0.
        stages: of the trunk.
    """
    if epoch < settings.head_epochs:
        return stages
    if not settings.epochs_a_stage or not settings.head_epochs:
        return 0
    return max(0, stages - 1 - (epoch - settings.head_epochs) // settings.epochs_a_stage)


def freeze_below(network: Network, lowest: int) -> None:
    """Training mode for the stages that learn; the others' weights and their statistics of normalisation stay.

    Args:
        lowest: as `find_lowest_stage` gives it.
    """
    network.train()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(network.find_stage(name) >= lowest)
    for name, module in network.named_modules():
        owns = [*dict(module.named_parameters(recurse=False)), *dict(module.named_buffers(recurse=False))]
        if name.startswith("trunk") and owns and network.find_stage(f"{name}.{owns[0]}") < lowest:
            module.eval()


def make_optimiser(network: Network, settings: TrainingSettings) -> torch.optim.Optimizer:
    """An optimiser of all weights; every group says in `share` which part of the rate it gets.

    Weights of one dimension (biases, normalisation) do not decay. What is frozen has no gradient, so it stays.
    """
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((network.find_stage(name), parameter.ndim > 1), []).append(parameter)
    deepest = len(network.stages)
    given: list[dict[str, Any]] = [
        {
            "params": parameters,
            "weight_decay": settings.weight_decay if decays else 0.0,
            "share": settings.depth_decay ** (deepest - stage),
        }
        for (stage, decays), parameters in sorted(groups.items(), key=lambda group: group[0])
    ]
    match settings.optimiser:
        case Optimiser.SGD:
            nesterov = settings.momentum > 0
            return torch.optim.SGD(given, lr=settings.rate, momentum=settings.momentum, nesterov=nesterov)
        case Optimiser.ADAM:
            return torch.optim.Adam(given, lr=settings.rate)
        case Optimiser.ADAMW:
            return torch.optim.AdamW(given, lr=settings.rate)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The rate of every group: its share of `rate`."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"]
