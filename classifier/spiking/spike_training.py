"""Finetuning with spikes themselves: a folded network learns to say with few of them what the CNN says. Needs torch.

What is lost by quantisation a network learns to live with in `classifier.spiking.quantised`; what is lost because
spikes come early or late ("unevenness") shows only where neurons do spike. The CNN is the teacher: evidence is held to
its probabilities (Hinton et al., arXiv:1503.02531), and a little to the labels. Knows nothing of NengoDL or of files.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from classifier.data.images import LabelledImages
from classifier.spiking.layers import LayeredNetwork, Output
from classifier.spiking.spiking_layers import SpikingLayers
from classifier.threads import use_threads
from classifier.training.augmentation import augment
from classifier.training.checkpoints import Checkpoints, flatten_optimiser, restore_optimiser
from classifier.training.engine import SAVE_EVERY_S, Progress
from classifier.training.evaluation import to_tensor
from classifier.training.losses import compute_loss
from classifier.training.precision import offers_half
from classifier.training.settings import Augmentation, TrainingSettings
from search.errors import InputError

THRESHOLD_RATE = 20.0
"""Learning rate of thresholds, as a multiple of the weights': there are few, and they have far to go."""

LABELS_WEIGHT = 0.3
"""Of the labels' loss beside that to the CNN's probabilities."""

_WARMUP = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeTraining:
    """How a network learns with spikes.

    Attributes:
        steps: time steps; one of them is drawn for every batch.
        epochs: passes over the images.
        rate: highest learning rate, of Adam.
        settings: of the network's own training: batch, augmentation (its light form), loss, seed, threads, precision.
    """

    steps: Sequence[int]
    epochs: int
    rate: float
    settings: TrainingSettings


