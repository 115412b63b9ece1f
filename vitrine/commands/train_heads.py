"""`vitrine train heads`: a classifier of the catalogue's own, from the feed's labels and the pools beside the store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from classifier.heads.artefact import Heads, save_heads
from indexer.feed import FeedRow
from indexer.heads_training import prepare_training, train_on_catalogue
from indexer.training_data import LabelledPools, gather_labelled_pools
from search.attributes import AttributeKind
from search.catalogue import Catalogue
from vitrine.commands.index import open_recorded_feed
from vitrine.commands.tag import rebuild
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import find_heads, open_catalogue


def train_catalogue(
    settings: Settings, feed: Path, attributes: Sequence[str], mapping: Sequence[str], *, seed: int, as_json: bool
) -> None:
    """Train heads and keep them; print what they reach on the validation items.

    Raises:
        QueryError: an attribute the feed does not have, or a feed that was not indexed.
        InputError: an attribute that cannot be learnt.
    """
    heads, took_s = train(settings, feed, attributes, mapping, seed=seed)
    folder = find_heads(settings.data, heads.version)
    save_heads(folder, heads)
    wire = describe(heads, folder, took_s)
    if as_json:
        print_json(wire)
        return
    print_figures(wire)
    say(f"next: vitrine --data {settings.data} tag")


def train(
    settings: Settings, feed: Path, attributes: Sequence[str], mapping: Sequence[str] = (), *, seed: int = 0
) -> tuple[Heads, float]:
    """Heads trained on the feed's items, and the seconds training took; missing pools are made again first."""
    # The catalogue is closed before the training: neither needs the other, and both take memory.
    with open_catalogue(settings, threads=1, say=say) as catalogue:
        manifest = catalogue.manifest
        labelled = _gather(catalogue, feed, attributes, mapping)
        if labelled.without_pools:
            rebuild(catalogue, feed)
            labelled = _gather(catalogue, feed, attributes, mapping)
    if labelled.not_indexed:
        say(f"{labelled.not_indexed} items of the feed are not in the catalogue and are not learnt from")
    started = time.perf_counter()
    training = prepare_training(labelled, manifest, attributes)
    del labelled  # its pools are in the training now, by split
    for name, reason in training.schema.passed_over.items():
        say(f"{name} is not learnt: it {reason}")
    for attribute in training.schema.attributes:
        if attribute.left_out:
            say(f"{attribute.name}: {len(attribute.left_out)} labels on too few photos are left out")
    with show_progress("training", None) as show:
        heads = train_on_catalogue(training, seed=seed, progress=show)
    return heads, time.perf_counter() - started


def _gather(catalogue: Catalogue, feed: Path, attributes: Sequence[str], mapping: Sequence[str]) -> LabelledPools:
    rows = open_recorded_feed(feed, mapping, catalogue.manifest)
    kinds = catalogue.manifest.attributes
    names = attributes or [name for name, kind in kinds.items() if kind is AttributeKind.KEYWORD]
    return gather_labelled_pools(catalogue, (row.item for row in rows if isinstance(row, FeedRow)), names)


def describe(heads: Heads, folder: Path, took_s: float) -> dict[str, Any]:
    """What was trained, as one JSON object."""
    return {
        "version": heads.version,
        "folder": str(folder),
        "seconds": round(took_s, 1),
        "attributes": {
            attribute.name: {"labels": len(attribute.labels), "left_out": dict(attribute.left_out)}
            for attribute in heads.schema.attributes
        },
        "passed_over": dict(heads.schema.passed_over),
        "validation": heads.metrics,
        "fusion_weights": dict(heads.fusion_weights),
    }


def print_figures(wire: Mapping[str, Any]) -> None:
    """Validation figures as a table."""
    table = Table(box=None, pad_edge=False)
    for heading in ("attribute", "labels", "accuracy", "mAP", "ECE"):
        table.add_column(heading)
    for name, figures in wire["validation"]["attributes"].items():
        cells = [f"{figures[key]:.3f}" for key in ("accuracy", "map", "ece")]
        table.add_row(name, str(wire["attributes"][name]["labels"]), *cells)
    out.print(table, markup=False)
    weights = ", ".join(f"{name} {weight:g}" for name, weight in wire["fusion_weights"].items())
    out.print(f"classifier {wire['version']}, trained in {wire['seconds']} s; weights of the fusion: {weights}")
