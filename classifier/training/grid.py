"""The cells of a sweep, and what they came to: which settings are tried, which are best, and how that is written.

Loads nothing heavy. Knows nothing of networks, of images or of how a cell is trained.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from classifier.training.settings import TrainingSettings, from_json, to_json
from search.errors import InputError

MAX_CELLS = 1_000

Value = str | int | float | bool
Grid = Mapping[str, Sequence[Value]]
"""The values to be tried, by the name of a training setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """What one cell came to.

    Attributes:
        values: of the settings that differ between cells.
        score: on the validation images, of the best epoch; None where training failed.
        val_loss: of that epoch.
        attributes: the score's parts.
        epoch: the best one.
        epochs: how many were run.
        took_s: all of them.
        problem: why training failed; empty where it did not.
    """

    values: Mapping[str, Value]
    score: float | None
    val_loss: float | None
    attributes: Mapping[str, float]
    epoch: int
    epochs: int
    took_s: float
    problem: str = ""


def parse_grid(texts: Sequence[str]) -> Grid:
    """A grid from `NAME=VALUE,VALUE`, such as `batch=64,128`.

    Raises:
        InputError: not of that form, no such setting, a value it cannot have, or one that comes twice.
    """
    grid: dict[str, Sequence[Value]] = {}
    for text in texts:
        name, equals, listed = (part.strip() for part in text.partition("="))
        values = tuple(parse_value(name, value.strip()) for value in listed.split(",") if value.strip())
        if not (equals and name and values):
            raise InputError(f"{text!r} is not of the form NAME=VALUE,VALUE, such as batch=64,128")
        if name in grid or len(set(values)) < len(values):
            raise InputError(f"{text!r} names a setting or a value twice; write each once")
        grid[name] = values
    return grid


def parse_value(name: str, text: str) -> Value:
    """One value of a training setting.

    Raises:
        InputError: there is no such setting, or the text is not of its kind.
    """
    plain = asdict(TrainingSettings())
    if name not in plain:
        raise InputError(f"there is no training setting {name!r}; there are {', '.join(plain)}")
    kind = type(plain[name])
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        value: Value = kind(text)
    except (KeyError, ValueError):
        known = ", ".join(kind) if issubclass(kind, StrEnum) else {bool: "true or false"}.get(kind, kind.__name__)
        raise InputError(f"{name} cannot be {text!r}; it is {known}") from None
    return str(value) if isinstance(value, StrEnum) else value


def list_cells(base: TrainingSettings, grid: Grid) -> list[tuple[Mapping[str, Value], TrainingSettings]]:
    """Every combination, in the order of the grid, with the settings it stands for.

    Args:
        base: settings that are the same in all of them.

    Raises:
        InputError: there are more than `MAX_CELLS`, or a value is out of its range.
    """
    count = math.prod(len(values) for values in grid.values())
    if count > MAX_CELLS:
        raise InputError(f"the grid has {count:,} cells, at most {MAX_CELLS:,} are trained; name fewer values")
    cells: list[tuple[Mapping[str, Value], TrainingSettings]] = []
    for combination in itertools.product(*grid.values()):
        values = dict(zip(grid, combination, strict=True))
        cells.append((values, from_json({**to_json(base), **values})))
    return cells


def fix_settings(recipe: TrainingSettings, texts: Sequence[str]) -> TrainingSettings:
    """A recipe with `NAME=VALUE` in place of its own.

    Raises:
        InputError: as `parse_grid`, or one of them has several values.
    """
    cells = list_cells(recipe, parse_grid(texts))
    if len(cells) > 1:
        raise InputError(f"{', '.join(texts)} gives several values where one is fixed; those to try go into a grid")
    return cells[0][1]


def rank_results(results: Sequence[CellResult]) -> list[CellResult]:
    """Best first: by score, of equal ones by loss; those that failed last. Equals stay in order."""
    return sorted(results, key=lambda r: (r.score is None, -(r.score or 0.0), r.val_loss or 0.0))


def to_rows(results: Sequence[CellResult]) -> list[dict[str, Any]]:
    """One flat dictionary a cell, best first."""
    return [
        {
            **result.values,
            "score": result.score,
            **({f"score_{name}": value for name, value in result.attributes.items()} if _differ(results) else {}),
            "val_loss": result.val_loss,
            "epoch": result.epoch,
            "epochs": result.epochs,
            "took_s": round(result.took_s, 1),
            "problem": result.problem,
        }
        for result in rank_results(results)
    ]


def to_csv(results: Sequence[CellResult]) -> str:
    """A table with a header, best cell first."""
    rows = to_rows(results)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def to_markdown(results: Sequence[CellResult], *, title: str) -> str:
    """A page with the same table."""
    rows = to_rows(results)
    names = list(
        dict.fromkeys(name for row in rows for name in row if any(r.get(name) not in (None, "") for r in rows))
    )
    lines = [f"# {title}", "", _to_line(names), _to_line(["---"] * len(names))]
    lines += [_to_line([_show(row.get(name)) for name in names]) for row in rows]
    return "\n".join([*lines, "", "Score and loss are of the validation images, of each cell's best epoch.", ""])


def to_json_text(results: Sequence[CellResult], about: Mapping[str, Any]) -> str:
    """What the sweep was of, and its cells, best first."""
    cells = [asdict(result) for result in rank_results(results)]
    return json.dumps({**about, "cells": cells}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _differ(results: Sequence[CellResult]) -> bool:
    """Whether the scores have parts worth a column."""
    return any(len(result.attributes) > 1 for result in results)


def _show(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _to_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
