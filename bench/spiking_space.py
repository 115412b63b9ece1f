"""Spike rates as a search space: P@10 of the last hidden layer, spiking and not, as named vectors of one store.

`python -m bench.spiking_space FEED --network FOLDER`. An experiment: the gallery are the training and validation
photos (with `--gallery N` only N of the training's), the queries the test photos, and a hit is right where every
attribute the network was trained on is the query's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measuring import print_report
from classifier.data.images import UNKNOWN, LabelledImages
from classifier.spiking.artefact import SpikingNetwork, load_spiking
from classifier.spiking.graph import LayeredSession
from classifier.spiking.simulator import SpikingSimulator
from search.embedding import Space
from search.item import Item, PhotoRecord
from search.metrics import bootstrap_interval, precision_at_k
from search.store import Leg, Point, Store
from search.stores.edge import open_edge_store
from vitrine.commands.open_images import open_images
from vitrine.settings import Settings

K = 10
CNN, SNN = "cnn", "snn"

Matrix = NDArray[np.float32]


def main() -> None:
    """Embed gallery and queries both ways, store them, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feed")
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=0, help="the network's own where 0")
    parser.add_argument(
        "--gallery",
        type=int,
        default=0,
        help="so many training photos, drawn by lot; all, and the validation photos, where 0",
    )
    given = parser.parse_args()
    network = load_spiking(given.network)
    side, _, channels = network.cnn.size
    data = open_images(
        given.feed, settings=Settings(), attributes=tuple(network.cnn.attributes), side=side, channels=channels
    )
    steps = given.steps or network.choices.steps
    rows_of = choose_gallery(data.train, data.val, given.gallery)
    gallery = [embed(network, images, rows, steps) for images, rows in rows_of]
    spaces = {name: np.concatenate([part[name] for part in gallery]) for name in (CNN, SNN)}
    queries = embed(network, data.test, range(len(data.test)), steps)
    labels = {
        name: np.concatenate([images.read_labels()[name][np.asarray(rows)] for images, rows in rows_of])
        for name in data.test.attributes
    }
    with tempfile.TemporaryDirectory() as folder:
        store = fill_store(Path(folder), spaces)
        rows = []
        for title, weights in (("CNN", {CNN: 1.0}), ("SNN", {SNN: 1.0}), ("both", {CNN: 0.5, SNN: 0.5})):
            scores = ask_all(store, queries, weights, labels, data.test)
            low, high = bootstrap_interval(scores["all"])
            each = [f"{scores[name].mean():.3f}" for name in labels]
            rows.append([title, f"{scores['all'].mean():.3f} [{low:.3f}, {high:.3f}]", *each])
        store.close()
    figures = {"gallery": len(spaces[CNN]), "queries": len(data.test), "steps": steps}
    print_report("spike rates as a search space", figures, [["space", f"P@{K}, all right", *labels], *rows])


def choose_gallery(
    train: LabelledImages, val: LabelledImages, count: int
) -> list[tuple[LabelledImages, Sequence[int]]]:
    """Photos to search among: all, or so many of the training's."""
    if not count:
        return [(images, range(len(images))) for images in (train, val)]
    drawn = np.random.default_rng(0).permutation(len(train))[:count]
    return [(train, np.sort(drawn).tolist())]


def embed(network: SpikingNetwork, images: LabelledImages, rows: Sequence[int], steps: int) -> dict[str, Matrix]:
    """Unit-length rows of the last spiking layer: the CNN's activations, and how often each neuron spiked."""
    given = network.cnn.normalise(images.read_batch(rows))
    last = network.snn.list_spiking()[-1].name
    session = LayeredSession(network.cnn, activations=True)
    seen = [session.run_layers(given[start : start + 100])[last] for start in range(0, len(given), 100)]
    started = time.monotonic()
    with SpikingSimulator(network.snn, probed=[last]) as simulator:
        counts = simulator.count_each(given, steps)[last]
    print(f"{images.name}: {len(given):,} photos, {time.monotonic() - started:.0f} s of spiking")
    return {CNN: to_unit(np.concatenate(seen)), SNN: to_unit(counts)}


def to_unit(rows: NDArray[np.float32]) -> Matrix:
    """Rows of length 1; one of nothing points nowhere and is spread over all."""
    flat = rows.reshape(len(rows), -1)
    flat = np.where(flat.any(axis=1, keepdims=True), flat, np.float32(1))
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True), np.float32)


def fill_store(folder: Path, spaces: Mapping[str, Matrix]) -> Store:
    """An embedded store with both named vectors on every photo."""
    described = [Space(name=n, dimension=rows.shape[1], weights_sha256="") for n, rows in spaces.items()]
    store = open_edge_store(folder / "shard", spaces=described, schema={})
    count = len(next(iter(spaces.values())))
    points = [
        Point(
            item=Item(id=str(row), attributes={}, photos=(f"{row}.jpg",)),
            photo=PhotoRecord(index=0, link=f"{row}.jpg", sha256="", width=1, height=1),
            vectors={name: rows[row] for name, rows in spaces.items()},
            photos_sha256="",
            row_sha256="",
        )
        for row in range(count)
    ]
    for start in range(0, count, 256):
        store.upsert(points[start : start + 256])
    return store


def ask_all(
    store: Store,
    queries: Mapping[str, Matrix],
    weights: Mapping[str, float],
    labels: Mapping[str, NDArray[np.int64]],
    images: LabelledImages,
) -> dict[str, NDArray[np.float64]]:
    """P@10 of every query, by attribute and for all attributes together; a label that was not learnt is never right."""
    own = images.read_labels()
    gains: dict[str, list[Sequence[bool]]] = {name: [] for name in (*labels, "all")}
    for row in range(len(images)):
        legs = [Leg(space=name, vector=queries[name][row], weight=weight) for name, weight in weights.items()]
        found = [int(hit.point.item.id) for hit in store.find_nearest(legs, (), limit=K, exact=True)]
        right = {
            name: (values[found] == own[name][row]) & (values[found] != UNKNOWN) for name, values in labels.items()
        }
        for name, marks in right.items():
            gains[name].append(marks.tolist())
        gains["all"].append(np.all(list(right.values()), axis=0).tolist())
    return {name: precision_at_k(each, K) for name, each in gains.items()}


if __name__ == "__main__":
    main()
