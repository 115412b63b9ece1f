"""The command line's measuring part: how good search is, and what its scores mean. `vitrine.cli` puts it in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrine.cli_options import Feed, Json, Mapping, Weights, get_settings
from vitrine.console import errors_as_exit_codes

evaluate_app = typer.Typer(help="Measure how good the answers are.", no_args_is_help=True)

Relevant = Annotated[str, typer.Option(help="Attributes that make a hit relevant, all of them, by commas.")]
Hits = Annotated[int, typer.Option(min=1, max=100, help="How many hits count.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for a table, JSON and plots.")]
Exact = Annotated[bool, typer.Option("--exact", help="Compare with every photo, without the index.")]
Grades = Annotated[
    list[str] | None,
    typer.Option("--grade", help="ATTRIBUTE=NUMBER: what agreeing in it adds to a hit's grade. May be repeated."),
]


@evaluate_app.command("retrieval")
def evaluate_retrieval(
    context: typer.Context,
    feed: Feed,
    relevant: Relevant,
    k: Hits = 10,
    queries: Annotated[list[str] | None, typer.Option(help="Filter: which items are asked about.")] = None,
    gallery: Annotated[list[str] | None, typer.Option(help="Filter: which items can be found.")] = None,
    weight: Weights = None,
    grade: Grades = None,
    exact: Exact = False,
    to: Out = None,
    json: Json = False,
) -> None:
    """Measure search on the shop's own labels: P, R, mAP, nDCG (also graded), MRR and CMC of each space and the fusion.

    A hit's grade is the sum over the attributes it has in common with the item asked about: 1 for each relevant one, or
    what --grade says.
    """
    from vitrine.commands.evaluate import Measurement, measure_retrieval

    measurement = Measurement(
        relevant=tuple(relevant.split(",")),
        k=k,
        queries=tuple(queries or ()),
        gallery=tuple(gallery or ()),
        weights=tuple(weight or ()),
        grades=tuple(grade or ()),
        exact=exact,
        out=to,
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


@evaluate_app.command("filters")
def evaluate_filters(
    context: typer.Context,
    feed: Feed,
    k: Hits = 10,
    count: Annotated[int, typer.Option(min=1, help="How many items are asked about under each filter.")] = 200,
    to: Out = None,
    json: Json = False,
) -> None:
    """Measure search under filters that let through 50, 10, 1 and 0.1 %: recall against exact search, and latency."""
    from vitrine.commands.evaluate_search import measure_filtered

    with errors_as_exit_codes():
        measure_filtered(get_settings(context), feed, k=k, count=count, to=to, as_json=json)


@evaluate_app.command("cutoff")
def evaluate_cutoff(
    context: typer.Context,
    feed: Feed,
    hold_out: Annotated[
        str | None, typer.Option(help="Attribute whose value is taken out of the gallery; the first relevant one.")
    ] = None,
    to: Out = None,
    json: Json = False,
) -> None:
    """Measure what --min-relevance keeps and loses, and how often it finds something close where nothing is.

    Needs `vitrine calibrate`, whose attributes say what is relevant.
    """
    from vitrine.commands.evaluate_search import measure_cut

    with errors_as_exit_codes():
        measure_cut(get_settings(context), feed, hold_out=hold_out, to=to, as_json=json)


@evaluate_app.command("compare")
def evaluate_compare(
    context: typer.Context,
    feed: Feed,
    relevant: Relevant,
    a: Annotated[
        str, typer.Option("--a", help="Weights, SPACE=NUMBER by commas, or the name of one space, or fusion.")
    ],
    b: Annotated[str, typer.Option("--b", help="The weights held against them.")],
    k: Hits = 10,
    grade: Grades = None,
    to: Out = None,
    json: Json = False,
) -> None:
    """Hold two ways to weigh the spaces against each other, item by item, with paired intervals."""
    from vitrine.commands.evaluate_search import Comparison, compare_weights

    comparison = Comparison(relevant=tuple(relevant.split(",")), a=a, b=b, k=k, grades=tuple(grade or ()), out=to)
    with errors_as_exit_codes():
        compare_weights(get_settings(context), feed, comparison, as_json=json)


def calibrate(
    context: typer.Context,
    feed: Feed,
    relevant: Relevant = "product_type,color",
    json: Json = False,
) -> None:
    """Learn what scores mean, on validation items: from then on hits have a relevance, and --min-relevance works."""
    from vitrine.commands.calibrate import calibrate_catalogue

    with errors_as_exit_codes():
        calibrate_catalogue(get_settings(context), feed, tuple(relevant.split(",")), as_json=json)


def add_measuring(app: typer.Typer) -> None:
    """Put this part's commands beside the others."""
    app.add_typer(evaluate_app, name="evaluate")
    app.command()(calibrate)


@evaluate_app.command("text")
def evaluate_text(
    context: typer.Context,
    feed: Feed,
    mapping: Mapping = None,
    split: Annotated[str, typer.Option(help="Whose titles are asked: val or test.")] = "val",
    phrases: Annotated[
        str, typer.Option(help="Attributes by commas whose values make phrases to ask, such as color,product_type.")
    ] = "",
    json: Json = False,
) -> None:
    """Measure how well words find photos: R@1, R@5, R@10, MRR of titles, and P@1, P@10 of phrases of attributes."""
    from vitrine.commands.evaluate_text import measure_text

    names = tuple(name for name in phrases.split(",") if name)
    with errors_as_exit_codes():
        measure_text(get_settings(context), feed, mapping or [], split=split, phrases=names, as_json=json)
