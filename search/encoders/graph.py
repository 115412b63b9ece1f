"""Exported graphs on disk: made once from a network's weights, found again by the weights' hash, verified when opened.

A graph is two files in the models folder, `<name>-<weights' hash>-v<export version>.onnx` and a `.json` beside it that
has the graph's own hash. Works with files. Knows nothing of running a graph.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from search.encoder import EncoderCard
from search.encoders.onnx_export import EXPORT_VERSION, ExportTask, export_in_child
from search.encoders.weights import WeightsSource, compute_sha256, fetch_weights, find_weights
from search.errors import IntegrityError, SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecipe:
    """How to make an encoder's graph.

    Attributes:
        builder: `module:function` that builds the torch network; see `search.encoders.onnx_export.ExportTask`.
    """

    card: EncoderCard
    weights: WeightsSource
    builder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph on disk whose hash was verified, and the hash of the weights it was made from."""

    path: Path
    weights_sha256: str


def obtain_graph(recipe: NetworkRecipe, *, models: Path, progress: Callable[[str], None] | None = None) -> Graph:
    """The graph of these weights: the one in `models`, else exported now from weights found or fetched.

    Raises:
        WeightsMissingError: there is no graph, and the weights cannot be had.
        IntegrityError: the graph is damaged and there are no weights here to make it again, or the weights are damaged.
    """
    path = _get_path(recipe, models)
    if path.with_suffix(".json").exists() or path.exists():
        graph = _load_graph(path)
        if graph is not None:
            return graph
        weights = find_weights(recipe.weights, models=models)
        if weights is None:
            raise IntegrityError(
                f"{path} is damaged: it is not the graph whose hash was recorded beside it. Remove it and its .json "
                f"and bring the weights file {recipe.weights.file_name} into {models}, so that it is made again"
            )
        if progress is not None:
            progress(f"{path.name} is damaged; it is made again from {weights}")
        return _export(recipe, weights, path, progress)
    return _export(recipe, obtain_weights(recipe, models=models, progress=progress), path, progress)


def obtain_weights(recipe: NetworkRecipe, *, models: Path, progress: Callable[[str], None] | None = None) -> Path:
    """The weights file on this disk, fetched where it was not there yet.

    Raises:
        WeightsMissingError: it is not here and cannot be fetched.
        IntegrityError: a file of its name is here, but it is not the one.
    """
    found = find_weights(recipe.weights, models=models)
    return found or fetch_weights(recipe.weights, models=models, progress=progress)


def has_graph(recipe: NetworkRecipe, *, models: Path) -> bool:
    """Whether the graph is there and whole, so that the weights are not needed."""
    return _load_graph(_get_path(recipe, models)) is not None


def _get_path(recipe: NetworkRecipe, models: Path) -> Path:
    return models / f"{recipe.card.name}-{recipe.weights.sha256[:12]}-v{EXPORT_VERSION}.onnx"


def _load_graph(path: Path) -> Graph | None:
    """The graph, where it is what was recorded beside it; None where it is damaged or absent."""
    try:
        record = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if compute_sha256(path) == record["graph_sha256"]:
            return Graph(path=path, weights_sha256=str(record["weights_sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _export(recipe: NetworkRecipe, weights: Path, path: Path, progress: Callable[[str], None] | None) -> Graph:
    """Export aside, then rename: first the graph, then its record. Two processes at once write the same bytes."""
    if progress is not None:
        progress(f"making the graph of {recipe.card.name} from {weights}: once, and takes some seconds")
    task = ExportTask(
        builder=recipe.builder,
        weights=str(weights),
        input_size=recipe.card.input_size,
        mean=recipe.card.mean,
        std=recipe.card.std,
    )
    aside = path.with_suffix(f".onnx.{os.getpid()}.tmp")
    record = path.with_suffix(f".json.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        export_in_child(task, aside)
        hashes = {"graph_sha256": compute_sha256(aside), "weights_sha256": compute_sha256(weights)}
        record.write_text(json.dumps(hashes, indent=2), encoding="utf-8")
        aside.replace(path)
        record.replace(path.with_suffix(".json"))
    except OSError as error:
        raise SetupError(
            f"the graph of {recipe.card.name} cannot be written to {path.parent}: {error}. "
            "Make that folder writable, or choose another models folder",
            code="models_not_writable",
        ) from error
    finally:
        for left in (aside, record):
            with contextlib.suppress(OSError):
                left.unlink()
    return Graph(path=path, weights_sha256=hashes["weights_sha256"])
