"""The command line as a person types it, over a drawn shop and the real encoders."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from search.encoders import graph
from search.encoders.weights import WeightsSource
from search.errors import WeightsMissingError
from tests.contracts.drawn_shop import draw_shop, write_csv
from vitrine.cli import app

# Kept from run to run: making a graph takes seconds. Read before the tests' conftest takes the variable away.
MODELS = Path(os.environ.get("VITRINE_MODELS") or Path(__file__).parents[2] / ".cache" / "models")
SETTINGS = {"VITRINE_MODELS": str(MODELS), "VITRINE_ENCODER": "efficientnet_lite0", "VITRINE_THREADS": "2"}


def fetch_nothing(source: WeightsSource, **_: object) -> Path:
    raise WeightsMissingError(f"{source.file_name} is not on this machine, and tests fetch nothing")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON document on one line."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


def run_vitrine(data: Path, *arguments: object) -> Answer:
    """Run a command on this data directory; an exception that is not ours fails the test."""
    result = CliRunner().invoke(app, ["--data", str(data), *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return Answer(code=result.exit_code, out=result.stdout, err=result.stderr)


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """A shop that is indexed."""

    folder: Path
    data: Path
    feed: Path

    def run(self, *arguments: object) -> Answer:
        """Run a command on its data directory."""
        return run_vitrine(self.data, *arguments)


def index_shop(folder: Path, count: int) -> tuple[Indexed, Answer]:
    feed = write_csv(folder / "feed.csv", draw_shop(folder, count, second_photos=True))
    shop = Indexed(folder=folder, data=folder / "data", feed=feed)
    return shop, shop.run("index", feed, "--json")


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tests' settings, no `.env` file in sight, and nothing fetched."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(graph, "fetch_weights", fetch_nothing)


@pytest.fixture(scope="module")
def first_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Indexed, Answer]]:
    """A shop of 45 items, and what its first indexing said."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        yield index_shop(tmp_path_factory.mktemp("shop"), 45)


@pytest.fixture(scope="module")
def shop(first_index: tuple[Indexed, Answer]) -> Indexed:
    """The shop of 45 items; for tests that change nothing."""
    assert first_index[1].code == 0, first_index[1].err
    return first_index[0]


@pytest.fixture(scope="module")
def small_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a shop of 12 items."""
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        answer = index_shop(folder, 12)[1]
    assert answer.code == 0, answer.err
    return folder


@pytest.fixture
def small_shop(small_template: Path, tmp_path: Path) -> Indexed:
    """A shop of 12 items, to be changed."""
    folder = tmp_path / "small"
    # The engine's files are mostly holes, and stay so.
    subprocess.run(["cp", "--archive", "--sparse=always", small_template, folder], check=True)
    return Indexed(folder=folder, data=folder / "data", feed=folder / "feed.csv")


@pytest.fixture
def list_tree() -> Callable[[Path], dict[str, tuple[int, int]]]:
    """Every file below a folder with its size and time of change."""

    def walk(folder: Path) -> dict[str, tuple[int, int]]:
        return {
            str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in sorted([folder, *folder.rglob("*")])
        }

    return walk
