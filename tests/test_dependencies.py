"""What is imported is declared, and what is declared is in both constraints files at a version that will do."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
OURS = {"vitrine", "api", "indexer", "classifier", "search", "bench", "tests"}
COMES_WITH = {
    "anyio": "starlette",
    "h11": "uvicorn",
    "pydantic-core": "pydantic",
    "starlette": "fastapi",
    "threadpoolctl": "scikit-learn",
}
"""Parts of a declared library that its users import by name."""

NAMES = {
    "faiss": "faiss-cpu",
    "nengo_dl": "nengo-dl",
    "open_clip": "open-clip-torch",
    "tensorflow": "tensorflow-cpu",
    "umap": "umap-learn",
}
"""Distributions of extras that may not be installed, by what is imported of them."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras: str) -> list[Requirement]:
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def read_pins(name: str) -> dict[str, str]:
    lines = (ROOT / "constraints" / name).read_text("utf-8").splitlines()
    return {canonical(n): v for n, _, v in (line.partition("==") for line in lines if "==" in line and line[0] != "#")}


def list_imports(folder: str) -> set[str]:
    """Top-level names imported anywhere in a folder that are neither ours nor Python's."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0])
    return found - OURS - set(sys.stdlib_module_names) - {""}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("search", ("clip",)),
        ("classifier", ("clip", "snn")),
        ("indexer", ("umap",)),
        ("api", ()),
        ("vitrine", ()),
        ("bench", ("bench", "test")),
        ("tests", ("bench", "test", "clip", "snn")),
    ],
)
def test_every_import_is_declared(folder, extras):
    names = {canonical(requirement.name) for requirement in declared(*extras)}
    names |= {part for part, whole in COMES_WITH.items() if {whole, COMES_WITH.get(whole)} & names}
    names |= {"packaging"} if folder == "tests" else set()  # comes with pytest
    owners = packages_distributions()
    undeclared = {
        module
        for module in list_imports(folder)
        if not {canonical(owner) for owner in [*owners.get(module, [module]), NAMES.get(module, module)]} & names
    }
    assert not undeclared


@pytest.mark.parametrize("name", ["py311.txt", "py312.txt"])
def test_pins_fulfil_what_is_declared(name):
    pins = read_pins(name)
    extras = [extra for extra in PROJECT["optional-dependencies"] if extra != "snn" or name == "py311.txt"]
    wrong = [
        f"{requirement} but {pins.get(canonical(requirement.name))}"
        for requirement in declared(*extras)
        if not requirement.specifier.contains(pins.get(canonical(requirement.name), "0"))
    ]
    assert not wrong


def test_the_spiking_extra_is_for_python_3_11_alone():
    spiking = [Requirement(text) for text in PROJECT["optional-dependencies"]["snn"]]
    assert all(not r.marker.evaluate({"python_version": "3.12"}) for r in spiking)
    assert all(r.marker.evaluate({"python_version": "3.11"}) for r in spiking)
    assert not any(name.startswith(("tensorflow", "nengo")) for name in read_pins("py312.txt"))


def test_torch_and_torchvision_are_a_pair():
    """torchvision's compiled part fits one torch: 0.29.1 goes with 2.14.1, minor for minor."""
    for name in ("py311.txt", "py312.txt"):
        torch, vision = (read_pins(name)[package].split(".") for package in ("torch", "torchvision"))
        assert int(torch[1]) + 15 == int(vision[1])
        assert torch[2] == vision[2]
