"""What is known of an OpenCLIP model once its graphs were made: one JSON file beside them in the models folder.

A model is three files, `<space>-v<version>.json` and the two graphs the JSON names with their hashes, one of photos and
one of texts; the graphs' names hold the hash of the weights. Works with those files. Knows nothing of how they come to
be.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from search.embedding import Space
from search.encoder import EncoderCard
from search.encoders.weights import compute_sha256
from search.errors import IntegrityError

VERSION = 1
"""Part of the files' names: raised when what is exported, or what is recorded, changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFile:
    """One graph, beside its record."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRecord:
    """A model with its weights, as it was exported.

    Attributes:
        space: name of the space.
        source: where the weights came from, for a reader.
        licence: SPDX identifier of the weights' licence, or a reference to where it is told.
        weights_sha256: of the weights' file.
        dimension: numbers of an embedding.
        input_size: side of the square the photo graph sees, pixels.
        mean, std: per channel RGB, on values in [0, 1]; built into the graph.
        interpolation: Pillow resampling filter, `bilinear` or `bicubic`.
        context_length: tokens of a text.
        clean: how a text is cleaned before it is cut into tokens; see `search.encoders.clip_tokens`.
        photos: graph from `photos`, uint8 (N, side, side, 3), to `pool` (N, dimension) and `map` (N, dimension, h, w).
        texts: graph from `tokens`, int64 (N, context length), to `text` (N, dimension).
    """

    space: str
    source: str
    licence: str
    weights_sha256: str
    dimension: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    context_length: int
    clean: str
    photos: GraphFile
    texts: GraphFile

    def to_space(self) -> Space:
        """The space of its embeddings."""
        return Space(name=self.space, dimension=self.dimension, weights_sha256=self.weights_sha256)

    def to_card(self) -> EncoderCard:
        """The card of its photo side."""
        return EncoderCard(
            name=self.space,
            dimension=self.dimension,
            input_size=self.input_size,
            mean=self.mean,
            std=self.std,
            interpolation=self.interpolation,
            licence=self.licence,
            source=self.source,
            weights_sha256=self.weights_sha256,
            summary=f"OpenCLIP, photos and texts in one space: {self.dimension} numbers",
        )


def find_record(space: str, models: Path) -> Path:
    """Where the record of a space is, whether it is there or not."""
    return models / f"{space}-v{VERSION}.json"


def load_record(space: str, models: Path) -> ClipRecord | None:
    """The record of a space; None where there is none, or it cannot be read."""
    try:
        raw = json.loads(find_record(space, models).read_text("utf-8"))
        for name in ("photos", "texts"):
            raw[name] = GraphFile(**raw[name])
        for name in ("mean", "std"):
            raw[name] = tuple(raw[name])
        return ClipRecord(**raw)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save_record(record: ClipRecord, folder: Path) -> Path:
    """Write the record into a folder; its path."""
    path = find_record(record.space, folder)
    path.write_text(json.dumps(asdict(record), indent=2), encoding="utf-8")
    return path


def is_whole(graph: GraphFile, models: Path) -> bool:
    """Whether a graph is there and is the one recorded."""
    path = models / graph.name
    return path.is_file() and compute_sha256(path) == graph.sha256


def check_graph(graph: GraphFile, models: Path) -> Path:
    """Where a graph is.

    Raises:
        IntegrityError: it is not there, or is not the one recorded.
    """
    if not is_whole(graph, models):
        raise IntegrityError(
            f"{models / graph.name} is damaged or gone: it is not the graph whose hash was recorded beside it. Remove "
            "it, and give the model once more ('vitrine index FEED --clip MODEL/TAG'), so that it is made again"
        )
    return models / graph.name
