"""Where OpenCLIP's weights come from, what is refused, and what is made again."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import socket
from pathlib import Path

import pytest

from search.encoders import clip_export, clip_graphs
from search.encoders.clip_export import build_model, export_photos, run_task
from search.encoders.clip_graphs import ClipTask, obtain_clip
from search.encoders.clip_name import ClipName, parse_clip_name
from search.encoders.clip_record import find_record, is_whole, load_record
from search.encoders.clip_weights import find_name, find_source
from search.encoders.registry import find_card, list_cards, list_family_cards, open_encoder
from search.errors import IntegrityError, SetupError, WeightsMissingError
from tests.contracts.tiny_clip import RESNET, configure, find_tiny_clip, keep_tiny_clip, write_tiny_clip

MODELS = Path(os.environ.get("VITRINE_MODELS") or Path(__file__).parents[2] / ".cache" / "models")


@pytest.fixture
def library():
    return pytest.importorskip("open_clip", reason="the extra clip is not installed")


@pytest.fixture
def kept(library, tmp_path: Path) -> tuple[str, str, Path]:
    """A tiny model in a models folder of its own: its encoder's name, its space's, the folder."""
    name = find_tiny_clip(MODELS)
    record = obtain_clip(name, models=MODELS)
    models = tmp_path / "models"
    models.mkdir()
    for path in (find_record(record.space, MODELS), MODELS / record.photos.name, MODELS / record.texts.name):
        shutil.copy(path, models / path.name)
    return name, record.space, models


def test_clip_is_listed_by_its_pattern_and_as_no_encoder():
    assert [card.name for card in list_family_cards()] == ["clip:MODEL/TAG"]
    assert not any(card.name.startswith("clip") for card in list_cards())
    assert find_card("clip:ViT-B-32/openai").name == find_card("clip_ViT-B-32_openai").name == "clip_ViT-B-32_openai"
    with pytest.raises(SetupError, match="clip:MODEL/TAG"):
        find_card("clip")


def test_without_the_extra_the_message_names_it(monkeypatch, tmp_path):
    monkeypatch.setattr(clip_graphs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match="extra clip") as caught:
        open_encoder("clip:ViT-B-32/openai", models=tmp_path)
    assert caught.value.code == "extra_missing"


def test_weights_that_cannot_be_had(library, monkeypatch, tmp_path):
    """Through the child process, with an empty cache and no hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with pytest.raises(WeightsMissingError, match="clip:ViT-B-32/file:PATH") as caught:
        open_encoder("clip:ViT-B-32/laion2b_s34b_b79k", models=tmp_path / "models")
    assert "laion/CLIP-ViT-B-32-laion2B-s34B-b79K" in caught.value.message
    assert list((tmp_path / "models").iterdir()) == []


def test_unknown_models_and_tags_are_told_what_there_is(library, tmp_path):
    with pytest.raises(SetupError, match="ViT-B-32") as caught:
        find_source(ClipName(model="ViT-B-33", tag="openai"), converted=tmp_path / "c.safetensors")
    assert caught.value.code == "unknown_encoder"
    with pytest.raises(SetupError, match="laion2b_s34b_b79k"):
        find_source(ClipName(model="ViT-B-32", tag="laion5b"), converted=tmp_path / "c.safetensors")


def test_a_tag_brings_its_activation_and_its_preprocessing(library, monkeypatch, tmp_path):
    """open_clip only warns where the model's activation is not the weights'; every embedding would be a little off."""
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"")
    monkeypatch.setattr(library, "download_pretrained", lambda tag: str(weights))
    quick = find_source(ClipName(model="ViT-B-32", tag="openai"), converted=tmp_path / "c.safetensors")
    plain = find_source(ClipName(model="ViT-B-32", tag="laion2b_s34b_b79k"), converted=tmp_path / "c.safetensors")
    assert quick.architecture["quick_gelu"] is True
    assert not plain.architecture.get("quick_gelu")
    assert (quick.licence, plain.licence) == ("MIT", "MIT")
    assert plain.preprocessing["interpolation"] == "bicubic"
    mobile = find_source(ClipName(model="MobileCLIP-S1", tag="datacompdr"), converted=tmp_path / "c.safetensors")
    assert tuple(mobile.preprocessing["mean"]) == (0.0, 0.0, 0.0)


def test_a_file_of_a_known_model_is_preprocessed_as_its_published_weights(library, tmp_path):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"")
    source = find_source(ClipName(model="MobileCLIP-S1", file=weights), converted=tmp_path / "c.safetensors")
    assert tuple(source.preprocessing["std"]) == (1.0, 1.0, 1.0)


def test_a_space_leads_back_to_its_tag(library):
    assert str(find_name("clip_ViT-B-32_laion2b_s34b_b79k")) == "clip:ViT-B-32/laion2b_s34b_b79k"
    with pytest.raises(WeightsMissingError, match="--clip"):
        find_name("clip_ours_tiny_12345678")


