"""`kill -9` on `vitrine similar` at every write it makes: the same command gives the file of a run in one go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from indexer.similar_parts import find_parts
from tests.contracts.drawn_shop import draw_shop, write_csv
from tests.vitrine.conftest import SETTINGS

PROGRAM = """
import os, signal, sys
from pathlib import Path
from indexer import similar_export
similar_export.PART_ITEMS = 8
fatal, when = int(sys.argv[1]), sys.argv[2]
real, seen = Path.replace, [0]

def replace(self, target):
    here = seen[0] == fatal
    seen[0] += 1
    if here and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(self, target)
    if here:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

Path.replace = replace
from vitrine.__main__ import main
sys.argv = ["vitrine", *sys.argv[3:]]
main()
"""
NEVER = 1_000
ITEMS = 20


def run_similar(data: Path, to: Path, fatal: int = NEVER, when: str = "before") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which kills itself at a rename."""
    program = [sys.executable, "-c", PROGRAM, str(fatal), when]
    return subprocess.run(
        [*program, "--data", str(data), "similar", "--all", "--out", str(to), "-k", "3", "--json"],
        env={**os.environ, **SETTINGS},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A data directory with twenty items, and the file of a run in one go."""
    folder = tmp_path_factory.mktemp("killed")
    feed = write_csv(folder / "feed.csv", draw_shop(folder, ITEMS))
    subprocess.run(
        [sys.executable, "-m", "vitrine", "--data", folder / "data", "index", feed],
        env={**os.environ, **SETTINGS},
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
    )
    answer = run_similar(folder / "data", folder / "whole.parquet")
    assert answer.returncode == 0, answer.stderr
    return folder / "data", pl.read_parquet(folder / "whole.parquet")


# question, three parts, the file, the parts' way out
@pytest.mark.parametrize(
    ("fatal", "when"),
    [(0, "before"), (0, "after"), (1, "after"), (2, "before"), (4, "before"), (4, "after"), (5, "after")],
)
def test_killed_at_a_write_the_same_command_goes_on(shop, tmp_path, fatal, when):
    data, whole = shop
    to = tmp_path / "similar.parquet"
    killed = run_similar(data, to, fatal, when)
    assert killed.returncode == -signal.SIGKILL
    assert find_parts(to).exists() or (fatal, when) == (5, "after")
    if to.exists():
        assert pl.read_parquet(to).equals(whole)
    again = run_similar(data, to)
    assert again.returncode == 0, again.stderr
    assert pl.read_parquet(to).equals(whole)
    assert [file.name for file in tmp_path.iterdir()] == [to.name]
