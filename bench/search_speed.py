"""Search, facets and groups on a large catalogue: how long one client waits, and what is missed.

    python -m bench.search_speed DATA [--items N] [--queries N] [--folder FOLDER] [--no-peers]

Takes the vectors of the catalogue in DATA, repeats them with noise until there are N items (each keeps its neighbours
and has near copies, as variants of one product are), and writes them into an embedded store with three spaces. Then,
one query after another on one client:

- search by id for ten hits under a filter that a tenth of the items pass, and without one: p50, p95, recall@10 against
  the exact ranking;
- facets over six attributes;
- both once more with a write before each, as the store keeps numbers that it counted until then;
- the same search grouped by an attribute, as a ratio to the plain one;
- the same joint vectors in qdrant-client's local mode, scikit-learn and FAISS, see `bench.peer_stores`.

The store is kept in `--folder`, so that a second run starts at once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measuring import print_report, summarise_ms, time_calls
from bench.peer_stores import PEERS, measure_peer, open_vitrine
from search.attributes import AttributeKind
from search.embedding import Space, normalise_rows
from search.filters import AnyOf, Filter
from search.groups import GroupCounter
from search.item import Item, PhotoRecord
from search.manifest import Manifest
from search.paging import read_points
from search.query import Query, like_item
from search.ranking import run_query
from search.store import Point, Store
from search.stores.edge import open_edge_store
from vitrine.settings import load_settings
from vitrine.wiring import open_catalogue

NOISE = 0.35
"""Length of the noise added to a unit vector before it is made a unit vector again."""

FACETS = ("color", "product_type", "gender", "season", "usage", "tenth")
VARIANTS = 4
"""Copies of one row that are variants of one product: what hits are grouped by."""
BATCH = 256


def main() -> None:
    """Build the store where it is not there yet, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="data directory of a tagged catalogue")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        points, manifest = read_rows(options.data)
        vectors = jitter(points, options.items, manifest.spaces)
        store, built = open_store(folder, points, vectors, manifest)
        stack.callback(store.close)
        report = measure_store(store, manifest, options.items, options.queries)
        if not options.no_peers:
            report |= measure_peers(vectors, options.queries)
    head = ["measured", "median ms", "p95 ms", "recall@10", "to plain"]
    keys = ("median_ms", "p95_ms", "recall_at_10", "to_plain")
    rows = [[name, *(figures.get(key, "") for key in keys)] for name, figures in report.items()]
    title = f"{options.items} items, {options.queries} queries"
    print_report(title, {"build_s": round(built, 1), **report}, [head, *rows])


def read_rows(data: Path) -> tuple[list[Point], Manifest]:
    """The items of a catalogue with all of their vectors, and a manifest for the copies."""
    with open_catalogue(load_settings(data)) as catalogue:
        manifest = catalogue.manifest
        names = [space.name for space in manifest.spaces]
        found = [
            Point(item=p.item, photo=p.photo, vectors=p.vectors, photos_sha256="", row_sha256="")
            for p in read_points(catalogue.store, spaces=names)
        ]
    # The copies' spaces are all alike: what makes one trained is how it comes to points, not how it is searched.
    spaces = tuple(replace(space, trained=False) for space in manifest.spaces)
    kinds = {**dict.fromkeys((*FACETS, "item_group_id"), AttributeKind.KEYWORD), "title": AttributeKind.TEXT}
    return found, Manifest(spaces=spaces, weights=manifest.weights, attributes=kinds)


def jitter(rows: Sequence[Point], items: int, spaces: Sequence[Space]) -> Mapping[str, NDArray[np.float32]]:
    """Unit vectors of each space, shape (items, dimension): the rows, then noisy copies of them."""
    rng = np.random.default_rng(0)
    found = {}
    for space in spaces:
        own = np.stack([row.vectors[space.name] for row in rows]).astype(np.float32)
        made = own[np.arange(items) % len(own)]
        noise = rng.normal(size=made.shape).astype(np.float32) * np.float32(NOISE / np.sqrt(space.dimension))
        noise[: len(own)] = 0
        found[space.name] = normalise_rows(made + noise)
    return found


def open_store(
    folder: Path, rows: Sequence[Point], vectors: Mapping[str, NDArray[np.float32]], manifest: Manifest
) -> tuple[Store, float]:
    """The store in this folder, filled and indexed where it was not, and the seconds that took."""
    started = time.perf_counter()
    store = open_edge_store(folder / "shard", spaces=manifest.spaces, schema=manifest.attributes)
    items = len(next(iter(vectors.values())))
    if store.count_items() < items:
        for start in range(0, items, BATCH):
            store.upsert([make_point(rows, vectors, n) for n in range(start, min(start + BATCH, items))])
        store.optimize()
    return store, time.perf_counter() - started


