"""The same photos and vectors in other libraries, on the same machine, one query after another.

    python -m bench.peers [--feed FEED] [--encoder NAME] [--photos N] [--queries N] [--label NAME ...]

Two comparisons:

- **Stores**: the backbone's embeddings of the feed's photos, the queries' own left out, in numpy, scikit-learn, FAISS
  (flat and HNSW), qdrant-client's local mode, and Vitrine's own store on Qdrant Edge, whose answers bring the items'
  payloads along. Median and p95 of one query for ten hits on one thread of the caller, seconds to build, and
  recall@10: the share of the ten hits that are as near as the tenth true one. So two equal photos are as good as each
  other.
- **Start to end**: from a photo's bytes to its ten most similar items, by Vitrine's decoder, network and store, and by
  imagededup's perceptual hash, which needs no weights (`pip install imagededup`; left out where it is not there). With
  P@10 on each attribute given with `--label`.

Embeddings are kept in `--cache`, so that a second run starts at once.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measuring import print_report, summarise_ms, time_calls
from bench.networks import DEFAULT_FEED, find_recipe, list_items
from bench.peer_stores import PEERS, K, measure_peer, open_vitrine
from indexer.relevance import list_values
from search.encoder import Encoder
from search.encoders.registry import open_encoder
from search.filters import Scalar
from search.photo import decode_photo
from search.pools import to_embeddings

BATCH = 32

FindByPhoto = Callable[[Path], Sequence[int]]
"""A photo file to the rows of its ten nearest."""

OpenWay = Callable[[], FindByPhoto]

Labels = Mapping[str, Sequence[tuple[Scalar, ...]]]
"""Each photo's values, by attribute."""

