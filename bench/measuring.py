"""Time and memory of other processes and of calls, and the tables they are shown in.

Memory is read from Linux' /proc and from nothing else, so that measuring needs no further package. Knows nothing of
what is measured.

Two figures stand for the memory of a process tree, and the truth lies between them:

- **peak**: every 200 ms the PSS of all processes of the tree is added up, and the largest sum kept. PSS (proportional
  set size) counts a page that n processes share as 1/n in each, so that a library mapped by four workers counts once.
  What rises and falls between two looks is missed.
- **high water**: for each process the kernel's own high-water mark of its resident memory (VmHWM), added up. Misses
  nothing, but counts shared pages once a process, and peaks of different moments together.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

T = TypeVar("T")

_PROC = Path("/proc")
_PERIOD_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A program that ran to its end.

    Attributes:
        seconds: wall clock from start to end, the interpreter's own start included.
        peak_mib, high_water_mib: memory of the process tree, as the module's docstring defines them.
        processes: how many processes the tree had in all.
    """

    stdout: str
    stderr: str
    code: int
    seconds: float
    peak_mib: float
    high_water_mib: float
    processes: int


class MemoryWatch:
    """Looks at the memory of a process and its descendants until the `with` block ends."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._peak_kib = 0
        self._high_water_kib: dict[int, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    @property
    def peak_mib(self) -> float:
        """Largest sum of PSS at one moment, MiB."""
        return self._peak_kib / 1024

    @property
    def high_water_mib(self) -> float:
        """Sum of every process's own high-water mark, MiB."""
        return sum(self._high_water_kib.values()) / 1024

    @property
    def processes(self) -> int:
        """How many processes were seen."""
        return len(self._high_water_kib)

    def _watch(self) -> None:
        while True:
            now = 0
            for pid in list_tree(self._pid):
                now += _read_kib(_PROC / str(pid) / "smaps_rollup", "Pss:")
                mark = _read_kib(_PROC / str(pid) / "status", "VmHWM:")
                self._high_water_kib[pid] = max(mark, self._high_water_kib.get(pid, 0))
            self._peak_kib = max(self._peak_kib, now)
            if self._done.wait(_PERIOD_S):
                return


def list_tree(root: int) -> Sequence[int]:
    """The process and its descendants, as far as they run now."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                # The second field is the program's name in brackets and may hold anything; the parent follows it.
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    tree = [root] if (_PROC / str(root)).exists() else []
    for pid in tree:
        tree.extend(children.get(pid, ()))
    return tree


def run_watched(command: Sequence[str], *, settings: Mapping[str, str]) -> FinishedRun:
    """Run a program to its end, and watch what it takes.

    Its streams go through pipes, so that it shows no progress bars, as under a scheduler.

    Args:
        settings: environment variables beside the present ones.
    """
    start = time.perf_counter()
    with (
        subprocess.Popen(
            command,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        MemoryWatch(process.pid) as watch,
    ):
        stdout, stderr = process.communicate()
        seconds = time.perf_counter() - start
    return FinishedRun(
        stdout=stdout,
        stderr=stderr,
        code=process.returncode,
        seconds=seconds,
        peak_mib=watch.peak_mib,
        high_water_mib=watch.high_water_mib,
        processes=watch.processes,
    )


def time_calls(call: Callable[[T], object], arguments: Iterable[T]) -> Sequence[float]:
    """Milliseconds of each call, one after another."""
    took: list[float] = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        took.append((time.perf_counter() - start) * 1_000)
    return took


def summarise_ms(took: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile of milliseconds."""
    return {"median_ms": round(float(np.median(took)), 3), "p95_ms": round(float(np.quantile(took, 0.95)), 3)}


def describe_machine() -> dict[str, object]:
    """What the figures were taken on: they mean nothing without it."""
    model = platform.machine()
    for line in (_PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "load_1m": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def print_report(title: str, figures: Mapping[str, object], rows: Sequence[Sequence[object]]) -> None:
    """A table for a reader, then everything as one line of JSON for a program, both on stdout.

    Args:
        figures: what was measured; the machine is added to it.
        rows: of the table, the first one being its head.
    """
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(rows[0]):
        table.add_column(str(column), justify="left" if number == 0 else "right")
    for row in rows[1:]:
        table.add_row(*(f"{cell:,.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(soft_wrap=True).print(table)
    print(json.dumps({"bench": title, **figures, "machine": describe_machine()}, ensure_ascii=False))


def _read_kib(path: Path, field: str) -> int:
    """A `Name:   123 kB` line of a /proc file; 0 where the process is gone."""
    try:
        for line in path.read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return 0
