"""What measurements stand on: the memory of a process tree, and the figures of a row of timings."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from bench.measuring import list_tree, print_report, run_watched, summarise_ms

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux' /proc")

ALLOCATE = """
import os, sys, time
block = bytearray(os.urandom(1)) * (120 * 2**20)
child = os.fork()
time.sleep(0.8)
if child:
    os.waitpid(child, 0)
    print(os.environ["BENCH_WORD"])
    sys.exit(3)
"""


def test_memory_of_a_tree_counts_shared_pages_once_at_the_peak_and_twice_at_high_water() -> None:
    run = run_watched([sys.executable, "-c", ALLOCATE], settings={"BENCH_WORD": "seen"})
    assert (run.code, run.stdout.strip(), run.processes) == (3, "seen", 2)
    assert run.seconds > 0.8
    # Parent and child share the 120 MiB until one of them writes.
    assert 120 <= run.peak_mib < 200
    assert run.high_water_mib > 240


def test_tree_of_a_process_holds_itself_and_nothing_that_is_gone() -> None:
    assert os.getpid() in list_tree(os.getpid())
    assert os.getppid() not in list_tree(os.getpid())
    assert list_tree(2**30) == []


def test_report_ends_with_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_report("speed", {"rate": 1.5}, [("name", "value"), ("rate", 1.5)])
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["bench"], last["rate"]) == ("speed", 1.5)
    assert last["machine"]["cores"] >= 1


def test_median_and_95th_percentile_of_timings() -> None:
    assert summarise_ms([float(n) for n in range(101)]) == {"median_ms": 50.0, "p95_ms": 95.0}
