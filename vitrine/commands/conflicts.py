"""`vitrine conflicts`: where the shop's labels and the classifier's disagree, the surest first."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from api.predictions import refuse_classifying
from indexer.conflicts import Conflict, ConflictReport, find_conflicts
from search.errors import QueryError
from search.filters import Source, parse_filter
from search.manifest import Manifest, PredictedAttribute
from vitrine.commands.export import to_cell
from vitrine.console import out as console
from vitrine.console import print_json, say
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

SUFFIXES = (".csv", ".jsonl")
COLUMNS = (
    *("id", "title", "image_link", "attribute", "shop", "predicted", "confidence"),
    *("shop_probability", "unknown_label", "model"),
)
LONGEST_TITLE = 48


def report_conflicts(
    settings: Settings,
    *,
    filters: Sequence[str],
    attributes: Sequence[str],
    min_confidence: float,
    limit: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Print the conflicts as a table or as JSON, or write them to a file by its suffix.

    A file has conflicts and items with labels the classifier does not know alike; `unknown_label` tells them apart.
    Filters are about the shop's own values: it is those that are looked into.

    Raises:
        NotFoundError: `no_classifier`: nothing was predicted yet.
        QueryError: a filter, attribute or suffix that makes no sense.
    """
    _check_file(out)
    with open_catalogue(settings) as catalogue:
        manifest = catalogue.manifest
        report = find_conflicts(
            catalogue.store,
            choose_attributes(manifest, attributes),
            parse_filter(filters, manifest.attributes, source=Source.MERCHANT, predicted=manifest.list_predicted()),
            min_confidence=min_confidence,
            limit=limit,
        )
    if out is not None:
        count = _write_file([*report.conflicts, *report.unknown], out)
        say(f"{count} conflicts written to {out}")
    if as_json:
        print_json(report.to_wire())
    elif out is None:
        print_conflicts(report)


def choose_attributes(manifest: Manifest, wanted: Sequence[str]) -> Mapping[str, PredictedAttribute]:
    """The predicted attributes that were asked for; all that have one value where none was.

    Raises:
        NotFoundError: `no_classifier`.
        QueryError: an attribute that is not predicted, or has several values.
    """
    if manifest.classifier is None:
        raise refuse_classifying()
    single = {name: each for name, each in manifest.classifier.attributes.items() if not each.multi_valued}
    for name in wanted:
        if name not in single:
            reason = "has several values at once" if name in manifest.list_predicted() else "is not predicted"
            raise QueryError(f"{name!r} {reason}; conflicts are found in: {', '.join(sorted(single)) or 'nothing'}")
    return {name: single[name] for name in wanted} if wanted else single


def print_conflicts(report: ConflictReport) -> None:
    """Two tables and what they are a part of."""
    compared = ", ".join(f"{name} of {count}" for name, count in report.compared.items())
    console.print(f"compared: {compared or 'nothing'} items with both a label and a prediction", markup=False)
    _print_table(f"{report.found} conflicts, the surest first", report.conflicts)
    _print_table(f"{report.found_unknown} labels that the classifier does not know", report.unknown)


def _print_table(title: str, conflicts: Sequence[Conflict]) -> None:
    shown = f" ({len(conflicts)} shown)" if conflicts else ""
    console.print(f"\n{title}{shown}", markup=False)
    if not conflicts:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("item", "title", "attribute", "shop", "predicted", "confidence", "shop's label"):
        table.add_column(heading)
    for each in conflicts:
        cells = (
            each.item_id,
            each.title if len(each.title) <= LONGEST_TITLE else each.title[: LONGEST_TITLE - 1] + "…",
            each.attribute,
            "/".join(each.shop_values),
            each.predicted,
            f"{each.confidence:.3f}",
            "-" if each.shop_probability is None else f"{each.shop_probability:.3f}",
        )
        table.add_row(*cells)
    console.print(table, markup=False)


def _check_file(path: Path | None) -> None:
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        raise QueryError(f"{path} ends in {path.suffix!r}; conflicts are written as {' or '.join(SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise QueryError(f"there is no folder {path.parent} to write {path.name} into; make it first")


def _write_file(conflicts: Sequence[Conflict], path: Path) -> int:
    # Written aside and renamed: a reader never sees half a report.
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            rows = [conflict.to_wire() for conflict in conflicts]
            if path.suffix.lower() == ".jsonl":
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            else:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows({name: to_cell(value) for name, value in row.items()} for row in rows)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return len(conflicts)
