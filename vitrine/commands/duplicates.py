"""`vitrine duplicates`: photos of the catalogue that show the same picture."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

from rich.table import Table

from indexer.duplicates import DuplicateReport, DuplicateRule, find_duplicates
from search.errors import QueryError
from vitrine.commands.export import to_cell
from vitrine.console import out as console
from vitrine.console import print_json, say
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

SUFFIXES = (".csv", ".jsonl")
COLUMNS = ("group", "exact", "bits", "similarity", "id", "index", "title", "link", "sha256")
LONGEST_TITLE = 60


def report_duplicates(settings: Settings, rule: DuplicateRule, *, limit: int, out: Path | None, as_json: bool) -> None:
    """Print the groups as a table or as JSON, or write them to a file by its suffix.

    A CSV file has a row for each photo, a .jsonl file a line for each group; JSON and files have all the groups.

    Args:
        limit: groups of the table.

    Raises:
        NotFoundError: nothing was indexed here yet.
        QueryError: a suffix that is no format, or a rule that nearly everything fulfils.
    """
    _check_file(out)
    with open_catalogue(settings) as catalogue:
        backbone = catalogue.manifest.spaces[0].name
        report = find_duplicates(catalogue.store, catalogue.thumbnails, backbone, rule)
    if out is not None:
        _write_file(report, out)
        say(f"{len(report.groups)} groups written to {out}")
    if as_json:
        print_json(report.to_wire())
    elif out is None:
        print_duplicates(report, limit)


def print_duplicates(report: DuplicateReport, limit: int) -> None:
    """A table with a line for each photo, group by group."""
    photos = sum(len(group.photos) for group in report.groups)
    console.print(
        f"{report.photos} photos looked at: {len(report.groups)} groups, {photos} photos in them", markup=False
    )
    if report.unmeasured:
        console.print(f"{report.unmeasured} without hash and thumbnail, compared by their bytes only", markup=False)
    if not report.groups:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("group", "bits", "similarity", "item", "photo", "title"):
        table.add_column(heading)
    for number, group in enumerate(report.groups[:limit], start=1):
        for place, photo in enumerate(group.photos):
            likeness = ("same file", "") if group.exact else (str(group.bits), f"{group.similarity:.3f}")
            head = (str(number), *likeness) if place == 0 else ("", "", "")
            title = photo.title if len(photo.title) <= LONGEST_TITLE else photo.title[: LONGEST_TITLE - 1] + "…"
            table.add_row(*head, photo.item_id, str(photo.index), title)
    console.print(table, markup=False)
    if len(report.groups) > limit:
        console.print(f"{len(report.groups) - limit} more groups: --limit, --json or --out shows them", markup=False)


def _check_file(path: Path | None) -> None:
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        raise QueryError(f"{path} ends in {path.suffix!r}; duplicates are written as {' or '.join(SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise QueryError(f"there is no folder {path.parent} to write {path.name} into; make it first")


def _write_file(report: DuplicateReport, path: Path) -> None:
    # Written aside and renamed: a reader never sees half a report.
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            if path.suffix.lower() == ".jsonl":
                file.writelines(json.dumps(group.to_wire(), ensure_ascii=False) + "\n" for group in report.groups)
            else:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(_list_rows(report))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _list_rows(report: DuplicateReport) -> list[dict[str, object]]:
    rows = []
    for number, group in enumerate(report.groups, start=1):
        for photo in group.photos:
            row: dict[str, object] = {
                "group": number,
                "exact": group.exact,
                "bits": group.bits,
                "similarity": round(group.similarity, 4),
                "id": photo.item_id,
                "index": photo.index,
                "title": photo.title,
                "link": photo.link,
                "sha256": photo.sha256,
            }
            rows.append({name: to_cell(value) for name, value in row.items()})
    return rows
