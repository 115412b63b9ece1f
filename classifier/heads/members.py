"""Training one member: a small network on components that are in memory already. Needs torch.

The generator of torch that others use is left as it was found. Knows nothing of pools or of other members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from classifier.heads.losses import TensorTargets, compute_loss
from classifier.heads.network import MemberNetwork
from classifier.heads.optimiser import OneCycleAdam
from classifier.heads.plan import MemberPlan
from classifier.heads.schema import Targets
from classifier.threads import one_thread

MIN_STEPS = 250
"""A small catalogue is gone through more often, until there have been so many steps."""


def count_epochs(plan: MemberPlan, photos: int, batch: int) -> int:
    """Passes over the photos."""
    return max(plan.epochs, -(-MIN_STEPS // _count_steps(photos, batch)))


def train_member(
    components: NDArray[np.float32],
    targets: Mapping[str, Targets],
    labels: Sequence[int],
    plan: MemberPlan,
    *,
    batch: int,
    seed: int,
    progress: Callable[[float], None],
) -> MemberNetwork:
    """The network, trained. Same seed, data and machine, same weights.

    Args:
        components: what it sees of the training photos, shape (photos, columns).
        targets: by attribute, in the order of `labels`.
        labels: how many each attribute has.
        progress: told the mean loss after each pass.
    """
    photos = torch.from_numpy(components)
    truth = [_to_tensors(target) for target in targets.values()]
    steps = _count_steps(len(photos), batch)
    epochs = count_epochs(plan, len(photos), batch)
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MemberNetwork(components.shape[1], plan, labels)
        optimiser = OneCycleAdam(network.parameters(), rate=plan.rate, decay=plan.decay, steps=epochs * steps)
        for _ in range(epochs):
            total = 0.0
            # A rest that fills no batch waits for another pass: its gradient would be noise.
            for rows in torch.randperm(len(photos))[: steps * batch].split(batch):  # type: ignore[no-untyped-call]
                loss = compute_loss(network(photos[rows]), [target.take(rows) for target in truth], plan.smoothing)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                total += float(loss.detach())
            progress(total / steps)
    return network.eval()


def _count_steps(photos: int, batch: int) -> int:
    return max(1, photos // batch)


def _to_tensors(targets: Targets) -> TensorTargets:
    values = torch.from_numpy(np.ascontiguousarray(targets.values))
    if values.ndim == 2:
        values = values.float()
    return TensorTargets(values=values, known=torch.from_numpy(targets.known))
