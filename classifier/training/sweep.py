"""A sweep: one network trained with every combination of some settings, compared on the validation images. Needs torch.

A finished cell is a small file and is never trained again; one that was stopped goes on from its checkpoint. Only
training and validation images come here, so nothing is chosen by the test.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.data.images import LabelledImages
from classifier.networks.card import Shape
from classifier.networks.network import build_network
from classifier.training.checkpoints import Checkpoints
from classifier.training.engine import Progress, train_network
from classifier.training.grid import (
    CellResult,
    Grid,
    Value,
    list_cells,
    rank_results,
    to_csv,
    to_json_text,
    to_markdown,
)
from classifier.training.settings import TrainingSettings, to_json
from search.errors import InputError, SetupError

Tell = Callable[[int, int, Mapping[str, Value], Progress], None]
"""Told after every step: cell from 1, number of cells, its values, and how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOutcome:
    """What a sweep came to.

    Attributes:
        results: of the finished cells, best first.
        trained: how many of them were trained now; the others were there already.
        complete: False where the sweep was asked to stop; it goes on when it is run again.
    """

    results: Sequence[CellResult]
    trained: int
    complete: bool


def run_sweep(
    network: str,
    train: LabelledImages,
    val: LabelledImages,
    base: TrainingSettings,
    grid: Grid,
    *,
    folder: Path,
    pretrained: bool = False,
    tell: Tell | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SweepOutcome:
    """Train every cell that is not in the folder yet; `sweep.md`, `sweep.csv` and `sweep.json` are kept up to date.

    A cell in which training fails, as with a rate that is too high, is a row with its reason, and the sweep goes on.

    Args:
        network: its name in the registry.
        base: settings that are the same in all cells.
        grid: the settings that differ, with the values to try.
        folder: of the tables, the finished cells and the checkpoints; made where it is missing.
        pretrained: start each cell from the weights the network's card names.

    Raises:
        InputError: a value is out of its range, or there are no images to train on or to choose by.
        SetupError: there is no such network, its weights cannot be had, or the folder cannot be written to.
    """
    if not (len(train) and len(val)):
        raise InputError(f"{train.name} has {len(train)} images and {val.name} has {len(val)}; both need some")
    about = {
        "network": network,
        "shape": list(train.shape),
        "pretrained": pretrained,
        "train": [train.name, len(train), train.fingerprint],
        "val": [val.name, len(val), val.fingerprint],
    }
    cells = list_cells(base, grid)
    results: list[CellResult] = []
    trained = 0
    for number, (values, settings) in enumerate(cells, 1):
        identity = {**about, "settings": to_json(settings)}
        kept = folder / "cells" / f"{_compute_key(identity)}.json"
        result = _load_result(kept, values)
        if result is None:
            if should_stop():
                break

            def note(progress: Progress, number: int = number, values: Mapping[str, Value] = values) -> None:
                if tell is not None:
                    tell(number, len(cells), values, progress)

            checkpoints = Checkpoints(kept.with_suffix(""), identity)
            result = _train_cell(identity, values, settings, train, val, checkpoints, note, should_stop)
            if result is None:
                break
            _write(kept, json.dumps(asdict(result), ensure_ascii=False, allow_nan=False))
            checkpoints.drop()
            with suppress(OSError):  # no checkpoint was due, or somebody keeps a file there
                checkpoints.folder.rmdir()
            trained += 1
        results.append(result)
        _write_tables(folder, results, {**about, "base": to_json(base), "grid": {k: list(v) for k, v in grid.items()}})
    return SweepOutcome(results=rank_results(results), trained=trained, complete=len(results) == len(cells))


def _train_cell(
    identity: Mapping[str, Any],
    values: Mapping[str, Value],
    settings: TrainingSettings,
    train: LabelledImages,
    val: LabelledImages,
    checkpoints: Checkpoints,
    tell: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> CellResult | None:
    """What the cell came to; None where it was asked to stop."""
    shape = Shape(size=train.shape[0], channels=train.shape[2])
    heads = {name: len(labels) for name, labels in train.attributes.items()}
    network = build_network(identity["network"], shape, heads, seed=settings.seed, pretrained=identity["pretrained"])
    try:
        outcome = train_network(
            network, train, val, settings, checkpoints=checkpoints, tell=tell, should_stop=should_stop
        )
    except InputError as error:
        return CellResult(
            values=values, score=None, val_loss=None, attributes={}, epoch=0, epochs=0, took_s=0, problem=error.message
        )
    if not outcome.complete or outcome.best is None:
        return None
    return CellResult(
        values=values,
        score=outcome.best["score"],
        val_loss=outcome.best["val_loss"],
        attributes=outcome.best["attributes"],
        epoch=outcome.best["epoch"],
        epochs=len(outcome.history),
        took_s=sum(entry["took_s"] for entry in outcome.history),
    )


def _compute_key(identity: Mapping[str, Any]) -> str:
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _load_result(kept: Path, values: Mapping[str, Value]) -> CellResult | None:
    """What a former run found; None where there is nothing, or nothing whole."""
    try:
        return CellResult(**{**json.loads(kept.read_text("utf-8")), "values": values})
    except (OSError, ValueError, TypeError):
        return None


def _write_tables(folder: Path, results: Sequence[CellResult], about: Mapping[str, Any]) -> None:
    title = f"{about['network']} on {about['train'][0]}"
    _write(folder / "sweep.json", to_json_text(results, about))
    _write(folder / "sweep.csv", to_csv(results))
    _write(folder / "sweep.md", to_markdown(results, title=title))


def _write(path: Path, text: str) -> None:
    """Aside and then renamed."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, "utf-8")
        aside.replace(path)
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error}); free space, or give another folder") from error
    finally:
        aside.unlink(missing_ok=True)
