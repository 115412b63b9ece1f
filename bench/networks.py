"""Photos and networks as the measurements need them: batches ready for a forward pass, and the bare pass itself.

The same decoding, preparing, graph, batch and thread count as indexing uses; nothing around them.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.feed import FeedRow, check_photo, open_feed
from search.encoder import Encoder
from search.encoders.graph import NetworkRecipe, obtain_graph
from search.encoders.registry import choose_backbone
from search.errors import FeedError
from search.item import Item
from search.photo import decode_photo

Batch = NDArray[np.generic]
"""Photos as a graph takes them, uint8, shape (photos, side, side, 3)."""

DEFAULT_FEED = Path("../shared/catalogue/products.csv")


def list_items(feed: Path, count: int) -> Sequence[tuple[Path, Item]]:
    """The first items of a feed whose main photo is there, each with that photo's file."""
    rows = open_feed(feed)
    found: list[tuple[Path, Item]] = []
    for row in rows:
        if len(found) == count:
            break
        if isinstance(row, FeedRow) and row.item.photos:
            with contextlib.suppress(FeedError):
                found.append((check_photo(row.item.photos[0], rows.root), row.item))
    if not found:
        raise SystemExit(f"no row of {feed} has a photo that is there: name another feed with --feed")
    return found


def list_photos(feed: Path, count: int) -> Sequence[Path]:
    """The main photos of the first items of a feed."""
    return [path for path, _ in list_items(feed, count)]


def find_recipe(name: str, *, models: Path) -> NetworkRecipe:
    """How the graph of a network is made; `auto` is what indexing would choose."""
    if name == "auto":
        name, _ = choose_backbone(models=models)
    recipe = getattr(importlib.import_module(f"search.encoders.{name}"), "RECIPE", None)
    if not isinstance(recipe, NetworkRecipe):
        raise SystemExit(f"{name} is not a network: there is no graph to run bare")
    return recipe


def prepare_batches(encoder: Encoder, photos: Sequence[Path], size: int) -> Sequence[Batch]:
    """Whole batches of decoded and prepared photos; what is left over is dropped."""
    ready = [encoder.prepare(decode_photo(path.read_bytes()).picture) for path in photos]
    batches = [np.stack(ready[start : start + size]) for start in range(0, len(ready), size)]
    return [batch for batch in batches if len(batch) == size] or batches


def open_bare_session(recipe: NetworkRecipe, *, models: Path, threads: int) -> Callable[[Batch], NDArray[np.float32]]:
    """The graph as a function from a batch to its pooled maps, with an encoder's options and nothing else."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    path = obtain_graph(recipe, models=models, progress=None).path
    session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda batch: np.asarray(session.run(["pool"], {"photos": batch})[0], dtype=np.float32)


def measure_side_by_side(
    run: Callable[[Batch], object], batches: Sequence[Batch], *, workers: int, seconds: float
) -> float:
    """Photos per second of this many threads that run passes of their own, as indexing does."""
    with ThreadPoolExecutor(workers) as pool:
        rates = pool.map(lambda _: measure_rate(run, batches, seconds=seconds), range(workers))
    return sum(rates)


def measure_rate(run: Callable[[Batch], object], batches: Sequence[Batch], *, seconds: float) -> float:
    """Photos per second of a forward pass over prepared batches, again and again for about this long."""
    run(batches[0])
    photos = 0
    start = time.perf_counter()
    for batch in itertools.cycle(batches):
        run(batch)
        photos += len(batch)
        took = time.perf_counter() - start
        if took >= seconds:
            return photos / took
    raise SystemExit("there are no batches to measure")
