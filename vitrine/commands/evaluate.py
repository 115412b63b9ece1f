"""`vitrine evaluate`: how good the answers are, on the shop's own labels and photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.evaluation import choose_split, evaluate_retrieval
from indexer.feed import FeedRow
from indexer.self_retrieval import check_self_retrieval, sample_photos
from search.catalogue import Catalogue
from search.errors import QueryError
from search.filters import parse_filter
from vitrine.commands.evaluation_folder import print_rows, write_evaluation
from vitrine.commands.index import open_recorded_feed
from vitrine.commands.search import parse_weights
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What is to be measured, as it was written on the command line."""

    relevant: Sequence[str]
    k: int
    queries: Sequence[str]
    gallery: Sequence[str]
    weights: Sequence[str]
    exact: bool
    grades: Sequence[str] = ()
    out: Path | None = None


def measure_retrieval(settings: Settings, feed: Path, measurement: Measurement, *, as_json: bool) -> None:
    """Measure every space, the fusion, and the weights given; print a table or JSON."""
    from indexer.evaluation_tables import list_retrieval, plot_matches, plot_measures

    with open_catalogue(settings, say=say) as catalogue:
        check_feed(catalogue, feed)
        split = choose_split(catalogue.store, catalogue.manifest)
        schema = catalogue.manifest.attributes
        own = bool(measurement.queries or measurement.gallery)
        say("queries and gallery as given" if own else split.reason)
        with show_progress("queries", None) as show:
            report = evaluate_retrieval(
                catalogue,
                relevant=measurement.relevant,
                k=measurement.k,
                queries=parse_filter(measurement.queries, schema) if own else split.queries,
                gallery=parse_filter(measurement.gallery, schema) if own else split.gallery,
                max_queries=None if own else split.max_queries,
                configurations={"given": parse_weights(measurement.weights)} if measurement.weights else None,
                grades=parse_grades(measurement.grades) or None,
                exact=measurement.exact,
                progress=lambda done, total: show(done, f"of {total}"),
            )
    wire, rows = report.to_wire(), list_retrieval(report)
    if measurement.out is not None:
        plots = {"cmc": plot_matches(report), "measures": plot_measures(report)}
        write_evaluation(measurement.out, "retrieval", wire, [rows], plots)
    if as_json:
        print_json(wire)
        return
    print_rows(rows)
    out.print(f"{report.queries} queries, gallery of {report.gallery}; intervals are 95 % over queries")


def parse_grades(texts: Sequence[str]) -> dict[str, float]:
    """What agreeing in an attribute adds to a hit's grade, from `ATTRIBUTE=NUMBER`.

    Raises:
        QueryError: a text of another form, or a number that is not above 0.
    """
    grades = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            grades[name.strip()] = float(number)
        except ValueError:
            raise QueryError(f"grade {text!r} is not of the form ATTRIBUTE=NUMBER") from None
        if not 0 < grades[name.strip()] < 1_000:
            raise QueryError(f"grade {text!r} is not above 0 and below 1,000")
    return grades


def measure_self_retrieval(settings: Settings, feed: Path, count: int, *, as_json: bool) -> None:
    """Search for photos of the feed by their files; print how many found themselves."""
    with open_catalogue(settings, say=say) as catalogue:
        rows = open_recorded_feed(feed, (), catalogue.manifest)
        photos = sample_photos((row.item for row in rows if isinstance(row, FeedRow)), rows.root, count=count)
        with show_progress("photos", len(photos)) as show:
            report = check_self_retrieval(catalogue, photos, progress=lambda done, _: show(done, ""))
    if as_json:
        print_json(report.to_wire())
        return
    out.print(
        f"{report.found} of {report.asked} photos found themselves first ({report.identical} a byte-identical one)"
    )
    for miss in report.misses:
        out.print(f"  {miss.item_id}: {miss.reason}", markup=False)


def check_feed(catalogue: Catalogue, feed: Path) -> None:
    """See that the feed's first items are in the catalogue.

    Raises:
        QueryError: none of them is: another feed, or one that was not indexed.
    """
    rows = open_recorded_feed(feed, (), catalogue.manifest)
    first: list[str] = []
    for row in rows:
        if isinstance(row, FeedRow):
            first.append(row.item.id)
        if len(first) == 100:
            break
    if not catalogue.store.read_fingerprints(first):
        raise QueryError(f"none of the first {len(first)} items of {feed} is in the catalogue: vitrine index {feed}")
