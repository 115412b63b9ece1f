"""A run's state on disk, so that one that was stopped goes on as if it had not been.

Two slots take turns: while one is written the other one stays whole. Tensors are safetensors, everything else JSON.
Knows nothing of what the tensors are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from classifier.artefact import find_card, load_artefact, load_card, save_artefact
from search.errors import IntegrityError, MismatchError, SetupError

SLOTS = ("checkpoint-a", "checkpoint-b")


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: made when the first one is saved.
        identity: what must be the same for a run to be the same: settings, network, images.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        self._identity = dict(identity)
        self._number = 0

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Keep a state; the one before the last is replaced.

        Raises:
            SetupError: the folder cannot be written to.
        """
        self._number += 1
        card = {"number": self._number, "identity": self._identity, "state": dict(state)}
        arrays = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in tensors.items()}
        save_artefact(self.folder, SLOTS[self._number % 2], arrays, card)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The newest state that is whole; None where none was saved.

        Raises:
            MismatchError: it is of another run; the message says what differs.
            IntegrityError: checkpoints are there and none of them is whole.
        """
        damage: IntegrityError | None = None
        for slot in self._list_slots():
            try:
                arrays, card = load_artefact(self.folder, slot)
            except IntegrityError as error:
                damage = error
                continue
            self._check_identity(card["identity"])
            self._number = card["number"]
            return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, card["state"]
        if damage is not None:
            raise damage
        return None

    def drop(self) -> None:
        """Remove them: the run is over."""
        for slot in SLOTS:
            find_card(self.folder, slot).unlink(missing_ok=True)
            (self.folder / f"{slot}.safetensors").unlink(missing_ok=True)

    def _list_slots(self) -> list[str]:
        """Newest first; one whose card cannot be read comes last."""
        numbers = {}
        for slot in SLOTS:
            if find_card(self.folder, slot).is_file():
                try:
                    numbers[slot] = int(load_card(self.folder, slot)["number"])
                except (SetupError, KeyError):
                    numbers[slot] = 0
        return sorted(numbers, key=lambda slot: numbers[slot], reverse=True)

    def _check_identity(self, found: Mapping[str, Any]) -> None:
        for key in self._identity.keys() | found.keys():
            if found.get(key) != self._identity.get(key):
                raise MismatchError(
                    f"the checkpoint in {self.folder} is of another run: its {key} is {found.get(key)!r}, this run's "
                    f"is {self._identity.get(key)!r}; train into another folder, or remove the checkpoint"
                )


def flatten_optimiser(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of every weight, by `<number>.<name>`."""
    state = optimiser.state_dict()["state"]
    return {
        f"{number}.{name}": value
        for number, remembered in state.items()
        for name, value in remembered.items()
        if isinstance(value, Tensor)
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser of the same weights what `flatten_optimiser` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
