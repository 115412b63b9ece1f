"""What an evaluation leaves behind: a folder with a table, JSON and plots, and a table on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from search.errors import SetupError
from vitrine.console import out, say

if TYPE_CHECKING:
    from indexer.evaluation_tables import Rows


def write_evaluation(folder: Path, name: str, wire: object, tables: Sequence[Rows], plots: Mapping[str, bytes]) -> None:
    """Write `<name>.json`, `<name>.md` and a PNG for each plot.

    Raises:
        SetupError: the folder cannot be written to.
    """
    from indexer.evaluation_tables import to_table

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(wire, indent=1, allow_nan=False, ensure_ascii=False), "utf-8")
        (folder / f"{name}.md").write_text("\n".join(map(to_table, tables)), "utf-8")
        for title, png in plots.items():
            (folder / f"{title}.png").write_bytes(png)
    except OSError as error:
        raise SetupError(f"{folder} cannot be written to ({error}); free space, or give another folder") from error
    say(f"table, JSON and plots are in {folder}")


def print_rows(rows: Rows) -> None:
    """A table on the terminal."""
    headings, cells = rows
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    for row in cells:
        table.add_row(*row)
    out.print(table, markup=False)
