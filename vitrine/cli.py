"""The command line: what each command is called, what it takes, and which function does it.

Commands import what they need when they run, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrine import __version__
from vitrine.cli_classifier import add_commands
from vitrine.cli_evaluate import add_measuring, evaluate_app
from vitrine.cli_explore import add_explore_commands
from vitrine.cli_options import Feed, Filters, Json, Mapping, get_settings
from vitrine.cli_photo import add_photo_commands
from vitrine.cli_search import add_search
from vitrine.cli_snn import snn_app
from vitrine.console import errors_as_exit_codes
from vitrine.settings import load_settings

app = typer.Typer(
    name="vitrine",
    help="A visual search engine for product catalogues.\n\n"
    "Example: vitrine index products.csv; vitrine search --photo shoe.jpg --filter color=Red; vitrine serve",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(snn_app, name="snn")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vitrine {__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Data directory; VITRINE_DATA where not given.")] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Read the settings once, for every command."""
    with errors_as_exit_codes():
        context.obj = load_settings(data)


@app.command()
def index(
    context: typer.Context,
    feed: Feed,
    mapping: Mapping = None,
    encoder: Annotated[str | None, typer.Option(help="Backbone of a new catalogue: auto, or a name.")] = None,
    clip: Annotated[str | None, typer.Option(help="CLIP beside it: MODEL/TAG or MODEL/file:PATH.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show mapping and problems; write nothing.")] = False,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Threads that decode; 0 for one a core.")] = 0,
    json: Json = False,
) -> None:
    """Index a feed: new and changed items are embedded, unchanged ones skipped. Run it again to go on or update."""
    from vitrine.commands.index import index_feed, survey

    with errors_as_exit_codes():
        if dry_run:
            survey(get_settings(context), feed, mapping or [], as_json=json)
        else:
            index_feed(get_settings(context), feed, mapping or [], encoder, clip, workers=workers, as_json=json)


@app.command()
def info(context: typer.Context, json: Json = False) -> None:
    """Show what the catalogue holds and what it was built with."""
    from vitrine.commands.inspect import show_info

    with errors_as_exit_codes():
        show_info(get_settings(context), as_json=json)


@app.command()
def doctor(context: typer.Context, json: Json = False) -> None:
    """Check the set-up and the catalogue: every check, what it found, and what to do about it."""
    from vitrine.commands.doctor import run_doctor

    with errors_as_exit_codes():
        run_doctor(get_settings(context), as_json=json)


@app.command()
def duplicates(
    context: typer.Context,
    max_bits: Annotated[
        int, typer.Option(min=0, max=24, help="Bits of 64 that the hashes of near duplicates may differ in.")
    ] = 6,
    min_similarity: Annotated[
        float, typer.Option(min=0, max=1, help="Least cosine of their embeddings in the backbone's space.")
    ] = 0.97,
    exact: Annotated[bool, typer.Option("--exact", help="Only files with the same bytes.")] = False,
    same_item: Annotated[bool, typer.Option("--same-item", help="Also photos that are all of one item.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Groups in the table.")] = 20,
    to: Annotated[Path | None, typer.Option("--out", help="File to write: .csv or .jsonl.")] = None,
    json: Json = False,
) -> None:
    """Show photos of different items that are the same picture, or nearly."""
    from indexer.duplicates import DuplicateRule
    from vitrine.commands.duplicates import report_duplicates

    rule = DuplicateRule(max_bits=None if exact else max_bits, min_similarity=min_similarity, within_items=same_item)
    with errors_as_exit_codes():
        report_duplicates(get_settings(context), rule, limit=limit, out=to, as_json=json)


@app.command()
def export(
    context: typer.Context,
    to: Annotated[Path | None, typer.Option("--out", help="File to write: .jsonl, .csv or .parquet.")] = None,
    filters: Filters = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="With the embeddings (not in CSV).")] = False,
) -> None:
    """Write the catalogue's items: JSON lines on standard output, or a file."""
    from vitrine.commands.export import export_items

    with errors_as_exit_codes():
        export_items(get_settings(context), to, filters or [], vectors=vectors)


@app.command()
def delete(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of items.")] = None,
    filters: Filters = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete items, by id or by filter."""
    from vitrine.commands.delete import delete_items

    with errors_as_exit_codes():
        delete_items(get_settings(context), ids or [], filters or [], sure=yes, as_json=json)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0 for any free one.")] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help='File to write {"url": ...} to once the server listens.')
    ] = None,
) -> None:
    """Serve the page and the HTTP API."""
    from vitrine.commands.serve import serve_catalogue

    with errors_as_exit_codes():
        serve_catalogue(get_settings(context), host=host, port=port, ready_file=ready_file)


@app.command()
def demo(
    context: typer.Context,
    items: Annotated[int, typer.Option(min=12, max=60_000, help="How many items to make.")] = 2_000,
    source: Annotated[Path | None, typer.Option(help="Folder that holds the Fashion-MNIST files.")] = None,
    drawn: Annotated[bool, typer.Option("--drawn", help="Draw the catalogue; fetch nothing.")] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the example search.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0 for any free one.")] = None,
) -> None:
    """Make a small catalogue, index it, search it once, and serve the page."""
    from vitrine.commands.demo import run_demo

    with errors_as_exit_codes():
        run_demo(get_settings(context), items=items, source=source, drawn=drawn, serve=not no_serve, port=port)


add_measuring(app)
add_commands(app, evaluate_app)
add_explore_commands(app)
add_search(app)
add_photo_commands(app)
