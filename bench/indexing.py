"""Indexing from start to end against the bare network, its memory, and a second run over the same feed.

    python -m bench.indexing [--feed FEED] [--encoder NAME] [--bare-seconds S]

Compared in one run on one machine:

- **bare**: ONNX Runtime alone, `session.run` of the backbone's graph on batches prepared beforehand, of the size that
  indexing uses. Once as it comes, each pass spread over all cores, and once as indexing runs it, passes on one thread
  each, side by side. Measured before and after, and averaged, as a busy machine drifts.
- **index**: `vitrine index FEED` as a user runs it, in its own process, into a new folder: feed, decoding, every
  encoder, store, thumbnails, journal. The rate is the command's own `photos_per_second` and, as `wall`, photos over
  the whole process's time with the interpreter's start. The graph is exported beforehand: that happens once a machine.
- **memory** of that process and its children, as `bench.measuring` defines peak and high water.
- **again**: the same command once more, with nothing changed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.measuring import FinishedRun, print_report, run_watched
from bench.networks import (
    DEFAULT_FEED,
    find_recipe,
    list_photos,
    measure_rate,
    measure_side_by_side,
    open_bare_session,
    prepare_batches,
)
from indexer.pipeline import EMBED_BATCH
from search.encoders.graph import NetworkRecipe
from search.encoders.registry import open_encoder

PREPARED = 256


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, default=DEFAULT_FEED)
    parser.add_argument("--encoder", default="auto", help="backbone; auto is what indexing chooses")
    parser.add_argument("--bare-seconds", type=float, default=20.0, help="length of each of the two bare measurements")
    parser.add_argument("--folder", type=Path, help="where the temporary catalogue is put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="vitrine-bench-") as name:
        data = Path(name)
        recipe = find_recipe(options.encoder, models=data / "models")
        before = measure_bare(recipe, options.feed, data / "models", options.bare_seconds)
        first, run = index(data, options.feed, recipe)
        second, again = index(data, options.feed, recipe)
        after = measure_bare(recipe, options.feed, data / "models", options.bare_seconds)
    report(recipe, (before, after), first, run, second, again)


def measure_bare(recipe: NetworkRecipe, feed: Path, models: Path, seconds: float) -> tuple[float, float]:
    """Photos per second of the network alone: each pass over all cores, and passes side by side, one a core.

    The sessions are gone when this returns, and their threads with them.
    """
    encoder = open_encoder(recipe.card.name, models=models)
    batches = prepare_batches(encoder, list_photos(feed, PREPARED), EMBED_BATCH)
    spread = measure_rate(open_bare_session(recipe, models=models, threads=0), batches, seconds=seconds / 2)
    single = open_bare_session(recipe, models=models, threads=1)
    return spread, measure_side_by_side(single, batches, workers=os.cpu_count() or 1, seconds=seconds / 2)


def index(data: Path, feed: Path, recipe: NetworkRecipe) -> tuple[dict[str, Any], FinishedRun]:
    """What `vitrine index` said, and what it took. Exit code 3 says that rows failed: that is a result too."""
    command = [sys.executable, "-m", "vitrine", "--data", str(data), "index", str(feed), "--json"]
    settings = {"VITRINE_ENCODER": recipe.card.name, "VITRINE_MODELS": str(data / "models"), "VITRINE_THREADS": "0"}
    run = run_watched(command, settings=settings)
    if run.code not in (0, 3):
        raise SystemExit(f"indexing ended with exit code {run.code}:\n{run.stderr[-2_000:]}")
    return json.loads(run.stdout), run


def report(
    recipe: NetworkRecipe,
    bare: Sequence[tuple[float, float]],
    first: dict[str, Any],
    run: FinishedRun,
    second: dict[str, Any],
    again: FinishedRun,
) -> None:
    """Print the figures."""
    spread, beside = (sum(rates) / len(rates) for rates in zip(*bare, strict=True))
    photos = first["indexed"]
    figures = {
        "encoder": recipe.card.name,
        "batch": EMBED_BATCH,
        "bare_over_all_cores": round(spread, 2),
        "bare_side_by_side": round(beside, 2),
        "bare_before_after": [[round(one, 2) for one in rates] for rates in bare],
        "index_photos_per_second": first["photos_per_second"],
        "index_to_bare_over_all_cores": round(first["photos_per_second"] / spread, 3),
        "index_to_bare_side_by_side": round(first["photos_per_second"] / beside, 3),
        "index_wall_to_bare_side_by_side": round(photos / run.seconds / beside, 3),
        "first": {"seconds": first["seconds"], "wall_seconds": round(run.seconds, 2), "indexed": photos},
        "second": {"seconds": second["seconds"], "wall_seconds": round(again.seconds, 2)},
        "unchanged": second["unchanged"],
        "failed": first["failed"],
        "first_to_second": round(first["seconds"] / max(second["seconds"], 1e-3), 1),
        "first_to_second_wall": round(run.seconds / again.seconds, 1),
        "peak_mib": round(run.peak_mib),
        "high_water_mib": round(run.high_water_mib),
        "processes": run.processes,
    }
    rows = [
        ("indexing", "photos/s", "seconds", "to bare side by side"),
        ("bare network, each pass over all cores", spread, "", spread / beside),
        ("bare network, passes side by side", beside, "", 1.0),
        ("vitrine index", first["photos_per_second"], first["seconds"], figures["index_to_bare_side_by_side"]),
        ("  whole process", photos / run.seconds, run.seconds, figures["index_wall_to_bare_side_by_side"]),
        (f"again, {second['unchanged']} unchanged", "", second["seconds"], f"{figures['first_to_second']} x faster"),
        ("  whole process", "", again.seconds, f"{figures['first_to_second_wall']} x faster"),
        (f"memory: {run.peak_mib:,.0f} MiB peak", f"{run.high_water_mib:,.0f} MiB high water", "", ""),
    ]
    print_report("indexing", figures, rows)


if __name__ == "__main__":
    main()
