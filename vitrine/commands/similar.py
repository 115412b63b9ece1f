"""`vitrine similar --all`: the neighbours of every item, into one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from indexer.similar_export import SimilarQuestion, SimilarReport, export_similar
from search.catalogue import Catalogue
from search.errors import QueryError
from search.filters import Filter, parse_filter
from search.stores.process import ProcessStore
from search.stores.server import ServerStore
from vitrine.commands.search import parse_weights
from vitrine.console import first_interrupt_asks, out, print_json, say, show_progress
from vitrine.exit_codes import INTERRUPTED
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

IN_FLIGHT = 4
"""Questions at once where the store is another process; the engine inside this one holds every other thread up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarRequest:
    """What was asked on the command line, as it was written."""

    everything: bool
    k: int
    filters: Sequence[str]
    gallery: Sequence[str]
    group_by: str | None
    weights: Sequence[str]
    exact: bool
    restart: bool


def write_similar(settings: Settings, request: SimilarRequest, to: Path, *, as_json: bool) -> None:
    """Write the file and say what is in it; exit 130 where stopped by Ctrl-C.

    Raises:
        QueryError: without `--all`, or as `export_similar`.
    """
    if not request.everything:
        raise QueryError("say --all to write the neighbours of every item; for one item: vitrine search --item ID")
    with (
        open_catalogue(settings, say=say) as catalogue,
        first_interrupt_asks() as stop,
        show_progress("items", None) as show,
    ):
        question = SimilarQuestion(
            k=request.k,
            conditions=_read_filter(request.filters, catalogue),
            gallery=_read_filter(request.gallery, catalogue),
            group_by=request.group_by,
            weights=parse_weights(request.weights),
            exact=request.exact,
        )
        report = export_similar(
            catalogue,
            question,
            to,
            workers=IN_FLIGHT if isinstance(catalogue.store, (ProcessStore, ServerStore)) else 1,
            restart=request.restart,
            progress=lambda done, total: show(done, f"of {total}"),
            stop=stop,
        )
    _print_report(report, to, as_json=as_json)
    if not report.finished:
        say("stopped; the same command goes on")
        raise typer.Exit(INTERRUPTED)


def _read_filter(texts: Sequence[str], catalogue: Catalogue) -> Filter:
    manifest = catalogue.manifest
    return parse_filter(texts, manifest.attributes, predicted=manifest.list_predicted())


def _print_report(report: SimilarReport, to: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(report), "items_per_second": report.items_per_second})
        return
    if report.resumed:
        out.print(f"{report.resumed} of {report.items} items were done before")
    if report.lacking:
        out.print(f"{report.lacking} items have nothing to be compared by")
    if report.finished:
        out.print(
            f"{report.rows} neighbours of {report.items} items in {to}, {report.seconds:.1f} s, "
            f"{report.items_per_second:.1f} items a second",
            markup=False,
        )
