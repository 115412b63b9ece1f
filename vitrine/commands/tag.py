"""`vitrine tag`: a trained classifier's predictions and vectors to every item of the catalogue."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from classifier.heads.artefact import Heads, load_heads
from classifier.heads.tagger import HeadsTagger
from indexer.pipeline import Rows
from indexer.pool_rebuild import rebuild_pools
from indexer.tagging import TagReport, tag_catalogue
from search.catalogue import Catalogue
from search.errors import NotFoundError
from search.manifest import ClassifierRecord, PredictedAttribute
from vitrine.commands.index import open_recorded_feed
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import find_heads, open_catalogue


def tag_items(settings: Settings, feed: Path | None, version: str | None, *, as_json: bool) -> None:
    """Tag every photo, make the classifier the live one, and print what was done.

    Args:
        feed: pools that are missing are made again from its photos.
        version: of the heads; those trained last where None.

    Raises:
        NotFoundError: no such heads, or pools are missing and no feed is named.
        MismatchError: the heads were trained on other encoders.
    """
    folder = find_heads(settings.data, version) if version else find_last_heads(settings.data)
    heads = load_heads(folder)
    with open_catalogue(settings, threads=1, say=say) as catalogue:
        if feed is not None:
            rebuild(catalogue, feed)
        report = tag(catalogue, heads, skip_missing=feed is not None)
    if as_json:
        print_json({**asdict(report), "photos_per_second": report.photos_per_second})
        return
    print_report(report)


def find_last_heads(data: Path) -> Path:
    """Folder of the heads trained last.

    Raises:
        NotFoundError: none have been trained.
    """
    cards = sorted((data / "models" / "heads").glob("*/heads.json"), key=lambda path: path.stat().st_mtime_ns)
    if not cards:
        raise NotFoundError(
            f"no classifier has been trained for the catalogue in {data}: vitrine train heads FEED",
            code="no_classifier",
        )
    return cards[-1].parent


def rebuild(catalogue: Catalogue, feed: Path) -> None:
    """Make pools again from the feed's photos where they are not kept, and say so."""
    rows = open_recorded_feed(feed, (), catalogue.manifest)
    taken = Rows(name=str(feed), root=rows.root, rows=rows)
    with show_progress("embedding", None) as show:
        counts = rebuild_pools(taken, catalogue, progress=lambda counts: show(counts.rebuilt, "made again"))
    if counts.rebuilt or counts.failed:
        say(f"pools of {counts.rebuilt} photos were missing and have been made again; {counts.failed} failed")
    if counts.first_problem:
        say(f"the first: {counts.first_problem}")


def tag(catalogue: Catalogue, heads: Heads, *, skip_missing: bool) -> TagReport:
    """Tag the catalogue with a progress bar."""
    heads.check_encoders(catalogue.manifest.list_encoder_spaces())
    tagger = HeadsTagger(heads)
    record = ClassifierRecord(
        version=tagger.version,
        weights_sha256=tagger.space.weights_sha256,
        attributes={
            attribute.name: PredictedAttribute(labels=attribute.labels, multi_valued=attribute.multi_valued)
            for attribute in heads.schema.attributes
        },
    )
    with show_progress("tagging", None) as show:
        return tag_catalogue(
            catalogue,
            tagger,
            record,
            heads.fusion_weights,
            skip_missing=skip_missing,
            progress=lambda done: show(done, ""),
        )


def print_report(report: TagReport) -> None:
    """The report as a few lines."""
    out.print(
        f"{report.photos} photos tagged with {report.version} in {report.seconds:.1f} s, "
        f"{report.photos_per_second:.0f} a second",
        markup=False,
    )
    for name, accepted in report.accepted.items():
        out.print(f"  {name}: named on {accepted}, abstained on {report.photos - accepted}", markup=False)
    if report.outside:
        out.print(f"  {report.outside} photos look like nothing else in the catalogue", markup=False)
    if report.without_pools:
        say(f"{report.without_pools} photos have no pools and were not tagged: the feed has them no more")
