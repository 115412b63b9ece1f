"""A text tower on disk: one ONNX graph, and a card with its hash, its words and the spaces it speaks of.

Written aside and renamed, the card last. Loading needs neither torch nor open_clip.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.text.encoder import OnnxTextEncoder
from classifier.text.vocabulary import Vocabulary
from search.embedding import Space
from search.errors import IntegrityError, MismatchError, SetupError

FORMAT = 2
CARD = "text.json"
GRAPH = "text.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCard:
    """What there is to know of a text tower.

    Attributes:
        spaces: names and hashes of the spaces, in the order of the graph's output.
        metrics: what it reached on validation pairs.
    """

    vocabulary: Vocabulary
    spaces: tuple[Space, ...]
    metrics: Mapping[str, float]
    version: str = ""
    weights_sha256: str = ""


def save_text(folder: Path, graph: bytes, card: TextCard) -> str:
    """Write a tower into a folder of its version's name under `folder`; returns the version.

    Raises:
        SetupError: the folder cannot be written to.
    """
    digest = hashlib.sha256(graph).hexdigest()
    own = folder / digest[:8]
    wire = {
        "format": FORMAT,
        "weights_sha256": digest,
        "words": card.vocabulary.words,
        "pairs": card.vocabulary.pairs,
        "pieces": card.vocabulary.pieces,
        "spaces": [
            {"name": s.name, "dimension": s.dimension, "weights_sha256": s.weights_sha256, "trained": s.trained}
            for s in card.spaces
        ],
        "metrics": dict(card.metrics),
    }
    try:
        own.mkdir(parents=True, exist_ok=True)
        _write_aside(own / GRAPH, graph)
        _write_aside(own / CARD, json.dumps(wire, ensure_ascii=False).encode())
    except OSError as error:
        raise SetupError(f"{own} cannot be written to: {error}; free space, or use another data directory") from error
    return digest[:8]


def load_text(folder: Path, spaces: Sequence[Space]) -> OnnxTextEncoder:
    """The tower in this folder, ready.

    Raises:
        IntegrityError: a file is missing or damaged.
        MismatchError: `text_encoder_stale`: it speaks of other spaces than these, or is of another format.
    """
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
        if card["format"] != FORMAT:
            raise MismatchError(
                "the text tower is of another version of Vitrine; train it again with 'vitrine train text FEED'",
                code="text_encoder_stale",
            )
        graph = (folder / GRAPH).read_bytes()
        known = tuple(Space(**space) for space in card["spaces"])
        vocabulary = Vocabulary(words=tuple(card["words"]), pairs=tuple(card["pairs"]), pieces=tuple(card["pieces"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"the text tower in {folder} cannot be read ({error}); train it again") from error
    if hashlib.sha256(graph).hexdigest() != card["weights_sha256"]:
        raise IntegrityError(f"{folder / GRAPH} is not the file its card names; train the text tower again")
    there = {space.name: space for space in spaces}
    changed = [space.name for space in known if there.get(space.name) != space]
    if changed:
        raise MismatchError(
            f"the text tower speaks of {', '.join(changed)} as it was before; train it again with "
            "'vitrine train text FEED'",
            code="text_encoder_stale",
        )
    return OnnxTextEncoder(graph, vocabulary, known, version=str(card["weights_sha256"])[:8])


def _write_aside(path: Path, data: bytes) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with aside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(path)
