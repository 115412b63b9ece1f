"""The documents say what is there: every file in the tree, every setting in the guide, every link leads to a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vitrine.settings import Settings

PACKAGES = ("vitrine", "api", "indexer", "classifier", "search", "ui", "bench")
SUFFIXES = (".py", ".js", ".css", ".html", ".svg", ".json")


def read_tree(text: str) -> set[str]:
    """Paths of the files named in the tree of `docs/architecture.md`."""
    block = text.split("## Every file")[1].split("```")[1]
    folders: list[str] = []
    paths: set[str] = set()
    for line in block.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        folders = folders[:depth]
        if name.endswith("/"):
            folders.append(name.rstrip("/"))
        else:
            paths.add("/".join([*folders, name]))
    return paths


def list_files(repository: Path) -> set[str]:
    found = (path for package in PACKAGES for path in (repository / package).rglob("*"))
    return {
        path.relative_to(repository).as_posix()
        for path in found
        if path.suffix in SUFFIXES and path.name != "__init__.py" and "__pycache__" not in path.parts
    }


def test_the_tree_in_the_architecture_has_every_file(repository: Path) -> None:
    tree = read_tree((repository / "docs" / "architecture.md").read_text("utf-8"))
    there = list_files(repository)
    assert tree - there == set(), "named in docs/architecture.md and not there"
    assert there - tree == set(), "there and not in docs/architecture.md"


def test_every_setting_is_in_the_guide(repository: Path) -> None:
    guide = (repository / "docs" / "guide" / "settings.md").read_text("utf-8")
    named = set(re.findall(r"^\| `VITRINE_([A-Z_]+)`", guide, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


def list_documents() -> list[Path]:
    root = Path(__file__).resolve().parent.parent
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", list_documents(), ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_decisions_are_short(repository: Path) -> None:
    notes = {
        path.name: len(path.read_text("utf-8").splitlines()) for path in (repository / "docs/decisions").glob("*.md")
    }
    assert notes
    assert {name: lines for name, lines in notes.items() if lines > 40} == {}