def finetune_spikes(
    network: LayeredNetwork,
    teacher: LayeredNetwork,
    images: LabelledImages,
    training: SpikeTraining,
    *,
    checkpoints: Checkpoints | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> LayeredNetwork | None:
    """The network with weights and thresholds that were learnt; None where it was asked to stop, its checkpoint kept.

    Args:
        network: with first thresholds.
        teacher: whose evidence is to be given; the CNN.
        images: to learn from.

    Raises:
        InputError: the loss is no longer a number.
    """
    with _own_torch(training.settings):
        run = _Run(network, teacher, images, training, checkpoints)
        run.resume()
        return run.layers.to_layered() if run.go_on(tell, should_stop) else None


class _Run:
    """One run's state."""

    def __init__(
        self,
        network: LayeredNetwork,
        teacher: LayeredNetwork,
        images: LabelledImages,
        training: SpikeTraining,
        checkpoints: Checkpoints | None,
    ) -> None:
        self.layers, self.teacher = SpikingLayers(network), SpikingLayers(teacher)
        self.network, self.images, self.training, self.checkpoints = network, images, training, checkpoints
        settings = training.settings
        self.labels = {name: torch.from_numpy(np.asarray(each)) for name, each in images.read_labels().items()}
        self.batch = min(settings.batch, len(images))
        self.steps = max(1, len(images) // self.batch)
        self.half = offers_half(torch.device("cpu"), settings.precision)
        self.random = torch.Generator().manual_seed(settings.seed)
        weights = [*self.layers.weights, *self.layers.biases]
        self.optimiser = torch.optim.Adam([{"params": weights}, {"params": list(self.layers.thresholds)}])
        self.mean, self.std = (torch.from_numpy(each)[:, None, None] for each in (network.mean, network.std))
        self.done, self.loss_sum = 0, 0.0

    def go_on(self, tell: Callable[[Progress], None], should_stop: Callable[[], bool]) -> bool:
        """False where it was asked to stop before the end."""
        started = saved = time.monotonic()
        first, total = self.done, self.training.epochs * self.steps
        while self.done < total:
            if self.done % self.steps == 0:
                self.loss_sum = 0.0
            self.loss_sum += self._take_step(total)
            self.done += 1
            now = time.monotonic()
            epoch, step = divmod(self.done - 1, self.steps)
            tell(
                Progress(
                    epoch=epoch + 1,
                    epochs=self.training.epochs,
                    step=step + 1,
                    steps=self.steps,
                    loss=self.loss_sum / (step + 1),
                    images_per_s=(self.done - first) * self.batch / max(now - started, 1e-9),
                )
            )
            if self.done < total and should_stop():
                self._save()
                return False
            if now - saved > SAVE_EVERY_S:
                self._save()
                saved = now
        self._save()
        return True

    def _take_step(self, total: int) -> float:
        settings = self.training.settings
        share = min(1.0, (self.done + 1) / _WARMUP) * 0.5 * (1 + math.cos(math.pi * self.done / total))
        for group, times in zip(self.optimiser.param_groups, (1.0, THRESHOLD_RATE), strict=True):
            group["lr"] = self.training.rate * times * share
        epoch, step = divmod(self.done, self.steps)
        order = torch.randperm(
            len(self.images), generator=torch.Generator().manual_seed(settings.seed * 1_000_003 + epoch)
        )
        numbers = order[step * self.batch :][: self.batch].numpy()
        plain = Augmentation.NONE if settings.augmentation is Augmentation.NONE else Augmentation.LIGHT
        given = augment(to_tensor(self.images.read_batch(numbers)), plain, self.random, mirror=settings.mirror)
        given = ((given - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        steps = self.training.steps[int(torch.randint(len(self.training.steps), (), generator=self.random))]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            wanted = self.teacher.rectify(given)
            evidence = self.layers(given, steps)
        loss = self._compute_loss(evidence, wanted, torch.from_numpy(numbers))
        value = loss.item()
        if not math.isfinite(value):
            raise InputError(f"the loss is {value} with spikes: a rate of {self.training.rate:g} is too high")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return value

    def _compute_loss(self, evidence: Tensor, wanted: Tensor, rows: Tensor) -> Tensor:
        sizes = [len(each.labels) for each in self.network.attributes.values()]
        losses = []
        for (name, described), own, taught in zip(
            self.network.attributes.items(), torch.split(evidence, sizes, 1), torch.split(wanted, sizes, 1), strict=True
        ):
            targets = self.labels[name][rows]
            targets = targets if targets.ndim == 1 else targets.float()
            losses += [
                compare_evidence(own, taught, described.output),
                LABELS_WEIGHT * compute_loss(own, targets, self.training.settings),
            ]
        return torch.stack(losses).sum()

    def _save(self) -> None:
        if self.checkpoints is None:
            return
        tensors = {
            **{f"layers.{name}": tensor for name, tensor in self.layers.state_dict().items()},
            **{f"optimiser.{name}": tensor for name, tensor in flatten_optimiser(self.optimiser).items()},
            "random": self.random.get_state(),
        }
        self.checkpoints.save(tensors, {"done": self.done, "loss_sum": self.loss_sum})

    def resume(self) -> None:
        """Take up the newest checkpoint, where there is one."""
        found = self.checkpoints.load() if self.checkpoints else None
        if found is None:
            return
        tensors, state = found
        own = {
            kind: {name.removeprefix(kind): tensor for name, tensor in tensors.items() if name.startswith(kind)}
            for kind in ("layers.", "optimiser.")
        }
        self.layers.load_state_dict(own["layers."])
        restore_optimiser(self.optimiser, own["optimiser."])
        self.random.set_state(tensors["random"])
        self.done, self.loss_sum = state["done"], state["loss_sum"]


def compare_evidence(evidence: Tensor, wanted: Tensor, output: Output) -> Tensor:
    """How far one attribute's evidence (n, labels) is from the teacher's, as the divergence of their probabilities."""
    if output is Output.SOFTMAX:
        own, taught = (functional.log_softmax(each, 1) for each in (evidence, wanted))
        return functional.kl_div(own, taught, reduction="batchmean", log_target=True)
    taught = wanted.sigmoid()
    apart = functional.binary_cross_entropy_with_logits(evidence, taught)
    return apart - functional.binary_cross_entropy_with_logits(wanted, taught)


@contextmanager
def _own_torch(settings: TrainingSettings) -> Iterator[None]:
    """Threads and denormal numbers as the run wants them; threads afterwards as they were."""
    with use_threads(settings.threads):
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
