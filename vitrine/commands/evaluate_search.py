"""`vitrine evaluate filters`, `cutoff` and `compare`: what filters and a cut-off cost, and which weights are better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.cutoff import HELD_OUT, PLAIN, measure_cutoff
from indexer.evaluation import choose_split, list_weighings
from indexer.filter_recall import measure_filters
from indexer.paired_retrieval import compare_weighings
from indexer.rankings import Question, rank_items
from search.errors import QueryError
from vitrine.commands.evaluate import check_feed, parse_grades
from vitrine.commands.evaluation_folder import print_rows, write_evaluation
from vitrine.commands.search import parse_weights
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is to be compared, as it was written on the command line."""

    relevant: Sequence[str]
    a: str
    b: str
    k: int
    grades: Sequence[str]
    out: Path | None


def measure_filtered(settings: Settings, feed: Path, *, k: int, count: int, to: Path | None, as_json: bool) -> None:
    """Measure recall and latency under filters; print a table or JSON."""
    from indexer.evaluation_tables import list_filters, plot_filters

    with open_catalogue(settings, say=say) as catalogue:
        check_feed(catalogue, feed)
        total = catalogue.store.count_items()
        with show_progress("questions", None) as show:
            figures = measure_filters(
                catalogue, k=k, count=count, progress=lambda done, whole: show(done, f"of {whole}")
            )
    wire = {"shares": [each.to_wire() for each in figures], "k": k, "items": total}
    rows = list_filters(figures, k)
    if to is not None:
        write_evaluation(to, "filters", wire, [rows], {"filters": plot_filters(figures, k)})
    if as_json:
        print_json(wire)
        return
    print_rows(rows)
    out.print(
        f"{total} items, {figures[0].queries} asked about; filters are of the shop's own values, alone or two together;"
        " below 20,000 photos, and where a filter lets through few, the engine compares with every photo"
    )


def measure_cut(settings: Settings, feed: Path, *, hold_out: str | None, to: Path | None, as_json: bool) -> None:
    """Measure the cut-off by relevance; print a table or JSON.

    Raises:
        QueryError: the catalogue's scores are not calibrated.
    """
    from classifier.evaluation.calibration import Statements, draw_reliability
    from classifier.report.curve_plots import plot_reliability
    from indexer.evaluation_tables import list_cutoff, list_honesty, plot_cutoff

    with open_catalogue(settings, say=say) as catalogue:
        check_feed(catalogue, feed)
        calibration = catalogue.find_calibration()
        if calibration is None:
            raise QueryError(
                f"the scores of this catalogue are not calibrated: vitrine calibrate {feed}", code="not_calibrated"
            )
        split = choose_split(catalogue.store, catalogue.manifest)
        say(split.reason)
        with show_progress("questions", None) as show:
            report = measure_cutoff(
                catalogue,
                calibration,
                queries=split.queries,
                gallery=split.gallery,
                max_queries=split.max_queries,
                hold_out=hold_out,
                progress=lambda done, total: show(done, f"of {total}"),
            )
    wire, tables = report.to_wire(), [list_honesty(report), list_cutoff(report)]
    if to is not None:
        plain = report.scenarios[PLAIN]
        statements = Statements(confidence=plain.said[:, None], true=plain.true[:, None])
        error = None if plain.honesty is None else plain.honesty.error
        reliability = plot_reliability("relevance", draw_reliability(statements), error)
        plots = {"cutoff": plot_cutoff(report.scenarios), "reliability": reliability.png}
        write_evaluation(to, "cutoff", wire, tables, plots)
    if as_json:
        print_json(wire)
        return
    for rows in tables:
        print_rows(rows)
    separated = report.separation[PLAIN]
    if separated is not None:
        out.print(
            f"relevant is what agrees in {', '.join(report.relevant)}; {HELD_OUT}: nothing of the question's own"
            f" {report.hold_out} is in the gallery, so whatever is close there is wrongly so; the two kinds of"
            f" questions are told apart by their best hit with an area under the ROC curve of {separated:.3f}"
        )


def compare_weights(settings: Settings, feed: Path, comparison: Comparison, *, as_json: bool) -> None:
    """Compare two weighings on the same queries; print a table or JSON."""
    from indexer.evaluation_tables import list_comparison, plot_differences

    with open_catalogue(settings, say=say) as catalogue:
        check_feed(catalogue, feed)
        manifest = catalogue.manifest
        given = {
            name: read_weighing(text, list_weighings(manifest, {}))
            for name, text in (("a", comparison.a), ("b", comparison.b))
        }
        checked = list_weighings(manifest, given)
        split = choose_split(catalogue.store, manifest)
        say(split.reason)
        question = Question(
            relevant=tuple(comparison.relevant),
            grades=parse_grades(comparison.grades) or dict.fromkeys(comparison.relevant, 1.0),
            k=comparison.k,
            queries=split.queries,
            gallery=split.gallery,
            max_queries=split.max_queries,
        )
        with show_progress("queries", None) as show:
            rankings = rank_items(
                catalogue,
                question,
                {name: checked[name] for name in given},
                progress=lambda done, total: show(done, f"of {total}"),
            )
    report = compare_weighings(rankings, "a", "b")
    wire, rows = report.to_wire(), list_comparison(report)
    if comparison.out is not None:
        write_evaluation(comparison.out, "compare", wire, [rows], {"differences": plot_differences(report)})
    if as_json:
        print_json(wire)
        return
    print_rows(rows)
    for told, items in (("b gains most on", report.gained), ("b loses most on", report.lost)):
        if items:
            out.print(f"{told} {', '.join(f'{item} ({by:+.3f})' for item, by in items)}", markup=False)
    out.print(f"{report.queries} queries, gallery of {report.gallery}; nDCG differences beside items")


def read_weighing(text: str, named: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    """Weights by space, from `SPACE=NUMBER,...`, or from the name of a space or of the fusion.

    Raises:
        QueryError: it can be read as neither.
    """
    if text in named:
        return named[text]
    if "=" not in text:
        raise QueryError(f"{text!r} is neither weights (SPACE=NUMBER, by commas) nor one of {', '.join(named)}")
    return parse_weights(text.split(","))