def make_point(rows: Sequence[Point], vectors: Mapping[str, NDArray[np.float32]], number: int) -> Point:
    """One copy: its row's attributes, a part of ten at random, and its own vectors."""
    row = rows[number % len(rows)]
    item = Item(
        id=f"item-{number}",
        attributes={
            **row.item.attributes,
            "tenth": str(number * 7_919 % 7_907 % 10),
            "item_group_id": f"{number % len(rows)}-{number // len(rows) // VARIANTS}",
        },
        photos=(f"{number}.jpg",),
    )
    photo = PhotoRecord(index=0, link=f"{number}.jpg", sha256=f"{number:064d}", width=9, height=9)
    own = {name: matrix[number] for name, matrix in vectors.items()}
    return Point(item=item, photo=photo, vectors=own, photos_sha256="p", row_sha256="r")


def measure_store(store: Store, manifest: Manifest, items: int, queries: int) -> dict[str, dict[str, float]]:
    """Latencies of one client and what is missed."""
    ids = [f"item-{n}" for n in np.random.default_rng(1).choice(items, queries, replace=False)]
    tenth: Filter = (AnyOf(attribute="tenth", values=("3",)),)
    for conditions in (tenth, ()):
        ask(store, manifest, ids[0], conditions)
    report: dict[str, dict[str, float]] = {}
    for name, conditions in (("filter of 10 %", tenth), ("no filter", ())):
        answers: list[list[str]] = []

        def search(item_id: str, where: Filter = conditions, found: list[list[str]] = answers) -> None:
            found.append(ask(store, manifest, item_id, where))

        took = time_calls(search, ids)
        again = partial(ask, store, manifest, conditions=conditions)
        report[f"search by id, {name}, after a write"] = summarise_ms(time_after_writes(again, ids[:100], store))
        exact = [ask(store, manifest, i, conditions, exact=True) for i in ids]
        shared = [len(set(one) & set(other)) / len(other) for one, other in zip(answers, exact, strict=True)]
        report[f"search by id, {name}"] = {**summarise_ms(took), "recall_at_10": round(float(np.mean(shared)), 4)}
    counter = GroupCounter(store)  # a catalogue keeps one
    plain = time_calls(lambda i: ask(store, manifest, i, tenth), ids)
    grouped = time_calls(lambda i: ask(store, manifest, i, tenth, group_by="item_group_id", counter=counter), ids)
    report["grouped by item_group_id, filter of 10 %"] = {
        **summarise_ms(grouped),
        "to_plain": round(float(np.median(grouped) / np.median(plain)), 2),
    }
    for name, timed in (("", time_calls), (", after a write", partial(time_after_writes, store=store))):
        took = timed(lambda _: run_query(Query(facets=FACETS, limit=1), store, manifest), ids[:50])
        report[f"facets over 6 attributes{name}"] = summarise_ms(took)
    return report


def time_after_writes(call: Callable[[str], object], arguments: Sequence[str], store: Store) -> Sequence[float]:
    """Milliseconds of each call, the store written to before each: it keeps what it counted until then."""
    took: list[float] = []
    for argument in arguments:
        store.delete_photos_from("nobody", 1)
        took.extend(time_calls(call, [argument]))
    return took


def ask(
    store: Store,
    manifest: Manifest,
    item_id: str,
    conditions: Filter,
    *,
    exact: bool = False,
    group_by: str | None = None,
    counter: GroupCounter | None = None,
) -> list[str]:
    """Ids of the ten hits."""
    query = Query(examples=like_item(item_id), conditions=conditions, limit=10, exact=exact, group_by=group_by)
    return [hit.item.id for hit in run_query(query, store, manifest, counter=counter).hits]


def measure_peers(vectors: Mapping[str, NDArray[np.float32]], queries: int) -> dict[str, dict[str, float]]:
    """The same vectors, one after the other as one, in other libraries; our own store was measured already."""
    joint = normalise_rows(np.concatenate(list(vectors.values()), axis=1))
    asked = joint[np.random.default_rng(1).choice(len(joint), queries, replace=False)]
    scores = asked @ joint.T
    truth = (scores, np.sort(scores, axis=1)[:, -10])
    report = {}
    for name, open_peer in PEERS.items():
        if open_peer is not open_vitrine:
            with tempfile.TemporaryDirectory() as folder:
                report[f"{name}, joint vector, no filter"] = measure_peer(open_peer, joint, asked, truth, Path(folder))
    return report


if __name__ == "__main__":
    main()
