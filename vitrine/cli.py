"""The command line: what each command is called, what it takes, and which function does it.

Commands import what they need when they run, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.filters import Source
from vitrine import __version__
from vitrine.cli_classifier import add_commands
from vitrine.cli_options import Feed, Filters, Json, Mapping, Weights, get_settings
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
evaluate_app = typer.Typer(help="Measure how good the answers are.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate")
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
            index_feed(get_settings(context), feed, mapping or [], encoder, workers=workers, as_json=json)


@app.command()
def search(
    context: typer.Context,
    photo: Annotated[Path | None, typer.Option(help="Find what looks like this photo.")] = None,
    item: Annotated[str | None, typer.Option(help="Find what looks like this item.")] = None,
    filters: Filters = None,
    facet: Annotated[list[str] | None, typer.Option(help="Count this attribute's values. May be repeated.")] = None,
    weight: Weights = None,
    source: Annotated[
        Source, typer.Option(help="Whose values filters and facets are about, where a classifier has tagged.")
    ] = Source.EITHER,
    classify: Annotated[bool, typer.Option("--classify", help="Say what the classifier sees in the photo.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Hits on a page.")] = 10,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with every photo, without the index.")] = False,
    json: Json = False,
) -> None:
    """Search by photo, by item, or (neither) list what the filters let through."""
    from vitrine.commands.search import Question, search_catalogue

    question = Question(
        photo=photo,
        item=item,
        filters=tuple(filters or ()),
        facets=tuple(facet or ()),
        weights=tuple(weight or ()),
        source=source,
        classify=classify,
        limit=limit,
        cursor=cursor,
        exact=exact,
    )
    with errors_as_exit_codes():
        search_catalogue(get_settings(context), question, as_json=json)


@evaluate_app.command("retrieval")
def evaluate_retrieval(
    context: typer.Context,
    feed: Feed,
    relevant: Annotated[str, typer.Option(help="Attributes that make a hit relevant, all of them, by commas.")],
    k: Annotated[int, typer.Option(min=1, max=100, help="How many hits count.")] = 10,
    queries: Annotated[list[str] | None, typer.Option(help="Filter: which items are asked about.")] = None,
    gallery: Annotated[list[str] | None, typer.Option(help="Filter: which items can be found.")] = None,
    weight: Weights = None,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with every photo, without the index.")] = False,
    json: Json = False,
) -> None:
    """Measure search on the shop's own labels: P@k, mAP@k, nDCG@k of each space and of the fusion."""
    from vitrine.commands.evaluate import Measurement, measure_retrieval

    measurement = Measurement(
        relevant=tuple(relevant.split(",")),
        k=k,
        queries=tuple(queries or ()),
        gallery=tuple(gallery or ()),
        weights=tuple(weight or ()),
        exact=exact,
    )
    with errors_as_exit_codes():
        measure_retrieval(get_settings(context), feed, measurement, as_json=json)


@evaluate_app.command("self")
def evaluate_self(
    context: typer.Context,
    feed: Feed,
    count: Annotated[int, typer.Option(min=1, help="How many photos to search for.")] = 1_000,
    json: Json = False,
) -> None:
    """Search for photos of the catalogue by their files: each must find itself, or a byte-identical one, first."""
    from vitrine.commands.evaluate import measure_self_retrieval

    with errors_as_exit_codes():
        measure_self_retrieval(get_settings(context), feed, count, as_json=json)


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


add_commands(app, evaluate_app)
