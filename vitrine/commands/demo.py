"""`vitrine demo`: a small catalogue made, indexed, classified, searched once and served."""

from __future__ import annotations

from pathlib import Path

from indexer.demo.catalogue import draw_catalogue, make_demo_catalogue
from indexer.feed import FeedRow, open_feed, resolve_photo
from search.errors import InputError
from search.manifest import load_manifest
from vitrine.commands.index import print_report, run_index
from vitrine.commands.search import Question, search_catalogue
from vitrine.commands.serve import serve_catalogue
from vitrine.commands.tag import tag_items
from vitrine.commands.train_heads import train_catalogue
from vitrine.console import say, show_progress
from vitrine.settings import Settings


def run_demo(
    settings: Settings, *, items: int, source: Path | None, drawn: bool, serve: bool, port: int | None
) -> None:
    """Make the catalogue, index it, train a classifier on its labels, search by one of its photos, serve the page."""
    folder = settings.data / "demo"
    with show_progress("making photos", items) as show:

        def note(done: int, _total: int) -> None:
            show(done, "")

        if drawn:
            made = draw_catalogue(folder, count=items, reason="as asked", progress=note)
        else:
            made = make_demo_catalogue(
                folder, cache=settings.cache_folder(), count=items, fashion_mnist=source, progress=note, say=say
            )
    say(made.note)
    print_report(run_index(settings, made.feed, (), None))
    _classify(settings, made.feed)
    photo, color = _choose_example(made.feed)
    say(f"\nexample: vitrine --data {settings.data} search --photo {photo} --filter color={color}")
    question = Question(photos=(str(photo),), filters=(f"color={color}",), facets=("product_type",))
    search_catalogue(settings, question, as_json=False)
    if serve:
        serve_catalogue(settings, host=None, port=port, ready_file=None)


def _classify(settings: Settings, feed: Path) -> None:
    """Train heads and tag with them, where that has not been done yet and there are items enough."""
    if load_manifest(settings.data).classifier is not None:
        return
    try:
        train_catalogue(settings, feed, (), (), seed=0, as_json=False)
    except InputError as error:
        say(f"without a classifier: {error.message}")
        return
    tag_items(settings, None, None, as_json=False)


def _choose_example(path: Path) -> tuple[Path, str]:
    """The first photo of the catalogue and its colour."""
    feed = open_feed(path)
    row = next(row for row in feed if isinstance(row, FeedRow))
    return resolve_photo(row.item.photos[0], feed.root), str(row.item.attributes["color"])
