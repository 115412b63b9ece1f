"""`vitrine evaluate text`: how well words find photos, by titles of items and by phrases of their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.feed import FeedRow
from indexer.relevance import list_labels
from indexer.text_training import TextPairs, gather_pairs, list_titles, measure_phrases, measure_titles
from search.catalogue import Catalogue
from search.errors import QueryError
from search.item import Item
from vitrine.commands.index import open_recorded_feed
from vitrine.console import out, print_json, say
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


def measure_text(
    settings: Settings, feed: Path, mapping: Sequence[str], *, split: str, phrases: Sequence[str], as_json: bool
) -> None:
    """Ask for every item of a split by its title, among the photos of that split alone, and print what that finds.

    The title is compared with photos only: no word of an item is looked at.

    Args:
        split: `val` or `test`; the text tower has learnt from `train`.
        phrases: attributes whose values make phrases, which are asked of every item of the feed.

    Raises:
        NotFoundError: `no_text_encoder`.
        QueryError: no item in that split, or a feed that was not indexed.
    """
    with open_catalogue(settings, threads=1, say=say) as catalogue:
        rows = open_recorded_feed(feed, mapping, catalogue.manifest)
        items = {row.item.id: row.item for row in rows if isinstance(row, FeedRow)}
        data = gather_pairs(catalogue, items.values())
        wire = {"split": split, **_measure_titles(catalogue, data, items, split)}
        if phrases:
            values = [tuple(next(iter(list_labels(items[i], name)), "") for name in phrases) for i in data.items]
            wire["phrases"] = measure_phrases(lambda text: _embed(catalogue, text, data), values, data.vectors)
    if as_json:
        print_json(wire)
        return
    out.print(f"{wire['items']} titles of the {split} items, each among the photos of all of them:", markup=False)
    out.print("  " + ", ".join(f"{name.upper()} {value:.3f}" for name, value in wire["titles"].items()))
    if phrases:
        asked = dict(wire["phrases"])
        named = f"{asked.pop('phrases')} phrases of {' and '.join(phrases)}, each among all {len(data.items)} photos:"
        out.print(named, markup=False)
        out.print("  " + ", ".join(f"{name.upper()} {value:.3f}" for name, value in asked.items()))


def _measure_titles(catalogue: Catalogue, data: TextPairs, items: dict[str, Item], split: str) -> dict[str, Any]:
    rows = data.list_rows(split)
    if not len(rows):
        raise QueryError(f"no item of this feed is in the split {split!r}; there are train, val and test")
    titles = [_embed(catalogue, list_titles(items[data.items[row]])[0], data) for row in rows]
    return {"items": len(rows), "titles": measure_titles(np.stack(titles), data.vectors[rows])}


def _embed(catalogue: Catalogue, text: str, data: TextPairs) -> NDArray[np.float32]:
    said = catalogue.embed_text(text)
    return np.concatenate(
        [said.get(space.name, np.zeros(space.dimension, np.float32)) for space in data.spaces]
    ).astype(np.float32)
