"""What training leaves behind: tensors in a safetensors file, and beside it a JSON card that holds their SHA-256.

Both are written aside and renamed, the card last; a pair that does not belong together is refused by name. Knows
nothing of what the tensors are: `classifier.heads` and `classifier.training` say that in their cards.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import IntegrityError, SetupError

Tensors = Mapping[str, NDArray[np.generic]]

FORMAT = 1
"""Of the card; a card of another format is refused."""


def find_card(folder: Path, name: str) -> Path:
    """Where the card of an artefact is, or would be."""
    return folder / f"{name}.json"


def save_artefact(folder: Path, name: str, tensors: Tensors, card: Mapping[str, Any]) -> str:
    """Write `<folder>/<name>.safetensors` and `<folder>/<name>.json`; what was there is replaced.

    Args:
        card: anything JSON can hold; `format`, `weights` and `weights_sha256` are added.

    Returns:
        The SHA-256 of the tensors' file, 64 hex digits.

    Raises:
        SetupError: the folder cannot be written to.
    """
    # Imported here: not needed to load an artefact.
    from safetensors.numpy import save

    # Not ascontiguousarray, which makes a vector of a single number.
    data = save({key: np.asarray(value, order="C") for key, value in tensors.items()})
    digest = hashlib.sha256(data).hexdigest()
    weights = folder / f"{name}.safetensors"
    text = json.dumps(
        {**card, "format": FORMAT, "weights": weights.name, "weights_sha256": digest},
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_aside(weights, data)
        _write_aside(find_card(folder, name), text.encode())
    except OSError as error:
        raise SetupError(f"{folder} cannot be written to ({error}); free space, or give another folder") from error
    return digest


def load_card(folder: Path, name: str) -> dict[str, Any]:
    """The card alone, tensors unread and unchecked.

    Raises:
        SetupError: it is not there.
        IntegrityError: it is no card, or one of another format.
    """
    path = find_card(folder, name)
    try:
        card = json.loads(path.read_bytes())
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error}); train first, or give the right folder") from error
    except ValueError as error:
        raise IntegrityError(f"{path} is damaged: it is not JSON ({error}); train again, or restore it") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise IntegrityError(f"{path} is not a card of format {FORMAT}; train again with this version")
    return card


def load_artefact(folder: Path, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors, their file's hash verified, and the card.

    Raises:
        SetupError: it is not there.
        IntegrityError: a file is damaged, cut short, or not the one its card was written with; the message names it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    card = load_card(folder, name)
    path = folder / f"{name}.safetensors"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read ({error}), though its card is there; restore it") from error
    found = hashlib.sha256(data).hexdigest()
    if found != card.get("weights_sha256"):
        raise IntegrityError(
            f"{path} is damaged or is another file: its SHA-256 is {found}, its card says "
            f"{card.get('weights_sha256')}; restore both files, or train again"
        )
    try:
        return load(data), card
    except SafetensorError as error:
        raise IntegrityError(f"{path} is not a safetensors file ({error}); train again") from error


def _write_aside(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