Neighbours = NDArray[np.intp]
"""Row numbers of each query's hits, nearest first, shape (queries, K)."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, default=DEFAULT_FEED, help="where photos are taken from")
    parser.add_argument("--encoder", default="auto")
    parser.add_argument("--photos", type=int, default=6_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--label", nargs="*", default=["product_type", "color"], help="attributes that judge hits")
    parser.add_argument("--cache", type=Path, default=Path(".cache/bench"), help="folder of graphs and embeddings")
    options = parser.parse_args()
    recipe = find_recipe(options.encoder, models=options.cache / "models")
    encoder = open_encoder(recipe.card.name, models=options.cache / "models")
    items = list_items(options.feed, options.photos)
    photos = [path for path, _ in items]
    vectors = load_vectors(encoder, photos, options.cache)
    drawn = np.random.default_rng(0).permutation(len(photos))
    asked, kept = np.sort(drawn[: options.queries]), np.sort(drawn[options.queries :])
    compare_stores(recipe.card.name, vectors[kept], vectors[asked])
    labels = {name: [list_values(item, name) for _, item in items] for name in options.label}
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
        compare_ends(encoder, vectors, photos, (asked, kept), labels, Path(folder))


def load_vectors(encoder: Encoder, photos: Sequence[Path], cache: Path) -> NDArray[np.float32]:
    """Embeddings of the photos, shape (photos, dimension); from the cache where they were made before."""
    names = "\n".join(f"{path.name} {path.stat().st_size}" for path in photos)
    key = hashlib.sha256(f"{encoder.space}\n{names}".encode()).hexdigest()[:16]
    file = cache / f"{encoder.space.name}-{key}.npy"
    if not file.exists():
        print(f"embedding {len(photos):,} photos with {encoder.space.name}, once")
        parts = [embed_photos(encoder, photos[start : start + BATCH]) for start in range(0, len(photos), BATCH)]
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, np.concatenate(parts))
    return np.asarray(np.load(file), dtype=np.float32)


def embed_photos(encoder: Encoder, paths: Sequence[Path]) -> NDArray[np.float32]:
    """Embeddings of photo files, shape (photos, dimension)."""
    prepared = [encoder.prepare(decode_photo(path.read_bytes()).picture) for path in paths]
    return to_embeddings(encoder.pool(prepared))


def compare_stores(encoder: str, gallery: NDArray[np.float32], queries: NDArray[np.float32]) -> None:
    """The first comparison, printed."""
    scores = queries @ gallery.T
    tenth = np.sort(scores, axis=1)[:, -K]
    figures = {}
    for name, open_peer in PEERS.items():
        with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
            figures[name] = measure_peer(open_peer, gallery, queries, (scores, tenth), Path(folder))
    rows: list[Sequence[object]] = [
        (f"{len(gallery):,} vectors, {encoder}", "median ms", "p95 ms", "recall@10", "build s")
    ]
    for name, found in figures.items():
        rows.append((name, found["median_ms"], found["p95_ms"], found["recall_at_10"], found["build_s"]))
    print_report("peers: stores", {"encoder": encoder, "gallery": len(gallery), "stores": figures}, rows)


def compare_ends(
    encoder: Encoder,
    vectors: NDArray[np.float32],
    photos: Sequence[Path],
    split: tuple[Neighbours, Neighbours],
    labels: Labels,
    folder: Path,
) -> None:
    """The second comparison, printed."""
    asked, kept = split
    ways: dict[str, OpenWay] = {
        f"vitrine, {encoder.space.name}": lambda: open_network_search(encoder, vectors[kept], folder),
        "imagededup, PHash": lambda: open_hash_search([photos[row] for row in kept]),
    }
    if importlib.util.find_spec("imagededup") is None:
        del ways["imagededup, PHash"]
        print("imagededup is not installed: its row is left out")
    figures = {}
    for name, open_way in ways.items():
        answers, took = answer_queries(open_way(), [photos[row] for row in asked])
        figures[name] = {**summarise_ms(took), **judge(answers, split, labels)}
    heads = [f"P@{K} {attribute}" for attribute in labels]
    rows: list[Sequence[object]] = [(f"bytes to {K} hits, {len(kept):,} photos", "median ms", "p95 ms", *heads)]
    for name, found in figures.items():
        rows.append(
            (name, found["median_ms"], found["p95_ms"], *(found[f"p_at_{K}_{attribute}"] for attribute in labels))
        )
    print_report("peers: start to end", {"gallery": len(kept), "ways": figures}, rows)


def answer_queries(find: FindByPhoto, photos: Sequence[Path]) -> tuple[Sequence[Sequence[int]], Sequence[float]]:
    """The hits of every photo, and the milliseconds each took; the first photo is asked once more beforehand."""
    answers: list[Sequence[int]] = []

    def answer(path: Path) -> None:
        answers.append(find(path))

    find(photos[0])
    took = time_calls(answer, photos)
    return answers, took


def open_network_search(encoder: Encoder, gallery: NDArray[np.float32], folder: Path) -> FindByPhoto:
    """Search as Vitrine does: decode, prepare, one forward pass, the embedded store."""
    find_nearest = open_vitrine(gallery, folder)
    return lambda path: find_nearest(embed_photos(encoder, [path])[0])


def open_hash_search(gallery: Sequence[Path]) -> FindByPhoto:
    """Search by imagededup's PHash: 64 bits a photo, the nearest by Hamming distance, all compared with numpy."""
    # By name, as the library is not one that Vitrine installs.
    hasher: Any = importlib.import_module("imagededup.methods").PHash(verbose=False)

    def encode(path: Path) -> np.uint64:
        return np.uint64(int(hasher.encode_image(image_file=path), 16))

    known = np.array([encode(path) for path in gallery], dtype=np.uint64)

    def find(path: Path) -> Sequence[int]:
        different = np.unpackbits((known ^ encode(path)).view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1)
        return list(np.argsort(different, kind="stable")[:K])

    return find


def judge(
    answers: Sequence[Sequence[int]],
    split: tuple[Neighbours, Neighbours],
    labels: Labels,
) -> dict[str, float]:
    """Share of the ten hits that share a value with the query, for each attribute."""
    asked, kept = split
    figures: dict[str, float] = {}
    for name, values in labels.items():
        same = [
            not set(values[kept[hit]]).isdisjoint(values[query])
            for query, hits in zip(asked, answers, strict=True)
            for hit in hits
        ]
        figures[f"p_at_{K}_{name}"] = round(float(np.mean(same)), 4)
    return figures


if __name__ == "__main__":
    main()
