"""The training loop: a network, labelled images and settings to a trained network and its history. Needs torch.

All that a run knows is in its checkpoints, to the state of its random generators: one that was stopped and taken up
again gives, on a processor, the same bits as one that was not. Knows nothing of files of images or of terminals.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classifier.data.images import LabelledImages
from classifier.networks.network import Network
from classifier.threads import use_threads
from classifier.training.augmentation import augment
from classifier.training.averaging import WeightAverage
from classifier.training.checkpoints import Checkpoints, flatten_optimiser, restore_optimiser
from classifier.training.evaluation import measure_network, to_tensor
from classifier.training.losses import compute_class_weights, compute_image_weights, compute_loss
from classifier.training.precision import offers_half
from classifier.training.schedule import compute_rate
from classifier.training.settings import Augmentation, Balance, TrainingSettings
from classifier.training.thawing import find_lowest_stage, freeze_below, make_optimiser, set_rate
from search.errors import InputError

SAVE_EVERY_S = 300.0
"""A checkpoint is also written in the middle of an epoch that takes longer, seconds."""

History = list[dict[str, Any]]
"""One dictionary an epoch: epoch (from 1), loss, rate, val_loss, score, attributes, took_s."""

Penalty = Callable[[Network], Tensor]
"""What a network is to have little of besides errors, as a number with a gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is.

    Attributes:
        epoch, step: from 1, of `epochs` and `steps` (in an epoch).
        loss: mean of this epoch so far.
        images_per_s: of this epoch so far, on this machine.
        finished: what the history got, at the end of an epoch; None in between.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_s: float
    finished: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to.

    Attributes:
        network: with the weights of the best epoch; those of the last step where no epoch ended.
        history: of all epochs.
        best: the entry of the history whose weights they are; None where no epoch ended.
        complete: False where the run was asked to stop; it goes on from its checkpoint.
    """

    network: Network
    history: History
    best: Mapping[str, Any] | None
    complete: bool


def train_network(
    network: Network,
    train: LabelledImages,
    val: LabelledImages,
    settings: TrainingSettings,
    *,
    checkpoints: Checkpoints | None = None,
    penalty: Penalty | None = None,
    tell: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train, or go on training from the newest checkpoint.

    Args:
        network: changed in place.
        train: to learn from.
        val: to choose the best epoch by.
        checkpoints: where the state is kept, at the end of every epoch and every five minutes.
        penalty: asked after every pass over a batch for a number that is added to the loss.
        tell: told after every step.
        should_stop: asked after every step; a checkpoint is written before the run stops.

    Raises:
        InputError: no images, or the loss is no longer a number.
        MismatchError, IntegrityError: of the checkpoint.
    """
    for images, what in ((train, "learn from"), (val, "choose by")):
        if not len(images):
            raise InputError(f"{images.name} has no images to {what}; give at least one")
    if min(len(train), settings.batch) < 2:
        raise InputError(f"{len(train)} images in batches of {settings.batch}: a step needs at least two images")
    with _own_torch(settings):
        run = _Run(network, train, val, settings, checkpoints, penalty)
        run.resume()
        return run.go_on(tell or (lambda _: None), should_stop)


