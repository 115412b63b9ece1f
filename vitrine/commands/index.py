"""`vitrine index`: a feed into the catalogue, made if it is not there yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import typer
from rich.table import Table

from indexer.feed import Feed, open_feed, survey_feed
from indexer.journal import open_journal
from indexer.pipeline import Rows, index_rows
from indexer.report import IndexReport, Tally
from search.encoders.registry import find_card
from search.errors import FeedError, MismatchError, NotFoundError
from search.item import AttributeValue
from search.manifest import Manifest, load_manifest, save_manifest
from vitrine.console import err, first_interrupt_asks, out, print_json, say, show_progress
from vitrine.exit_codes import INTERRUPTED, PARTIAL
from vitrine.settings import Settings
from vitrine.wiring import check_spaces, ensure_manifest, name_clip, open_catalogue, open_encoders


def index_feed(
    settings: Settings,
    path: Path,
    mapping: Sequence[str],
    encoder: str | None,
    clip: str | None = None,
    *,
    workers: int = 0,
    as_json: bool,
) -> None:
    """Index the feed and print the report; exit 3 where some rows could not be used, 130 where stopped by Ctrl-C."""
    report = run_index(settings, path, mapping, encoder, clip, workers=workers)
    if as_json:
        print_json(asdict(report))
    else:
        print_report(report)
    if not report.finished:
        say(f"stopped; go on with: vitrine --data {settings.data} index {path}")
        raise typer.Exit(INTERRUPTED)
    if report.problems:
        raise typer.Exit(PARTIAL)


def run_index(
    settings: Settings,
    path: Path,
    mapping: Sequence[str],
    encoder: str | None,
    clip: str | None = None,
    *,
    workers: int = 0,
) -> IndexReport:
    """Index the feed with a progress bar; the catalogue is made first where it is not there yet.

    Raises:
        FeedError: the feed cannot be read, or the mapping names a column it does not have.
        MismatchError: the catalogue was built with another encoder, or without this CLIP.
    """
    manifest = _load_or_none(settings.data)
    if manifest is not None:
        check_spaces(settings.data, manifest.list_encoder_spaces())
        if encoder is not None:
            check_encoder(encoder, manifest, settings.data)
        if clip is not None:
            check_clip(clip, manifest, settings.data)
            # Its graphs may be gone from the models folder: named with its weights, they can be made again.
            open_encoders(settings, [name_clip(clip)], say=say)
    feed = open_recorded_feed(path, mapping, manifest)
    asked = {"encoder": encoder, "clip": clip}
    chosen = settings.model_copy(update={name: value for name, value in asked.items() if value is not None})
    manifest = ensure_manifest(chosen, feed.schema, say=say)
    manifest = replace(manifest, mapping=dict(feed.mapping), profile=feed.profile)
    save_manifest(manifest, settings.data)
    with (
        open_journal(settings.data) as journal,
        open_catalogue(settings, threads=1, say=say) as catalogue,
        first_interrupt_asks() as stop,
        show_progress("indexing", None) as show,
    ):
        catalogue.adopt_attributes(feed.schema)

        def note(tally: Tally) -> None:
            counts = tally.counts
            show(counts["read"], f"{counts['indexed']} indexed, {counts['unchanged']} unchanged")

        rows = Rows(name=str(path), root=feed.root, rows=feed)
        return index_rows(
            rows,
            catalogue,
            journal=journal,
            reports=settings.data / "reports",
            workers=workers,
            progress=note,
            stop=stop,
        )


def open_recorded_feed(path: Path, mapping: Sequence[str], manifest: Manifest | None) -> Feed:
    """The feed, read with the mapping given on top of the one the catalogue recorded."""
    return open_feed(
        path,
        mapping=parse_mapping(mapping),
        recorded=manifest.mapping if manifest else None,
        schema=manifest.attributes if manifest else None,
    )


def parse_mapping(texts: Sequence[str]) -> Mapping[str, str]:
    """Canonical field -> column, from `FIELD=COLUMN`."""
    mapping: dict[str, str] = {}
    for text in texts:
        field, equals, column = text.partition("=")
        if not (equals and field.strip() and column.strip()):
            raise FeedError(f"--map {text!r} is not of the form FIELD=COLUMN, such as color=baseColour")
        mapping[field.strip()] = column.strip()
    return mapping


def check_encoder(encoder: str, manifest: Manifest, data: Path) -> None:
    """See that the encoder asked for is the catalogue's own.

    Raises:
        MismatchError: it is another one; says what would do.
    """
    backbone = manifest.spaces[0].name
    if encoder != "auto" and find_card(encoder).name != backbone:
        raise MismatchError(
            f"the catalogue in {data} was built with {backbone}, not {encoder}; their embeddings are never mixed: "
            f"leave --encoder out, or index into another data directory (vitrine --data NEW index FEED)"
        )


def check_clip(clip: str, manifest: Manifest, data: Path) -> None:
    """See that the CLIP asked for is one of the catalogue's spaces.

    Raises:
        MismatchError: it is not; a new encoder's space takes a new catalogue (docs/decisions/0007).
    """
    space = find_card(name_clip(clip)).name
    names = [each.name for each in manifest.list_encoder_spaces()]
    if space not in names:
        raise MismatchError(
            f"the catalogue in {data} has the spaces {', '.join(names)}, and not {space}; every photo would have to be "
            "embedded anew: index into another data directory (vitrine --data NEW index FEED --clip MODEL/TAG)"
        )


def survey(settings: Settings, path: Path, mapping: Sequence[str], *, as_json: bool) -> None:
    """Read the feed without writing anything, and print how it would be understood."""
    feed = open_recorded_feed(path, mapping, _load_or_none(settings.data))
    result = survey_feed(feed)
    if as_json:
        print_json(result.to_wire())
        return
    out.print(f"profile {result.profile}; {result.rows} rows, {result.usable} usable, {result.photos} photos")
    table = Table(box=None, pad_edge=False)
    for heading in ("field", "column", "kind", "examples"):
        table.add_column(heading)
    for field, column in result.mapping.items():
        table.add_row(field, column, result.kinds.get(field, ""), _to_examples(result.samples.get(field, ())))
    for name in result.kinds.keys() - result.mapping.keys():
        table.add_row(name, name, result.kinds[name], _to_examples(result.samples.get(name, ())))
    out.print(table, markup=False)
    if result.unused:
        out.print("not kept: " + ", ".join(result.unused), markup=False)
    for code, count in result.problem_counts.items():
        out.print(f"{count} rows with {code}", markup=False)
    for problem in result.problems:
        out.print(f"row {problem.row}: {problem.message}", markup=False)


def _to_examples(values: Sequence[AttributeValue]) -> str:
    return ", ".join(" / ".join(v) if isinstance(v, tuple) else str(v) for v in values)[:60]


def print_report(report: IndexReport) -> None:
    """The report as a few lines."""
    err.print()
    out.print(
        f"{report.read} rows read: {report.indexed} indexed, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.failed} failed",
        markup=False,
    )
    out.print(f"{report.seconds:.1f} s, {report.photos_per_second:.1f} photos a second", markup=False)
    for problem in report.first_problems:
        say(f"row {problem.row}: {problem.message}")
    if report.problems_file:
        say(f"all problems: {report.problems_file}")


def _load_or_none(data: Path) -> Manifest | None:
    try:
        return load_manifest(data)
    except NotFoundError:
        return None
