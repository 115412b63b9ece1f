"""Artefacts: what is saved is loaded, and what is not what was saved is refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from classifier.artefact import load_artefact, load_card, save_artefact
from classifier.networks.artefact import NetworkRecord, load_network, save_network
from classifier.networks.card import Shape
from classifier.networks.network import build_network
from search.errors import IntegrityError, SetupError

TENSORS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b.c": np.array([3], np.int64), "d": np.float32(2)}


def test_what_is_saved_is_loaded(tmp_path):
    digest = save_artefact(tmp_path / "new", "thing", {**TENSORS, "t": TENSORS["a"].T}, {"words": ["é"]})
    tensors, card = load_artefact(tmp_path / "new", "thing")
    assert all(np.array_equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert {name: tensors[name].shape for name in TENSORS} == {"a": (2, 3), "b.c": (1,), "d": ()}
    assert np.array_equal(tensors["t"], TENSORS["a"].T)
    assert (card["words"], card["weights_sha256"]) == (["é"], digest)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["thing.json", "thing.safetensors"]


SPOILERS = {
    "cut short": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "one byte changed": lambda data: data[:20] + b"~" + data[21:],
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS.keys())
def test_spoilt_weights_are_refused_by_name(tmp_path, spoil):
    save_artefact(tmp_path, "thing", TENSORS, {})
    path = tmp_path / "thing.safetensors"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(IntegrityError, match=r"thing\.safetensors is damaged"):
        load_artefact(tmp_path, "thing")


def test_so_are_weights_of_another_training(tmp_path):
    save_artefact(tmp_path / "one", "thing", TENSORS, {})
    save_artefact(tmp_path / "two", "thing", {"a": TENSORS["b.c"]}, {})
    (tmp_path / "one" / "thing.safetensors").replace(tmp_path / "two" / "thing.safetensors")
    with pytest.raises(IntegrityError, match=r"thing\.safetensors is damaged or is another file"):
        load_artefact(tmp_path / "two", "thing")


def test_missing_weights_and_spoilt_cards_are_refused(tmp_path):
    save_artefact(tmp_path, "thing", TENSORS, {})
    (tmp_path / "thing.safetensors").unlink()
    with pytest.raises(IntegrityError, match=r"thing\.safetensors cannot be read"):
        load_artefact(tmp_path, "thing")
    for text in ("{", "[]", '{"format": 99}'):
        (tmp_path / "thing.json").write_text(text)
        with pytest.raises(IntegrityError, match=r"thing\.json"):
            load_card(tmp_path, "thing")
    with pytest.raises(SetupError, match=r"other\.json cannot be read"):
        load_card(tmp_path, "other")


RECORD = NetworkRecord(
    name="spikeable",
    shape=Shape(size=12, channels=1),
    attributes={"product_type": ("Coats", "Bags"), "color": ("red", "blue", "green")},
    multi=frozenset({"color"}),
    data={"name": "drawn"},
    metrics={"val": {"score": 0.5}},
    training={},
)


def test_a_network_comes_back_as_it_was(tmp_path):
    network = build_network("spikeable", RECORD.shape, {"product_type": 2, "color": 3}, seed=5).eval()
    save_network(tmp_path, network, RECORD)
    loaded, record = load_network(tmp_path)
    images = torch.rand(3, 1, 12, 12)
    assert all(torch.equal(one, other) for one, other in zip(network(images), loaded(images), strict=True))
    assert (record.name, record.shape, record.multi) == ("spikeable", RECORD.shape, RECORD.multi)
    assert {name: tuple(labels) for name, labels in record.attributes.items()} == RECORD.attributes
    assert not loaded.training


@pytest.mark.parametrize("change", [{"attributes": {"color": ["red"]}}, {"network": "mlp2"}, {"preprocessing": {}}])
def test_a_card_that_does_not_fit_its_weights_is_refused(tmp_path, change):
    save_network(tmp_path, build_network("spikeable", RECORD.shape, {"product_type": 2, "color": 3}), RECORD)
    path = tmp_path / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(IntegrityError, match=r"network\.json does not describe the weights"):
        load_network(tmp_path)
