"""The command line of searching: one command that asks what the HTTP API's one route answers.

The command imports what it needs when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from search.filters import Source
from search.query import FacetsOver
from vitrine.cli_options import Filters, Json, Weights, get_settings
from vitrine.console import errors_as_exit_codes

_TIMES = " May be repeated; ends in ^NUMBER to count that much, below 0 to be unlike it."


def add_search(app: typer.Typer) -> None:
    """The command `search`."""
    app.command()(search)


def search(
    context: typer.Context,
    photo: Annotated[list[str] | None, typer.Option(help="Find what looks like this photo." + _TIMES)] = None,
    item: Annotated[list[str] | None, typer.Option(help="Find what looks like this item." + _TIMES)] = None,
    text: Annotated[list[str] | None, typer.Option(help="Find what these words describe." + _TIMES)] = None,
    color: Annotated[
        list[str] | None, typer.Option(help="Find this colour: navy, #a02030, or navy:0.7,white:0.3." + _TIMES)
    ] = None,
    less_like: Annotated[list[str] | None, typer.Option(help="Item to be less like. May be repeated.")] = None,
    region: Annotated[
        str | None, typer.Option(help="left,top,right,bottom of the photo, as shares of its sides.")
    ] = None,
    filters: Filters = None,
    facet: Annotated[list[str] | None, typer.Option(help="Count this attribute's values. May be repeated.")] = None,
    facets_over: Annotated[
        FacetsOver, typer.Option(help="What facets count: all the filter lets through, or the nearest hits.")
    ] = FacetsOver.FILTER,
    histogram: Annotated[
        list[str] | None, typer.Option(help="ATTRIBUTE=BINS: count a number in bins. May be repeated.")
    ] = None,
    weight: Weights = None,
    source: Annotated[
        Source, typer.Option(help="Whose values filters and facets are about, where a classifier has tagged.")
    ] = Source.EITHER,
    classify: Annotated[bool, typer.Option("--classify", help="Say what the classifier sees in the photo.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Hits on a page.")] = 10,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with every photo, without the index.")] = False,
    diversity: Annotated[float, typer.Option(help="0: the nearest; towards 1: hits that differ.")] = 0.0,
    group_by: Annotated[str | None, typer.Option(help="One hit for each value of this attribute.")] = None,
    collapse_duplicates: Annotated[
        bool, typer.Option("--collapse-duplicates", help="Leave out photos that nearly repeat a better hit's.")
    ] = False,
    min_relevance: Annotated[
        float | None, typer.Option(help="Leave out what is less probably relevant, 0 to 1; see 'vitrine calibrate'.")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Largest difference (CIEDE2000) to the first colour asked for.")
    ] = None,
    json: Json = False,
) -> None:
    """Search by photos, items, texts and colours, or (without any) list what the filters let through."""
    from vitrine.commands.search import Question, search_catalogue

    question = Question(
        photos=tuple(photo or ()),
        items=tuple(item or ()),
        texts=tuple(text or ()),
        colors=tuple(color or ()),
        less_like=tuple(less_like or ()),
        region=region,
        filters=tuple(filters or ()),
        facets=tuple(facet or ()),
        facets_over=facets_over,
        histograms=tuple(histogram or ()),
        weights=tuple(weight or ()),
        source=source,
        classify=classify,
        limit=limit,
        cursor=cursor,
        exact=exact,
        diversity=diversity,
        group_by=group_by,
        collapse_duplicates=collapse_duplicates,
        min_relevance=min_relevance,
        tolerance=tolerance,
    )
    with errors_as_exit_codes():
        search_catalogue(get_settings(context), question, as_json=json)
