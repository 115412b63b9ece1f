"""The command line about single photos: parts of one that are worth asking about, and why a hit is one.

Commands import what they need when they run, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrine.cli_options import Json, Weights, get_settings
from vitrine.console import errors_as_exit_codes


def add_photo_commands(app: typer.Typer) -> None:
    """The commands `regions` and `explain`."""
    app.command()(regions)
    app.command()(explain)


def regions(photo: Annotated[Path, typer.Argument(help="A photo's file.")], json: Json = False) -> None:
    """Suggest regions of a photo to search with: its product, separate things, parts of a person."""
    from vitrine.commands.regions import show_regions

    with errors_as_exit_codes():
        show_regions(photo, as_json=json)


def explain(
    context: typer.Context,
    hit: Annotated[str, typer.Argument(help="Id of the item found.")],
    photo: Annotated[Path | None, typer.Option(help="The photo that was asked about.")] = None,
    item: Annotated[str | None, typer.Option(help="The item that was asked about.")] = None,
    text: Annotated[str | None, typer.Option(help="The words that were asked with.")] = None,
    region: Annotated[
        str | None, typer.Option(help="left,top,right,bottom of the photo, as shares of its sides.")
    ] = None,
    photo_index: Annotated[
        int | None, typer.Option(min=0, max=10_000, help="Which photo of the item found, 0 for the main one.")
    ] = None,
    weight: Weights = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="File to draw both photos to, with the heat over them: .png.")
    ] = None,
    json: Json = False,
) -> None:
    """Say why an item is a hit: parts of its score, attributes or words, colours, and where it comes from."""
    from vitrine.commands.explain import Question, explain_hit

    question = Question(
        hit=hit,
        photo=photo,
        item=item,
        text=text,
        region=region,
        photo_index=photo_index,
        weights=tuple(weight or ()),
        to=to,
    )
    with errors_as_exit_codes():
        explain_hit(get_settings(context), question, as_json=json)
