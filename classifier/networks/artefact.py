"""A trained network on disk: its weights, and a card with everything that is needed to use it again. Needs torch.

Knows nothing of how it was trained; what training says about itself is kept as it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from classifier.artefact import load_artefact, save_artefact
from classifier.networks.card import Shape
from classifier.networks.network import Network, build_network
from search.errors import IntegrityError

NAME = "network"
"""Of the files: `network.safetensors` and `network.json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecord:
    """What a trained network is.

    Attributes:
        name: in the registry.
        shape: of the images it takes.
        attributes: attribute to its labels, in the order of the logits.
        multi: attributes with several values.
        data: name and fingerprint of the images, for a reader.
        metrics: what was measured, on which images, for a reader.
        training: settings, history and best epoch, for a reader.
    """

    name: str
    shape: Shape
    attributes: Mapping[str, Sequence[str]]
    multi: frozenset[str]
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]


def save_network(folder: Path, network: Network, record: NetworkRecord) -> str:
    """Write both files; gives the SHA-256 of the weights' file.

    Raises:
        SetupError: the folder cannot be written to.
    """
    card = {
        "network": record.name,
        "preprocessing": {
            "size": record.shape.size,
            "channels": record.shape.channels,
            "range": [0, 1],
            "mean": network.mean.flatten().tolist(),
            "std": network.std.flatten().tolist(),
        },
        "attributes": {name: list(labels) for name, labels in record.attributes.items()},
        "multi": sorted(record.multi),
        "data": dict(record.data),
        "metrics": dict(record.metrics),
        "training": dict(record.training),
    }
    tensors = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in network.state_dict().items()}
    return save_artefact(folder, NAME, tensors, card)


def load_network(folder: Path) -> tuple[Network, NetworkRecord]:
    """The network, in evaluation mode, and what it is.

    Raises:
        SetupError: there is none in the folder, or this version has no such network.
        IntegrityError: a file is damaged, cut short, or not the one its card was written with; the message names it.
    """
    tensors, card = load_artefact(folder, NAME)
    try:
        seen = card["preprocessing"]
        record = NetworkRecord(
            name=card["network"],
            shape=Shape(size=seen["size"], channels=seen["channels"]),
            attributes=card["attributes"],
            multi=frozenset(card["multi"]),
            data=card["data"],
            metrics=card["metrics"],
            training=card["training"],
        )
        heads = {name: len(labels) for name, labels in record.attributes.items()}
        network = build_network(record.name, record.shape, heads)
        network.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        raise IntegrityError(f"{folder / NAME}.json does not describe the weights beside it ({error})") from error
    return network.eval(), record
