"""A network in ONNX Runtime against the same network in torch, eager.

    python -m bench.encoders [--encoder NAME] [--photos N] [--seconds S]

Same weights, same prepared photos, same batch, same number of threads, in one process. The two take turns, several
rounds of each, and the ratio is the median of the rounds' ratios, so that a busy machine slows both. The difference is
the largest between any two numbers of the unit-length embeddings of all photos, and of the pools before scaling.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measuring import print_report
from bench.networks import (
    DEFAULT_FEED,
    Batch,
    find_recipe,
    list_photos,
    measure_rate,
    open_bare_session,
    prepare_batches,
)
from indexer.pipeline import EMBED_BATCH
from search.embedding import normalise_rows
from search.encoders.graph import NetworkRecipe, obtain_weights
from search.encoders.onnx_export import build_graph
from search.encoders.registry import open_encoder

ROUNDS = 10

Run = Callable[[Batch], NDArray[np.float32]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, default=DEFAULT_FEED, help="where photos are taken from")
    parser.add_argument("--encoder", default="auto")
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each of the two, over all rounds")
    parser.add_argument("--models", type=Path, help="folder of graphs; a temporary one where not given")
    options = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
        models: Path = options.models or Path(folder)
        recipe = find_recipe(options.encoder, models=models)
        encoder = open_encoder(recipe.card.name, models=models, threads=threads)
        batches = prepare_batches(encoder, list_photos(options.feed, options.photos), EMBED_BATCH)
        onnx = open_bare_session(recipe, models=models, threads=threads)
        eager = open_eager(recipe, models=models, threads=threads)
    rates = take_turns((onnx, eager), batches, options.seconds)
    report(recipe, threads, rates, compare(onnx, eager, batches))


def open_eager(recipe: NetworkRecipe, *, models: Path, threads: int) -> Run:
    """The network the graph was exported from, in torch, with its normalisation and pool."""
    import torch

    torch.set_num_threads(threads)
    module, function = recipe.builder.split(":")
    network = getattr(importlib.import_module(module), function)(obtain_weights(recipe, models=models, progress=None))
    graph = build_graph(network, mean=recipe.card.mean, std=recipe.card.std)

    def run(batch: Batch) -> NDArray[np.float32]:
        with torch.inference_mode():
            pool, _ = graph(torch.from_numpy(batch))
        return np.asarray(pool.numpy(), dtype=np.float32)

    return run


def take_turns(runs: Sequence[Run], batches: Sequence[Batch], seconds: float) -> Sequence[Sequence[float]]:
    """Photos per second of each, in each of the rounds."""
    rates: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, measured in zip(runs, rates, strict=True):
            measured.append(measure_rate(run, batches, seconds=seconds / ROUNDS))
    return rates


def compare(one: Run, other: Run, batches: Sequence[Batch]) -> tuple[float, float]:
    """Largest difference of any number of the embeddings, and of the pools."""
    ours = np.concatenate([one(batch) for batch in batches])
    theirs = np.concatenate([other(batch) for batch in batches])
    embeddings = np.abs(normalise_rows(ours) - normalise_rows(theirs)).max()
    return float(embeddings), float(np.abs(ours - theirs).max())


def report(
    recipe: NetworkRecipe, threads: int, rates: Sequence[Sequence[float]], differences: tuple[float, float]
) -> None:
    """Print the figures."""
    onnx, eager = (float(np.median(measured)) for measured in rates)
    ratio = float(np.median([one / other for one, other in zip(*rates, strict=True)]))
    figures = {
        "encoder": recipe.card.name,
        "batch": EMBED_BATCH,
        "threads": threads,
        "onnx_photos_per_second": round(onnx, 2),
        "torch_photos_per_second": round(eager, 2),
        "onnx_to_torch": round(ratio, 3),
        "rounds": [[round(rate, 2) for rate in measured] for measured in rates],
        "max_difference_embedding": differences[0],
        "max_difference_pool": differences[1],
    }
    rows = [
        (recipe.card.name, "photos/s", "to torch"),
        ("ONNX Runtime", onnx, ratio),
        ("torch, eager", eager, 1.0),
        ("largest difference of an embedding", f"{differences[0]:.1e}", ""),
    ]
    print_report("encoders", figures, rows)


if __name__ == "__main__":
    main()
