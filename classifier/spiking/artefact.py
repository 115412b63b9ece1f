"""A converted network on disk: the CNN's weights, the quantised ones that spike, and what was chosen on validation.

One artefact, hashed: weights reach a simulation from here and from nowhere else, never through NengoDL's own files,
whose values depend on the firing rates they were saved under. Numpy only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import load_artefact, save_artefact
from classifier.spiking.layers import Conv, Dense, Evidence, Layer, LayeredNetwork, MeanPool, Output
from search.errors import IntegrityError

NAME = "spiking"
"""Of the files: `spiking.safetensors` and `spiking.json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """How evidence of one attribute becomes what a user is told.

    Attributes:
        temperature: evidence is divided by it.
        thresholds: probability from which a label is stood by, by label.
    """

    temperature: float
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was chosen on validation.

    Attributes:
        levels: of the quantised activation in finetuning; several where it had them in turn.
        steps: time steps of an answer, at most.
        margin: how far ahead the evidence has to be for an answer before that; None to take all the steps.
        cnn, snn: by attribute.
    """

    levels: tuple[int, ...]
    steps: int
    margin: float | None
    cnn: Mapping[str, Calibrated]
    snn: Mapping[str, Calibrated]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikingNetwork:
    """A converted network.

    Attributes:
        cnn: folded, with ReLUs.
        snn: the same after finetuning with quantised activations, a threshold in every layer that spikes.
        source: what it was made from, and how good it was on which images, for a reader.
        sha256: of its weights, thresholds and choices: of all that an answer depends on; "" before it is saved.
    """

    cnn: LayeredNetwork
    snn: LayeredNetwork
    choices: Choices
    source: Mapping[str, Any]
    sha256: str = ""

    @property
    def version(self) -> str:
        """What tells this network from another one."""
        return f"spiking-{self.sha256[:12]}"


def save_spiking(folder: Path, network: SpikingNetwork) -> SpikingNetwork:
    """Write both files; gives the network with the hash of its weights.

    Raises:
        SetupError: the folder cannot be written to.
    """
    tensors: dict[str, NDArray[np.generic]] = {}
    for kind, layered in (("cnn", network.cnn), ("snn", network.snn)):
        for layer in layered.layers:
            if not isinstance(layer, MeanPool):
                tensors[f"{kind}.{layer.name}.weight"] = layer.weight
                tensors[f"{kind}.{layer.name}.bias"] = layer.bias
    card = {
        "size": list(network.cnn.size),
        "mean": network.cnn.mean.tolist(),
        "std": network.cnn.std.tolist(),
        "layers": [_describe(layer) for layer in network.snn.layers],
        "attributes": {name: asdict(evidence) for name, evidence in network.cnn.attributes.items()},
        "choices": asdict(network.choices),
        "source": dict(network.source),
    }
    return replace(network, sha256=_compute_identity(save_artefact(folder, NAME, tensors, card), card))


def load_spiking(folder: Path) -> SpikingNetwork:
    """A converted network.

    Raises:
        SetupError: there is none in the folder.
        IntegrityError: a file is damaged, cut short, or not the one its card was written with; the message names it.
    """
    tensors, card = load_artefact(folder, NAME)
    try:
        attributes = {
            name: Evidence(
                labels=tuple(each["labels"]), multi_valued=bool(each["multi_valued"]), output=Output(each["output"])
            )
            for name, each in card["attributes"].items()
        }
        cnn, snn = (
            LayeredNetwork(
                size=_to_size(card["size"]),
                mean=np.asarray(card["mean"], np.float32),
                std=np.asarray(card["std"], np.float32),
                layers=tuple(_build(each, kind, tensors) for each in card["layers"]),
                attributes=attributes,
            )
            for kind in ("cnn", "snn")
        )
        used = {
            f"{kind}.{layer.name}" for kind in ("cnn", "snn") for layer in cnn.layers if not isinstance(layer, MeanPool)
        }
        if used != {name.rpartition(".")[0] for name in tensors}:
            raise ValueError("its layers are not those of the weights")
        for network in (cnn, snn):
            network.check()
        return SpikingNetwork(
            cnn=cnn,
            snn=snn,
            choices=_read_choices(card["choices"]),
            source=card["source"],
            sha256=_compute_identity(card["weights_sha256"], card),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise IntegrityError(
            f"{folder / NAME}.json does not describe the weights beside it ({error}); convert the network again"
        ) from error


def _compute_identity(weights_sha256: str, card: Mapping[str, Any]) -> str:
    """SHA-256 over the weights' own and every part of the card that an answer depends on."""
    parts = {name: card[name] for name in ("size", "mean", "std", "layers", "attributes", "choices")}
    text = json.dumps([weights_sha256, parts], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _describe(layer: Layer) -> dict[str, Any]:
    match layer:
        case Conv():
            return {"kind": "conv", "name": layer.name, "stride": layer.stride, "threshold": layer.threshold}
        case MeanPool():
            return {"kind": "mean_pool", "name": layer.name, "side": layer.side}
        case Dense():
            return {"kind": "dense", "name": layer.name, "threshold": layer.threshold}


def _build(card: Mapping[str, Any], network: str, tensors: Mapping[str, NDArray[Any]]) -> Layer:
    name = card["name"]
    if card["kind"] == "mean_pool":
        return MeanPool(name=name, side=card["side"])
    weight, bias = tensors[f"{network}.{name}.weight"], tensors[f"{network}.{name}.bias"]
    threshold = card["threshold"] if network == "snn" else None
    if card["kind"] == "conv":
        return Conv(name=name, weight=weight, bias=bias, stride=card["stride"], threshold=threshold)
    if card["kind"] == "dense":
        return Dense(name=name, weight=weight, bias=bias, threshold=threshold)
    raise ValueError(f"there is no layer of kind {card['kind']!r}")


def _read_choices(card: Mapping[str, Any]) -> Choices:
    cnn, snn = (
        {
            name: Calibrated(temperature=each["temperature"], thresholds=tuple(each["thresholds"]))
            for name, each in card[kind].items()
        }
        for kind in ("cnn", "snn")
    )
    return Choices(levels=tuple(card["levels"]), steps=card["steps"], margin=card["margin"], cnn=cnn, snn=snn)


def _to_size(sides: Any) -> tuple[int, int, int]:
    height, width, channels = sides
    return int(height), int(width), int(channels)
