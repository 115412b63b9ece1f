"""Options that several commands take, and the settings every command gets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrine.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", "-f", help="color=Red, color=Red,Blue, brand!=Acme, price<50. May be repeated."),
]
Weights = Annotated[
    list[str] | None,
    typer.Option("--weight", "-w", help="SPACE=NUMBER: how much a space counts. May be repeated."),
]
Mapping = Annotated[
    list[str] | None,
    typer.Option("--map", "-m", help="FIELD=COLUMN: where a field stands in the feed. May be repeated."),
]
Feed = Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet file, or a folder of photos.")]


def get_settings(context: typer.Context) -> Settings:
    """The settings the program was started with."""
    settings = context.obj
    assert isinstance(settings, Settings)
    return settings
