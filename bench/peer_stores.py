"""Vector stores and libraries as one function from a query to its ten nearest rows, for `bench.peers`.

Each opener takes the gallery and a folder of its own, and builds what the library needs to answer. A library is
imported when its turn comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measuring import summarise_ms, time_calls

K = 10

Matrix = NDArray[np.float32]
"""Unit-length rows, shape (photos, dimension)."""

Find = Callable[[Matrix], Sequence[int]]
"""One query, shape (dimension,), to the rows of its K nearest."""

OpenPeer = Callable[[Matrix, Path], Find]


def measure_peer(
    open_peer: OpenPeer, gallery: Matrix, queries: Matrix, truth: tuple[Matrix, NDArray[np.float32]], folder: Path
) -> dict[str, float]:
    """Build, warm up, ask every query once.

    Args:
        truth: every query's cosine with every row of the gallery, and with its tenth nearest.
    """
    start = time.perf_counter()
    find = open_peer(gallery, folder)
    built = time.perf_counter() - start
    for query in queries[:5]:
        find(query)
    answers: list[Sequence[int]] = []
    took = time_calls(lambda query: answers.append(find(query)), queries)
    scores, tenth = truth
    hits = [(scores[n, list(rows)] >= tenth[n] - 1e-5).sum() / K for n, rows in enumerate(answers)]
    return {**summarise_ms(took), "recall_at_10": round(float(np.mean(hits)), 4), "build_s": round(built, 2)}


def open_numpy(gallery: Matrix, _folder: Path) -> Find:
    """One matrix product and a partial sort."""

    def find(query: Matrix) -> Sequence[int]:
        scores = gallery @ query
        nearest = np.argpartition(-scores, K)[:K]
        return [int(row) for row in nearest[np.argsort(-scores[nearest])]]

    return find


def open_sklearn(gallery: Matrix, _folder: Path) -> Find:
    """`NearestNeighbors`, cosine, which compares with every row."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(gallery)
    return lambda query: [int(row) for row in index.kneighbors(query[None], return_distance=False)[0]]


def open_faiss_flat(gallery: Matrix, _folder: Path) -> Find:
    """`IndexFlatIP`: compares with every row."""
    import faiss

    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)
    return lambda query: [int(row) for row in index.search(query[None], K)[1][0]]


def open_faiss_hnsw(gallery: Matrix, _folder: Path) -> Find:
    """`IndexHNSWFlat` with 16 links, 128 candidates when building and searching: what our engine is set to."""
    import faiss

    index = faiss.IndexHNSWFlat(gallery.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 128
    index.hnsw.efSearch = 128
    index.add(gallery)
    return lambda query: [int(row) for row in index.search(query[None], K)[1][0] if row >= 0]


def open_qdrant_local(gallery: Matrix, _folder: Path) -> Find:
    """qdrant-client without a server: numpy in the process."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    size = gallery.shape[1]
    client.create_collection("bench", vectors_config=models.VectorParams(size=size, distance=models.Distance.DOT))
    client.upload_collection("bench", vectors=gallery, ids=range(len(gallery)))
    return lambda query: [int(hit.id) for hit in client.query_points("bench", query=query, limit=K).points]


def open_vitrine(gallery: Matrix, folder: Path) -> Find:
    """Vitrine's embedded store as the command line opens it, payloads and all."""
    from search.embedding import Space
    from search.item import Item, PhotoRecord
    from search.store import Leg, Point
    from search.stores.edge import open_edge_store

    space = Space(name="bench", dimension=gallery.shape[1], weights_sha256="")
    store = open_edge_store(folder / "shard", spaces=[space], schema={})
    points = [
        Point(
            item=Item(id=str(row), attributes={"title": f"photo {row}"}, photos=(f"{row}.jpg",)),
            photo=PhotoRecord(index=0, link=f"{row}.jpg", sha256="", width=224, height=224),
            vectors={"bench": vector},
            photos_sha256="",
            row_sha256="",
        )
        for row, vector in enumerate(gallery)
    ]
    for start in range(0, len(points), 256):
        store.upsert(points[start : start + 256])
    store.optimize()

    def find(query: Matrix) -> Sequence[int]:
        legs = [Leg(space="bench", vector=query, weight=1.0)]
        return [int(found.point.item.id) for found in store.find_nearest(legs, (), limit=K)]

    return find


PEERS: Mapping[str, OpenPeer] = {
    "vitrine, Qdrant Edge": open_vitrine,
    "numpy": open_numpy,
    "scikit-learn, brute": open_sklearn,
    "FAISS flat": open_faiss_flat,
    "FAISS HNSW": open_faiss_hnsw,
    "qdrant-client, local": open_qdrant_local,
}
