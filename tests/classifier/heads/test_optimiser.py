"""The written-out optimiser against torch's own."""

from __future__ import annotations

import pytest
import torch

from classifier.heads.optimiser import OneCycleAdam, find_pace


def test_it_goes_where_torch_goes():
    torch.manual_seed(0)
    inputs, truth = torch.randn(64, 5), torch.randn(64, 1)
    ours, theirs = torch.nn.Linear(5, 1), torch.nn.Linear(5, 1)
    theirs.load_state_dict(ours.state_dict())
    mine = OneCycleAdam(ours.parameters(), rate=0.05, decay=0.1, steps=40)
    adam = torch.optim.AdamW(theirs.parameters(), lr=0.05, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 0.05, total_steps=40, pct_start=0.2)
    for _ in range(40):
        ((ours(inputs) - truth) ** 2).mean().backward()
        mine.step()
        adam.zero_grad()
        ((theirs(inputs) - truth) ** 2).mean().backward()
        adam.step()
        schedule.step()
    for weight, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(weight, expected, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 5, 250])
def test_the_pace_rises_to_its_height_and_ends_near_nothing(steps):
    rates = [find_pace(step, steps)[0] for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    if steps > 4:
        assert rates[-1] < 0.001
