"""`vitrine export`: the catalogue's items as JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import polars as pl

from search.catalogue import Catalogue
from search.errors import QueryError
from search.filters import Filter, parse_filter
from search.paging import read_points
from search.store import StoredPoint
from vitrine.console import say
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that starts so for a formula; in CSV such a cell gets a quote before it (OWASP)."""

Row = Mapping[str, object]


def export_items(settings: Settings, to: Path | None, filters: Sequence[str], *, vectors: bool) -> None:
    """Write every item the filters let through, to standard output as JSON lines or to a file by its suffix.

    Raises:
        QueryError: a suffix that is no format.
    """
    suffix = ".jsonl" if to is None else to.suffix.lower()
    if suffix not in (".jsonl", ".csv", ".parquet"):
        raise QueryError(f"{to} ends in {suffix!r}; items are written as .jsonl, .csv or .parquet")
    if to is not None and not to.absolute().parent.is_dir():
        raise QueryError(f"there is no folder {to.parent} to write {to.name} into; make it first")
    if vectors and suffix == ".csv":
        raise QueryError("CSV has no place for vectors; write .jsonl or .parquet, or leave --vectors out")
    with open_catalogue(settings) as catalogue:
        conditions = parse_filter(filters, catalogue.manifest.attributes)
        rows = _read_rows(catalogue, conditions, vectors=vectors)
        if to is None:
            count = _write_json_lines(rows, sys.stdout)
        else:
            # Written aside and renamed: a reader never sees half an export.
            aside = to.with_name(f"{to.name}.{os.getpid()}.tmp")
            try:
                count = _write_file(rows, aside, suffix, catalogue)
                aside.replace(to)
            finally:
                aside.unlink(missing_ok=True)
    say(f"{count} items written")


def _read_rows(catalogue: Catalogue, conditions: Filter, *, vectors: bool) -> Iterator[Row]:
    spaces = [space.name for space in catalogue.manifest.spaces] if vectors else []
    for point in read_points(catalogue.store, conditions, spaces=spaces):
        row = {**point.item.to_wire(), **_list_predicted(point)}
        if vectors:
            row["vectors"] = {name: vector.tolist() for name, vector in point.vectors.items()}
        yield row


def _list_predicted(point: StoredPoint) -> dict[str, object]:
    """What the classifier accepted, apart from what the shop says, as `predicted.color`: a list of several."""
    accepted = {f"predicted.{name}": list(prediction.accepted) for name, prediction in point.predictions.items()}
    return {name: labels if len(labels) > 1 else labels[0] for name, labels in accepted.items() if labels}


def _write_file(rows: Iterator[Row], path: Path, suffix: str, catalogue: Catalogue) -> int:
    if suffix == ".parquet":
        return _write_parquet(rows, path)
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
        return _write_json_lines(rows, out) if suffix == ".jsonl" else _write_csv(rows, out, catalogue)


def _write_json_lines(rows: Iterator[Row], out: TextIO) -> int:
    count = 0
    for row in rows:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_csv(rows: Iterator[Row], out: TextIO, catalogue: Catalogue) -> int:
    predicted = [f"predicted.{name}" for name in sorted(catalogue.manifest.list_predicted())]
    names = ["id", *catalogue.manifest.attributes, *predicted, "image_link", "additional_image_link"]
    writer = csv.DictWriter(out, names, extrasaction="ignore")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow({name: to_cell(value) for name, value in row.items()})
        count += 1
    return count


def to_cell(value: object) -> object:
    """A value as a CSV cell that no spreadsheet runs."""
    text = "/".join(map(str, value)) if isinstance(value, list) else value
    return "'" + text if isinstance(text, str) and text.startswith(FORMULA_STARTS) else text


def _write_parquet(rows: Iterator[Row], path: Path) -> int:
    flat: list[dict[str, Any]] = []
    for row in rows:
        vectors = row.get("vectors", {})
        assert isinstance(vectors, dict)
        flat.append({k: v for k, v in row.items() if k != "vectors"} | {f"vector_{n}": v for n, v in vectors.items()})
    # A value that is a word here and a list there becomes a list everywhere: a column has one type.
    lists = {name for row in flat for name, value in row.items() if isinstance(value, list)}
    for row in flat:
        for name in lists & row.keys():
            if not isinstance(row[name], list):
                row[name] = [row[name]]
    pl.DataFrame(flat, infer_schema_length=None).write_parquet(path)
    return len(flat)
