"""Trained heads on disk: `heads.safetensors` and the card `heads.json` in a folder of their own.

The card holds labels, calibration, the encoders' hashes, the data's fingerprint, figures, and the SHA-256 of the
tensors. What does not belong together, is damaged or cut short is refused by name. Knows nothing of training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import find_card, load_artefact, save_artefact
from classifier.heads.calibration import Calibration
from classifier.heads.heads import Heads
from classifier.heads.model import HeadsModel, HiddenLayer, count_logits
from classifier.heads.outliers import OutlierModel
from classifier.heads.preparation import Preparation
from classifier.heads.schema import HeadAttribute, HeadSchema
from classifier.heads.vector import VectorRecipe
from search.embedding import Space
from search.errors import IntegrityError

__all__ = ["Heads", "load_heads", "save_heads", "seal_heads"]

FILE = "heads"
KIND = "heads"

_OUTLIER = "outlier."
_LAYER = ("columns", "weight", "bias")
_OUTPUT = ("output_weight", "output_bias")


def seal_heads(heads: Heads) -> Heads:
    """The same heads with the hash of their weights, and so a version."""
    from safetensors.numpy import save

    data = save({key: np.ascontiguousarray(value) for key, value in _to_tensors(heads).items()})
    return replace(heads, weights_sha256=hashlib.sha256(data).hexdigest())


def save_heads(folder: Path, heads: Heads) -> str:
    """Write the two files; what was there is replaced.

    Returns:
        SHA-256 of the tensors' file, in hex.

    Raises:
        SetupError: the folder cannot be written to.
    """
    return save_artefact(folder, FILE, _to_tensors(heads), _to_card(heads))


def load_heads(folder: Path) -> Heads:
    """The heads in a folder, checked.

    Raises:
        SetupError: there are none.
        IntegrityError: a file is damaged, cut short or not the one its card was written with; the message names it.
    """
    tensors, card = load_artefact(folder, FILE)
    path = find_card(folder, FILE)
    if card.get("kind") != KIND:
        raise IntegrityError(f"{path} is not a card of heads but of {card.get('kind')}; give the right folder")
    try:
        heads = _from_card(tensors, card)
        _check_shapes(heads)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise IntegrityError(
            f"{path} does not describe the weights beside it ({type(error).__name__}: {error}); restore both files, or "
            "train again"
        ) from error
    return heads


def _to_tensors(heads: Heads) -> dict[str, NDArray[Any]]:
    tensors: dict[str, NDArray[Any]] = {name: getattr(heads.model, name) for name in _OUTPUT}
    for number, layer in enumerate(heads.model.layers):
        tensors |= {f"layer.{number}.{name}": getattr(layer, name) for name in _LAYER}
    for name, preparation in heads.model.preparations.items():
        tensors[f"{name}.projection"] = preparation.projection
        tensors[f"{name}.offset"] = preparation.offset
    for name, thresholds in heads.thresholds.items():
        tensors[f"threshold.{name}"] = thresholds
    tensors["vector.columns"] = heads.recipe.columns
    if heads.recipe.packing is not None:
        tensors["vector.packing"] = heads.recipe.packing
    if heads.outliers is not None:
        tensors |= {f"{_OUTLIER}{name}": array for name, array in heads.outliers.to_arrays().items()}
    return tensors


def _to_card(heads: Heads) -> dict[str, Any]:
    return {
        "kind": KIND,
        "encoders": [
            {
                **asdict(space),
                "power": heads.model.preparations[space.name].power,
                "parts": heads.model.preparations[space.name].parts,
            }
            for space in heads.spaces
        ],
        "attributes": [asdict(attribute) for attribute in heads.schema.attributes],
        "passed_over": dict(heads.schema.passed_over),
        "calibrations": {name: asdict(each) for name, each in heads.calibrations.items()},
        "layers": len(heads.model.layers),
        "vector_weights": dict(heads.recipe.weights),
        "outliers": heads.outliers.settings if heads.outliers is not None else None,
        "fusion_weights": dict(heads.fusion_weights),
        "fingerprint": heads.fingerprint,
        "metrics": dict(heads.metrics),
        "training": dict(heads.training),
    }


def _from_card(tensors: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> Heads:
    attributes = tuple(
        HeadAttribute(
            name=each["name"],
            multi_valued=bool(each["multi_valued"]),
            labels=tuple(each["labels"]),
            left_out=each["left_out"],
        )
        for each in card["attributes"]
    )
    spaces = tuple(
        Space(name=each["name"], dimension=each["dimension"], weights_sha256=each["weights_sha256"])
        for each in card["encoders"]
    )
    preparations = {
        each["name"]: Preparation(
            power=float(each["power"]),
            parts=tuple(each["parts"]),
            projection=tensors[f"{each['name']}.projection"],
            offset=tensors[f"{each['name']}.offset"],
        )
        for each in card["encoders"]
    }
    outliers = {key.removeprefix(_OUTLIER): value for key, value in tensors.items() if key.startswith(_OUTLIER)}
    return Heads(
        schema=HeadSchema(attributes=attributes, passed_over=card["passed_over"]),
        spaces=spaces,
        model=HeadsModel(
            attributes=attributes,
            preparations=preparations,
            layers=tuple(
                HiddenLayer(**{name: tensors[f"layer.{number}.{name}"] for name in _LAYER})
                for number in range(card["layers"])
            ),
            **{name: tensors[name] for name in _OUTPUT},
        ),
        calibrations={name: _to_calibration(each) for name, each in card["calibrations"].items()},
        thresholds={attribute.name: tensors[f"threshold.{attribute.name}"] for attribute in attributes},
        recipe=VectorRecipe(
            weights={name: float(weight) for name, weight in card["vector_weights"].items()},
            columns=tensors["vector.columns"],
            packing=tensors.get("vector.packing"),
        ),
        outliers=OutlierModel.from_arrays(outliers, card["outliers"]) if card["outliers"] is not None else None,
        weights_sha256=card["weights_sha256"],
        fusion_weights=card["fusion_weights"],
        fingerprint=card["fingerprint"],
        metrics=card["metrics"],
        training=card["training"],
    )


def _to_calibration(card: Mapping[str, Any]) -> Calibration:
    return Calibration(
        temperature=float(card["temperature"]),
        curve=tuple((float(x), float(y)) for x, y in card["curve"]),
        error_before=float(card["error_before"]),
        error_after=float(card["error_after"]),
    )


def _check_shapes(heads: Heads) -> None:
    """See that the tensors fit each other and the labels; a ValueError says what does not."""
    model = heads.model
    components = sum(preparation.projection.shape[1] for preparation in model.preparations.values())
    logits = count_logits(model.attributes)
    hidden = sum(len(layer.bias) for layer in model.layers)
    fits = {
        "layers": all(_fits(layer, components) for layer in model.layers),
        "output_weight": model.output_weight.shape == (hidden, logits),
        "output_bias": model.output_bias.shape == (logits,),
        "threshold": all(len(heads.thresholds[each.name]) == len(each.labels) for each in model.attributes),
        "calibrations": all(each.name in heads.calibrations for each in model.attributes),
        "vector_weights": all(each.name in heads.recipe.weights for each in model.attributes),
        "vector.columns": int(heads.recipe.columns.max(initial=0)) < components,
    }
    wrong = [name for name, right in fits.items() if not right]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} do not fit {components} components and {logits} labels")


def _fits(layer: HiddenLayer, components: int) -> bool:
    seen = len(layer.columns)
    return (
        layer.weight.shape == (seen, len(layer.bias)) and 0 <= layer.columns.min() <= layer.columns.max() < components
    )
