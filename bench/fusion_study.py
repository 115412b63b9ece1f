"""How much colour should count beside a backbone: precision of the fused ranking over a range of weights.

    python -m bench.fusion_study [--feed FILE] [--encoder NAME] [--cache FILE] [--models FOLDER]

Queries are the rows of split `val`, the gallery those of `train`; rows of `test` are never read. Relevant is what has
the same value; a query counts where its value stands on at least ten rows of the gallery. Compares the weighted sum of
cosines with reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009), and the backbone's embeddings with the
same ones centred on the gallery's mean, or with the signed square root taken of each number.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.networks import DEFAULT_FEED
from search.embedding import normalise_rows
from search.encoders.registry import choose_backbone, open_encoder
from search.metrics import precision_at_k
from search.photo import decode_photo
from search.pools import to_embeddings

K = 10
WIDE_CLASS = 10
RANK_OFFSET = 60
BATCH = 16
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0)

Row = Mapping[str, str]
Matrix = NDArray[np.float32]


def main() -> None:
    """Embed (or take the embeddings of an earlier run), measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, default=DEFAULT_FEED, help="CSV with the columns image and split")
    parser.add_argument("--relevant", default="articleType,baseColour", help="two columns")
    parser.add_argument("--encoder", default="auto")
    parser.add_argument("--cache", type=Path, default=Path("fusion_study.npz"), help="embeddings; made where absent")
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    options = parser.parse_args()
    with options.feed.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in ("train", "val")]
    name = choose_backbone(models=options.models)[0] if options.encoder == "auto" else options.encoder
    color = embed_rows(rows, options.feed.parent, "color", options.models)
    backbone = load_embeddings(options.cache, rows, options.feed.parent, name, options.models)
    print_table(rows, backbone, color, options.relevant.split(","))


def load_embeddings(cache: Path, rows: Sequence[Row], folder: Path, name: str, models: Path) -> Matrix:
    """The cached embeddings where the file is of this encoder and these photos, else new ones, which it then holds."""
    key = np.array([name, *(row["image"] for row in rows)])
    if cache.is_file():
        with np.load(cache) as saved:
            if np.array_equal(saved["key"], key):
                return np.asarray(saved["embeddings"], dtype=np.float32)
    embeddings = embed_rows(rows, folder, name, models)
    np.savez(cache, key=key, embeddings=embeddings)
    return embeddings


def embed_rows(rows: Sequence[Row], folder: Path, name: str, models: Path) -> Matrix:
    """Embeddings of the rows' photos, shape (rows, dimension)."""
    encoder = open_encoder(name, models=models)
    parts = []
    for start in range(0, len(rows), BATCH):
        photos = [decode_photo((folder / row["image"]).read_bytes()).picture for row in rows[start : start + BATCH]]
        parts.append(to_embeddings(encoder.pool([encoder.prepare(photo) for photo in photos])))
    return np.concatenate(parts)


def print_table(rows: Sequence[Row], backbone: Matrix, color: Matrix, columns: Sequence[str]) -> None:
    """Precision of every fusion on each column and on both."""
    is_query = np.array([row["split"] == "val" for row in rows])
    labels = [np.array([row[column] for row in rows]) for column in columns]
    seen = [Counter(values[~is_query].tolist()) for values in labels]
    counted = [np.array([n[v] >= WIDE_CLASS for v in values[is_query]]) for n, values in zip(seen, labels, strict=True)]
    same = [values[is_query][:, None] == values[~is_query] for values in labels]
    marks = [*zip(same, counted, strict=True), (same[0] & same[1], counted[0] & counted[1])]

    table = Table("fusion", "color weight", *columns, "both", title=f"P@{K}, {is_query.sum()} queries")
    by_color = color[is_query] @ color[~is_query].T
    mean = backbone[~is_query].mean(axis=0)
    variants = {
        "sum": backbone,
        "sum, centred": normalise_rows(backbone - mean),
        "sum, square roots": normalise_rows(np.sign(backbone) * np.sqrt(np.abs(backbone))),
    }
    pairs = {name: (part[is_query] @ part[~is_query].T, by_color) for name, part in variants.items()}
    pairs[f"ranks, k = {RANK_OFFSET}"] = (_to_reciprocal_ranks(pairs["sum"][0]), _to_reciprocal_ranks(by_color))
    for name, (first, second) in pairs.items():
        for weight in WEIGHTS:
            order = np.argsort(-((1 - weight) * first + weight * second), axis=1, kind="stable")[:, :K]
            found = [precision_at_k(np.take_along_axis(mark, order, axis=1)[use], K).mean() for mark, use in marks]
            table.add_row(name, f"{weight:.2f}", *(f"{value:.4f}" for value in found))
    Console().print(table)


def _to_reciprocal_ranks(scores: Matrix) -> Matrix:
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return np.asarray(1 / (RANK_OFFSET + 1 + ranks), dtype=np.float32)


if __name__ == "__main__":
    main()