def test_the_hub_is_not_waited_for_without_a_network(library, monkeypatch, tmp_path):
    def fail(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(library, "download_pretrained", lambda tag: fail())
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    with pytest.raises(WeightsMissingError):
        find_source(ClipName(model="ViT-B-32", tag="openai"), converted=tmp_path / "c.safetensors")
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_checkpoint_is_converted_once_to_the_same_tensors(library, tmp_path):
    import torch
    from safetensors.torch import load_file

    state = {"module.a": torch.arange(6.0).reshape(2, 3).T, "module.b": torch.ones(2, dtype=torch.float16)}
    checkpoint = tmp_path / "epoch_3.pt"
    torch.save({"state_dict": state, "epoch": 3}, checkpoint)
    converted = tmp_path / "kept.safetensors"
    name = ClipName(model="ViT-B-32", file=checkpoint)
    source = find_source(name, converted=converted)
    assert source.path == converted
    assert source.sha256 != ""
    read = load_file(converted)
    assert set(read) == {"a", "b"}
    assert torch.equal(read["a"], state["module.a"])
    assert read["b"].dtype == torch.float16
    written = converted.stat().st_mtime_ns
    assert find_source(name, converted=converted) == source
    assert converted.stat().st_mtime_ns == written
    torch.save({"a": torch.zeros(1)}, checkpoint)
    find_source(name, converted=converted)
    assert set(load_file(converted)) == {"a"}, "another file under the same name is converted anew"


class Trap:
    """Unpickled, it would write a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_checkpoint_that_runs_code_is_refused_and_runs_none(library, tmp_path):
    sprung = tmp_path / "sprung"
    checkpoint = tmp_path / "trap.pt"
    checkpoint.write_bytes(pickle.dumps({"state_dict": Trap(str(sprung))}))
    with pytest.raises(IntegrityError, match="safetensors"):
        find_source(ClipName(model="ViT-B-32", file=checkpoint), converted=tmp_path / "kept.safetensors")
    assert not sprung.exists()
    assert not (tmp_path / "kept.safetensors").exists()


def test_weights_of_another_architecture_are_refused(library, tmp_path):
    weights = write_tiny_clip(tmp_path / "vit")
    (weights.parent / "open_clip_config.json").write_text(json.dumps({"model_cfg": configure(RESNET)}))
    name = ClipName(model="tiny", file=weights)
    with pytest.raises(IntegrityError, match=r"open_clip_config\.json"):
        build_model(name, find_source(name, converted=tmp_path / "c.safetensors"), tmp_path)


def test_a_configuration_that_is_none_is_refused(library, tmp_path):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"")
    (tmp_path / "open_clip_config.json").write_text("[1, 2")
    with pytest.raises(IntegrityError, match=r"open_clip_config\.json"):
        find_source(ClipName(model="x", file=weights), converted=tmp_path / "c.safetensors")


def test_texts_of_another_tokenizer_are_refused(library, tmp_path):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"")
    name = f"clip:ViT-B-16-SigLIP/file:{weights}"
    with pytest.raises(SetupError, match="tokenizer") as caught:
        run_task(ClipTask(space="clip_s", name=name, models=str(tmp_path)), tmp_path)
    assert caught.value.code == "unsupported_encoder"


def test_a_tower_too_large_for_one_file_is_refused(library, monkeypatch, tmp_path):
    name = parse_clip_name(f"clip:tiny/file:{keep_tiny_clip(MODELS.parent / 'tiny-clip', configure())}")
    model = build_model(name, find_source(name, converted=tmp_path / "c.safetensors"), tmp_path)
    monkeypatch.setattr(clip_export, "MAX_BYTES", 1_000)
    with pytest.raises(SetupError, match="GiB"):
        export_photos(model, tmp_path / "photos.onnx")
    assert not (tmp_path / "photos.onnx").exists()


def test_a_damaged_graph_is_made_again_from_its_weights(kept):
    name, space, models = kept
    record = load_record(space, models)
    damaged = models / record.texts.name
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    assert not is_whole(record.texts, models)
    with pytest.raises(WeightsMissingError, match="--clip"):
        obtain_clip(space, models=models)
    said: list[str] = []
    again = obtain_clip(name, models=models, progress=said.append)
    assert is_whole(again.texts, models)
    assert again.weights_sha256 == record.weights_sha256
    assert len(said) == 1
    assert sorted(path.name for path in models.iterdir()) == sorted(
        [find_record(space, models).name, again.photos.name, again.texts.name]
    )


def test_graphs_that_are_there_need_neither_weights_nor_library(kept, monkeypatch):
    _, space, models = kept
    monkeypatch.setattr(clip_graphs, "run_module", lambda *_: pytest.fail("nothing is to be made"))
    monkeypatch.setattr(clip_graphs.importlib.util, "find_spec", lambda name: None)
    assert obtain_clip(space, models=models) == load_record(space, models)


def test_a_damaged_record_is_no_record(kept):
    _, space, models = kept
    find_record(space, models).write_text('{"space": 1}')
    assert load_record(space, models) is None
