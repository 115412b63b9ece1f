"""A converted network on disk: it comes back bit for bit, and what is not what was saved is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from classifier.spiking.artefact import load_spiking, save_spiking
from classifier.spiking.graph import LayeredSession
from classifier.spiking.layers import MeanPool
from search.errors import IntegrityError, SetupError
from tests.classifier.spiking.small_networks import draw_images, make_spiking


def list_differences(one, other) -> list[str]:
    """Names of all layers of two networks that are not the same to the last bit."""
    found = []
    for own, theirs in zip(one.layers, other.layers, strict=True):
        same = type(own) is type(theirs) and own.name == theirs.name
        if same and isinstance(own, MeanPool):
            same = own.side == theirs.side
        elif same:
            same = own.threshold == theirs.threshold and getattr(own, "stride", 0) == getattr(theirs, "stride", 0)
            same &= own.weight.tobytes() == theirs.weight.tobytes() and own.weight.shape == theirs.weight.shape
            same &= own.bias.tobytes() == theirs.bias.tobytes() and theirs.bias.dtype == np.float32
        if not same:
            found.append(own.name)
    return found


@pytest.mark.parametrize("margin", [None, 0.1 + 0.2])
def test_a_network_comes_back_bit_for_bit(tmp_path, margin):
    given = make_spiking(margin=margin)
    saved = save_spiking(tmp_path / "new", given)
    loaded = load_spiking(tmp_path / "new")
    for kind in ("cnn", "snn"):
        own, theirs = getattr(given, kind), getattr(loaded, kind)
        assert list_differences(own, theirs) == []
        assert own.size == theirs.size
        assert own.mean.tobytes() + own.std.tobytes() == theirs.mean.tobytes() + theirs.std.tobytes()
        assert own.attributes == theirs.attributes
        assert list(own.attributes) == list(theirs.attributes)
        images = own.normalise(draw_images(3, 8, 3))
        assert np.array_equal(LayeredSession(own).run(images), LayeredSession(theirs).run(images))
    assert list_differences(loaded.cnn, loaded.snn) == ["conv1", "conv2", "hidden", "heads"]
    assert loaded.choices == given.choices
    assert loaded.source == given.source
    assert loaded.sha256 == saved.sha256
    assert replace(saved, sha256="").choices == given.choices
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["spiking.json", "spiking.safetensors"]


def test_thresholds_belong_to_the_layers_that_spike_and_to_the_spiking_network(tmp_path):
    save_spiking(tmp_path, make_spiking())
    loaded = load_spiking(tmp_path)
    assert [layer.threshold for layer in loaded.snn.list_spiking()] == [0.1 + 0.2, 1 / 3, 2.0]
    assert loaded.snn.layers[-1].threshold is None
    assert all(layer.threshold is None for layer in loaded.cnn.list_spiking())


def test_the_version_says_which_weights(tmp_path):
    own = save_spiking(tmp_path / "one", make_spiking())
    assert own.version == f"spiking-{own.sha256[:12]}"
    assert len(own.sha256) == 64
    assert save_spiking(tmp_path / "same", make_spiking()).version == own.version
    layers = (*own.snn.layers[:-1], replace(own.snn.layers[-1], bias=own.snn.layers[-1].bias + 1))
    moved = replace(own, snn=replace(own.snn, layers=layers))
    assert save_spiking(tmp_path / "other", moved).version != own.version


def test_networks_that_answer_differently_have_different_versions(tmp_path):
    """Thresholds alone: two conversions without finetuning, at two percentiles, have the same weights."""
    own = make_spiking()
    other = replace(own, snn=own.snn.with_thresholds({"conv1": 9.0}))
    assert save_spiking(tmp_path / "one", own).version != save_spiking(tmp_path / "two", other).version


@pytest.mark.parametrize("place", [0, 9, 300, -1])
def test_a_byte_that_is_another_is_noticed(tmp_path, place):
    save_spiking(tmp_path, make_spiking())
    path = tmp_path / "spiking.safetensors"
    data = bytearray(path.read_bytes())
    data[place] ^= 0x40
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"spiking\.safetensors is damaged"):
        load_spiking(tmp_path)


def test_weights_of_another_conversion_are_noticed(tmp_path):
    own = make_spiking()
    save_spiking(tmp_path / "one", own)
    save_spiking(tmp_path / "two", replace(own, cnn=own.snn.with_thresholds({})))
    (tmp_path / "one" / "spiking.safetensors").replace(tmp_path / "two" / "spiking.safetensors")
    with pytest.raises(IntegrityError, match=r"two/spiking\.safetensors is damaged or is another file"):
        load_spiking(tmp_path / "two")


def rename_layer(card):
    card["layers"][0]["name"] = "conv9"


def invent_kind(card):
    card["layers"][0]["kind"] = "lstm"


def take_a_pool_for_a_convolution(card):
    card["layers"][1]["kind"] = "conv"


def leave_out_a_stride(card):
    del card["layers"][0]["stride"]


def leave_out_choices(card):
    del card["choices"]["snn"]


def invent_an_output(card):
    card["attributes"]["shape"]["output"] = "maximum"


def make_it_flat(card):
    card["size"] = [8, 8]


def leave_out_a_layer(card):
    del card["layers"][2]


def leave_out_a_label(card):
    card["attributes"]["shape"]["labels"].pop()


def list_attributes(card):
    card["attributes"] = ["shape", "color"]


SPOILERS = [
    rename_layer,
    invent_kind,
    take_a_pool_for_a_convolution,
    leave_out_a_stride,
    leave_out_choices,
    invent_an_output,
    make_it_flat,
]
UNNOTICED = [leave_out_a_layer, leave_out_a_label, list_attributes]


@pytest.mark.parametrize(
    "spoil",
    [
        *SPOILERS,
        *UNNOTICED,
    ],
)
def test_a_card_that_does_not_describe_its_weights_is_refused(tmp_path, spoil):
    save_spiking(tmp_path, make_spiking())
    path = tmp_path / "spiking.json"
    card = json.loads(path.read_text("utf-8"))
    spoil(card)
    path.write_text(json.dumps(card), "utf-8")
    with pytest.raises(IntegrityError, match=r"spiking\.json does not describe the weights.*convert the network again"):
        load_spiking(tmp_path)


def test_a_folder_without_a_network_says_so(tmp_path):
    with pytest.raises(SetupError, match=r"nothing/spiking\.json cannot be read") as caught:
        load_spiking(tmp_path / "nothing")
    assert not isinstance(caught.value, IntegrityError)


def test_a_folder_that_cannot_be_written_to_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SetupError, match="cannot be written to"):
        save_spiking(tmp_path / "file", make_spiking())
