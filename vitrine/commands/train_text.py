"""`vitrine train text`: a text tower of the catalogue's own, from the feed's titles and attributes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from classifier.text.artefact import TextCard, save_text
from classifier.text.export import export_towers
from classifier.text.training import TextRecipe
from indexer.feed import FeedRow
from indexer.text_training import TextPairs, choose_factor, gather_pairs, measure_titles, train_on_pairs
from search.manifest import TextRecord
from vitrine.commands.index import open_recorded_feed
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import find_texts, open_catalogue


def train_text(
    settings: Settings, feed: Path, mapping: Sequence[str], *, epochs: int, towers: int, seed: int, as_json: bool
) -> None:
    """Train towers, keep them, make them the live ones, and print what they reach on the validation items.

    Raises:
        QueryError: a feed that was not indexed, or too few items with titles.
        SetupError: `extra_missing`.
    """
    started = time.perf_counter()
    with open_catalogue(settings, threads=1, say=say) as catalogue:
        manifest = catalogue.manifest
        rows = open_recorded_feed(feed, mapping, manifest)
        data = gather_pairs(catalogue, (row.item for row in rows if isinstance(row, FeedRow)))
    recipe = replace(TextRecipe(), epochs=epochs, towers=towers)
    with show_progress("training", 100) as show:
        trained = train_on_pairs(data, recipe, seed=seed, progress=lambda share: show(round(100 * share), ""))
    titles = trained.embed([pair.title for pair in _pick(data, "val")])
    metrics = measure_titles(titles, data.vectors[data.list_rows("val")]) if len(titles) else {}
    factor = choose_factor(titles, data, manifest.weights) if len(titles) > 1 else 1.0
    graph = export_towers(trained, factor=factor)
    card = TextCard(vocabulary=trained.vocabulary, spaces=data.spaces, metrics=metrics)
    version = save_text(find_texts(settings.data), graph, card)
    with open_catalogue(settings, threads=1, say=say) as catalogue:
        catalogue.adopt_text(TextRecord(version=version))
    wire = {
        "version": version,
        "trained_on": len(data.list_rows("train")),
        "seconds": round(time.perf_counter() - started, 1),
        "words": len(trained.vocabulary.words),
        "validation": {"items": len(titles), **{name: round(value, 4) for name, value in metrics.items()}},
    }
    print_json(wire) if as_json else _print_figures(wire)


def _pick(data: TextPairs, split: str) -> list[Any]:
    return [data.pairs[row] for row in data.list_rows(split)]


def _print_figures(wire: dict[str, Any]) -> None:
    reached = wire["validation"]
    figures = ", ".join(f"{name} {value:.3f}" for name, value in reached.items() if name != "items")
    out.print(
        f"text tower {wire['version']}: {wire['words']} words from {wire['trained_on']} items in {wire['seconds']} s; "
        f"titles of {reached['items']} other items find their own photo: {figures or 'none to measure it on'}"
    )
