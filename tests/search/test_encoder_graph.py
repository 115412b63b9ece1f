"""Exported graphs on disk: made once, verified, made again where they are damaged; and what `auto` chooses by them."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from search.encoders import efficientnet_lite0, graph, resnet50
from search.encoders.graph import NetworkRecipe, has_graph, obtain_graph
from search.encoders.onnx_export import ExportTask, export_in_child
from search.encoders.registry import choose_backbone
from search.encoders.weights import fetch_weights
from search.errors import IntegrityError, SetupError, WeightsMissingError

BYTES = b"weights"
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture(autouse=True)
def _own_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def recipe() -> NetworkRecipe:
    """ResNet-50's, with weights of seven bytes that nobody serves."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/resnet50-11ad3fa6.pth"
    return replace(resnet50.RECIPE, weights=replace(resnet50.RECIPE.weights, sha256=SHA256, url=url))


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[ExportTask]:
    """What was exported: here a graph is the weights with a word before them."""
    done: list[ExportTask] = []

    def export(task: ExportTask, out: Path) -> None:
        done.append(task)
        out.write_bytes(b"graph of " + Path(task.weights).read_bytes())

    monkeypatch.setattr(graph, "export_in_child", export)
    return done


def put_weights(recipe: NetworkRecipe, models: Path) -> Path:
    path = models / recipe.weights.file_name
    path.write_bytes(BYTES)
    return path


def test_a_graph_is_made_once_and_then_needs_no_weights(recipe, models, exports):
    weights = put_weights(recipe, models)
    said: list[str] = []
    made = obtain_graph(recipe, models=models, progress=said.append)
    assert made.path.name == f"resnet50-{SHA256[:12]}-v1.onnx"
    assert made.weights_sha256 == SHA256
    assert len(said) == 1
    assert "resnet50" in said[0]
    weights.unlink()
    assert obtain_graph(recipe, models=models) == made
    assert len(exports) == 1
    assert (exports[0].mean, exports[0].input_size) == (recipe.card.mean, 224)
    assert sorted(path.suffix for path in models.iterdir()) == [".json", ".onnx"]


@pytest.mark.parametrize("damage", ["graph", "record", "no graph", "no record"])
def test_a_damaged_graph_is_made_again_where_the_weights_are_here(recipe, models, exports, damage):
    put_weights(recipe, models)
    made = obtain_graph(recipe, models=models)
    before = made.path.read_bytes()
    damage_graph(made.path, damage)
    assert not has_graph(recipe, models=models)
    said: list[str] = []
    assert obtain_graph(recipe, models=models, progress=said.append) == made
    assert made.path.read_bytes() == before
    assert "damaged" in said[0]
    assert len(exports) == 2


@pytest.mark.parametrize("damage", ["graph", "record", "no graph", "no record"])
def test_a_damaged_graph_without_weights_is_named(recipe, models, exports, damage):
    weights = put_weights(recipe, models)
    made = obtain_graph(recipe, models=models)
    weights.unlink()
    damage_graph(made.path, damage)
    with pytest.raises(IntegrityError) as caught:
        obtain_graph(recipe, models=models)
    assert str(made.path) in caught.value.message
    assert recipe.weights.file_name in caught.value.message


def damage_graph(path: Path, damage: str) -> None:
    record = path.with_suffix(".json")
    if damage == "graph":
        path.write_bytes(path.read_bytes()[:-1] + b"X")
    elif damage == "record":
        record.write_text("{")
    else:
        (path if damage == "no graph" else record).unlink()


def test_an_export_that_fails_leaves_nothing(recipe, models, monkeypatch):
    weights = put_weights(recipe, models)

    def fail(task: ExportTask, out: Path) -> None:
        out.write_bytes(b"half a gra")
        raise SetupError("no torch here", code="export_failed")

    monkeypatch.setattr(graph, "export_in_child", fail)
    with pytest.raises(SetupError, match="no torch here"):
        obtain_graph(recipe, models=models)
    assert list(models.iterdir()) == [weights]


def test_a_models_folder_that_cannot_be_written_is_named(recipe, tmp_path, exports):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    cache = tmp_path / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    (cache / recipe.weights.file_name).write_bytes(BYTES)
    with pytest.raises(SetupError, match="models folder") as caught:
        obtain_graph(recipe, models=blocked / "models")
    assert caught.value.code == "models_not_writable"
    with pytest.raises(WeightsMissingError):
        fetch_weights(recipe.weights, models=blocked / "models")


def test_a_child_that_fails_says_why(models):
    task = ExportTask(
        builder="search.encoders.resnet50:build_netwerk",
        weights="weights.pth",
        input_size=224,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    with pytest.raises(SetupError, match="build_netwerk") as caught:
        export_in_child(task, models / "out.onnx")
    assert caught.value.code == "export_failed"
    assert "weights.pth" in caught.value.message


def test_auto_is_the_small_backbone_where_the_weights_cannot_be_had(recipe, models, monkeypatch):
    monkeypatch.setattr(resnet50, "RECIPE", recipe)
    name, reason = choose_backbone(models=models)
    assert name == efficientnet_lite0.CARD.name
    for part in ("efficientnet_lite0", "resnet50-11ad3fa6.pth", str(models), recipe.weights.url):
        assert part in reason
    with pytest.raises(WeightsMissingError, match="resnet50-11ad3fa6"):
        obtain_graph(recipe, models=models)


def test_auto_is_resnet50_where_its_weights_or_its_graph_are_here(recipe, models, exports, monkeypatch):
    monkeypatch.setattr(resnet50, "RECIPE", recipe)
    weights = put_weights(recipe, models)
    name, reason = choose_backbone(models=models)
    assert name == "resnet50"
    assert str(weights) in reason
    obtain_graph(recipe, models=models)
    weights.unlink()
    assert choose_backbone(models=models)[0] == "resnet50"


def test_auto_says_that_weights_are_damaged(recipe, models, monkeypatch):
    monkeypatch.setattr(resnet50, "RECIPE", recipe)
    put_weights(recipe, models).write_bytes(b"other")
    name, reason = choose_backbone(models=models)
    assert name == "efficientnet_lite0"
    assert "damaged" in reason