class _Run:
    """One run's state."""

    def __init__(
        self,
        network: Network,
        train: LabelledImages,
        val: LabelledImages,
        settings: TrainingSettings,
        checkpoints: Checkpoints | None,
        penalty: Penalty | None,
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.train, self.val, self.settings = train, val, settings
        self.checkpoints, self.penalty = checkpoints, penalty
        self.optimiser = make_optimiser(network, settings)
        self.average = WeightAverage(network, settings.ema) if settings.ema else None
        self.measured = copy.deepcopy(network) if self.average else network
        self.random = torch.Generator().manual_seed(settings.seed)
        self.labels = {name: torch.from_numpy(np.asarray(train.read_labels()[name])) for name in network.attributes}
        self.weights = self._weigh_labels()
        self.image_weights = self._weigh_images()
        self.steps = max(1, len(train) // settings.batch)
        self.half = offers_half(self.device, settings.precision)
        self.epoch, self.step, self.loss_sum = 0, 0, 0.0
        self.history: History = []
        self.best: dict[str, Tensor] = {}

    def go_on(self, tell: Callable[[Progress], None], should_stop: Callable[[], bool]) -> Outcome:
        while self.epoch < self.settings.epochs and not self._is_out_of_patience():
            if not self._run_epoch(tell, should_stop):
                self._save()
                return self._conclude(complete=False)
        return self._conclude(complete=True)

    def _run_epoch(self, tell: Callable[[Progress], None], should_stop: Callable[[], bool]) -> bool:
        """False where it was asked to stop before the end."""
        freeze_below(self.network, find_lowest_stage(self.settings, self.epoch, len(self.network.stages)))
        order = self._draw_order()
        started = saved = time.monotonic()
        first = self.step
        while self.step < self.steps:
            self.loss_sum += self._take_step(order[self.step * self.settings.batch :][: self.settings.batch])
            self.step += 1
            now = time.monotonic()
            done = (self.step - first) * self.settings.batch
            last = self.step == self.steps
            report = self._close_epoch(now - started) if last else None
            tell(
                Progress(
                    epoch=self.epoch + (0 if last else 1),
                    epochs=self.settings.epochs,
                    step=self.steps if last else self.step,
                    steps=self.steps,
                    loss=report["loss"] if report else self.loss_sum / self.step,
                    images_per_s=done / max(now - started, 1e-9),
                    finished=report,
                )
            )
            if last:
                return not should_stop() or self.epoch == self.settings.epochs
            if should_stop():
                return False
            if now - saved > SAVE_EVERY_S:
                self._save()
                saved = now
        return True

    def _take_step(self, numbers: NDArray[np.int64]) -> float:
        settings = self.settings
        done = self.epoch * self.steps + self.step
        set_rate(self.optimiser, settings.rate * compute_rate(settings, done, settings.epochs * self.steps))
        plain = self.epoch >= settings.epochs - settings.plain_epochs
        level = settings.augmentation
        if plain and level is not Augmentation.NONE:
            level = Augmentation.LIGHT
        images = augment(to_tensor(self.train.read_batch(numbers)), level, self.random, mirror=settings.mirror)
        images = images.to(self.device, memory_format=torch.channels_last)
        rows = torch.from_numpy(numbers)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits = self.network(images)
        losses = [
            compute_loss(given.float(), self._pick(name, rows), settings, self.weights.get(name))
            for name, given in zip(self.network.attributes, logits, strict=True)
        ]
        if self.penalty is not None:
            losses.append(self.penalty(self.network))
        loss = torch.stack(losses).sum()
        value = loss.item()
        if not math.isfinite(value):
            raise InputError(f"the loss is {value} in epoch {self.epoch + 1}: a rate of {settings.rate:g} is too high")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if settings.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimiser.step()
        if self.average:
            self.average.update(self.network)
        return value

    def _pick(self, name: str, rows: Tensor) -> Tensor:
        targets = self.labels[name][rows].to(self.device)
        return targets if targets.ndim == 1 else targets.float()

    def _close_epoch(self, took_s: float) -> dict[str, Any]:
        """Measure, note, keep the best; the next epoch begins."""
        if self.average:
            self.measured.load_state_dict(self.average.tensors)
        figures = measure_network(self.measured, self.val)
        if not math.isfinite(figures.loss):
            raise InputError(
                f"the loss on {self.val.name} is {figures.loss} after epoch {self.epoch + 1}: "
                f"a rate of {self.settings.rate:g} is too high"
            )
        entry = {
            "epoch": self.epoch + 1,
            "loss": self.loss_sum / self.steps,
            "rate": self.optimiser.param_groups[-1]["lr"],
            "val_loss": figures.loss,
            "score": figures.score,
            "attributes": dict(figures.attributes),
            "took_s": round(took_s, 2),
        }
        self.history.append(entry)
        if self._find_best() is entry:
            self.best = {name: tensor.detach().clone() for name, tensor in self.measured.state_dict().items()}
        self.epoch, self.step, self.loss_sum = self.epoch + 1, 0, 0.0
        self._save()
        return entry

    def _find_best(self) -> dict[str, Any] | None:
        """Highest score; of equal ones the lowest loss, then the first."""
        return max(self.history, key=lambda entry: (entry["score"], -entry["val_loss"]), default=None)

    def _is_out_of_patience(self) -> bool:
        best = self._find_best()
        return bool(self.settings.patience and best and self.epoch - best["epoch"] >= self.settings.patience)

    def _conclude(self, *, complete: bool) -> Outcome:
        if self.best:
            self.network.load_state_dict(self.best)
        self.network.requires_grad_(True)
        return Outcome(
            network=self.network.eval(), history=self.history, best=self._find_best() or None, complete=complete
        )

    def _draw_order(self) -> NDArray[np.int64]:
        """The images of this epoch, a function of seed and epoch alone."""
        random = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.epoch)
        if self.image_weights is None:
            return torch.randperm(len(self.train), generator=random).numpy()
        return torch.multinomial(self.image_weights, len(self.train), replacement=True, generator=random).numpy()

    def _weigh_labels(self) -> dict[str, Tensor]:
        if self.settings.balance is not Balance.WEIGHTS:
            return {}
        return {
            name: torch.from_numpy(compute_class_weights(labels.numpy(), len(self.train.attributes[name]))).to(
                self.device
            )
            for name, labels in self.labels.items()
        }

    def _weigh_images(self) -> Tensor | None:
        """The product over attributes, so that what is rare in any of them is drawn more often."""
        if self.settings.balance is not Balance.SAMPLER:
            return None
        each = np.ones(len(self.train))
        for name, labels in self.labels.items():
            rare = compute_class_weights(labels.numpy(), len(self.train.attributes[name]))
            each *= compute_image_weights(labels.numpy(), rare)
        return torch.from_numpy(each)

    def _save(self) -> None:
        if self.checkpoints is None:
            return
        tensors = {
            **_prefix("network.", self.network.state_dict()),
            **_prefix("best.", self.best),
            **_prefix("optimiser.", flatten_optimiser(self.optimiser)),
            **_prefix("average.", self.average.tensors if self.average else {}),
            "random.torch": torch.get_rng_state(),
            "random.images": self.random.get_state(),
        }
        state = {"epoch": self.epoch, "step": self.step, "loss_sum": self.loss_sum, "history": self.history}
        self.checkpoints.save(tensors, {**state, "averaged": self.average.steps if self.average else 0})

    def resume(self) -> None:
        """Take up the newest checkpoint, where there is one."""
        found = self.checkpoints.load() if self.checkpoints else None
        if found is None:
            return
        tensors, state = found
        self.network.load_state_dict(_take("network.", tensors))
        self.best = _take("best.", tensors)
        restore_optimiser(self.optimiser, _take("optimiser.", tensors))
        if self.average:
            self.average.restore(_take("average.", tensors), state["averaged"])
        torch.set_rng_state(tensors["random.torch"])
        self.random.set_state(tensors["random.images"])
        self.epoch, self.step, self.loss_sum = state["epoch"], state["step"], state["loss_sum"]
        self.history = state["history"]


def _prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _take(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


@contextmanager
def _own_torch(settings: TrainingSettings) -> Iterator[None]:
    """Threads, random numbers and denormal numbers as the run wants them; afterwards as they were."""
    with use_threads(settings.threads), torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        torch.set_flush_denormal(True)  # weights that decay towards nothing would make every step slower
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
