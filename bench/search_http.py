"""Search by photo over HTTP: how long a user waits, and which stage takes it.

    python -m bench.search_http --data DIR [--feed FEED] [--photos N] [--limit N]

Starts `vitrine serve` on an indexed data directory and a free port, and posts photos one after another with one
client that keeps its connection. Total is the client's own clock from before the request to after the body. decode,
embed and search are what the server says of itself in `took_ms`; other is what is left: HTTP, waiting, JSON and the
client. The figure to watch is everything but embed: what Vitrine adds to the model. embed is every encoder of the
catalogue, so the forward pass and the little that measuring colour from a prepared photo takes.
The first requests load the model and are not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import numpy as np

from bench.measuring import MemoryWatch, print_report, summarise_ms
from bench.networks import DEFAULT_FEED, list_photos

STAGES = ("decode", "embed", "search")
WARM_UP = 10
START_TIMEOUT_S = 120.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data directory that was indexed before")
    parser.add_argument("--feed", type=Path, default=DEFAULT_FEED, help="where photos are taken from")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--limit", type=int, default=24, help="hits asked for, as the page does")
    options = parser.parse_args()
    every = list_photos(options.feed, 1_000_000)
    chosen = np.random.default_rng(0).choice(len(every), size=min(options.photos + WARM_UP, len(every)), replace=False)
    photos = [every[position] for position in chosen]
    with serve(options.data) as (url, watch), httpx.Client(base_url=url, timeout=60.0) as client:
        items = client.get("/v1/info").raise_for_status().json()["items"]
        for path in photos[:WARM_UP]:
            post_photo(client, path, options.limit)
        measured = [post_photo(client, path, options.limit) for path in photos[WARM_UP:]]
    report(measured, items, options.limit, watch)


@contextlib.contextmanager
def serve(data: Path) -> Iterator[tuple[str, MemoryWatch]]:
    """A server of its own on this data directory, until the block ends: its address, and a watch on its memory."""
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
        ready = Path(folder) / "ready.json"
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "vitrine", "--data", str(data), "serve", "--port", "0"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--ready-file", str(ready)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, "VITRINE_API_KEYS": ""},
            )
        try:
            url = wait_until_ready(process, ready, log)
            with MemoryWatch(process.pid) as watch:
                yield url, watch
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> str:
    """The server's address, once it has written it."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(
                f"the server ended with exit code {process.returncode}:\n{log.read_text('utf-8')[-2_000:]}"
            )
        if ready.exists():
            return str(json.loads(ready.read_text("utf-8"))["url"])
        time.sleep(0.05)
    raise SystemExit(f"the server was not ready after {START_TIMEOUT_S:.0f} s:\n{log.read_text('utf-8')[-2_000:]}")


def post_photo(client: httpx.Client, path: Path, limit: int) -> Mapping[str, float]:
    """Milliseconds of each stage of one search."""
    data = path.read_bytes()
    start = time.perf_counter()
    answer = client.post("/v1/search", files={"photo": (path.name, data)}, data={"query": json.dumps({"limit": limit})})
    total = (time.perf_counter() - start) * 1_000
    took = answer.raise_for_status().json()["took_ms"]
    stages = {stage: float(took.get(stage) or 0.0) for stage in STAGES}
    return {
        **stages,
        "other": total - sum(stages.values()),
        "total": total,
        "all but embed": total - stages["embed"],
    }


def report(measured: Sequence[Mapping[str, float]], items: int, limit: int, watch: MemoryWatch) -> None:
    """Print the figures."""
    names = list(measured[0])
    columns = {name: summarise_ms([row[name] for row in measured]) for name in names}
    sums = {name: sum(row[name] for row in measured) for name in names}
    shares = {name: round(sums[name] / sums["total"], 4) for name in names}
    figures = {
        "items": items,
        "photos": len(measured),
        "limit": limit,
        "stages": {name.replace(" ", "_"): {**columns[name], "share": shares[name]} for name in names},
        "peak_mib": round(watch.peak_mib),
        "high_water_mib": round(watch.high_water_mib),
    }
    rows: list[Sequence[object]] = [(f"{items:,} items, one client", "median ms", "p95 ms", "share")]
    rows += [(name, columns[name]["median_ms"], columns[name]["p95_ms"], f"{shares[name]:.1%}") for name in names]
    print_report("search_http", figures, rows)


if __name__ == "__main__":
    main()
