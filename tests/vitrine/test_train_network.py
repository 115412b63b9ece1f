"""`vitrine train network`: a run from images to a folder, stopped and taken up, and the list of networks."""

from __future__ import annotations

import dataclasses
import json

import pytest

from classifier.data.images import Splits
from classifier.networks.artefact import load_network
from classifier.training.evaluation import measure_network
from classifier.training.settings import Augmentation, TrainingSettings
from search.errors import InputError
from tests.classifier.training.drawn_images import draw_images
from vitrine.commands.train_network import NetworkOptions, print_networks, train_network
from vitrine.settings import Settings

DATA = Splits(train=draw_images(64, seed=1), val=draw_images(32, seed=2), test=draw_images(32, seed=3))
TRAINING = TrainingSettings(epochs=2, batch=16, rate=0.01, augmentation=Augmentation.NONE, threads=1)


def run(tmp_path, **options):
    chosen = NetworkOptions(**{"training": TRAINING, **options})
    return train_network(Settings(data=tmp_path), "spikeable", DATA, chosen, as_json=True)


def test_what_it_prints_is_what_the_network_in_the_folder_does(tmp_path, capsys):
    place = run(tmp_path)
    told = json.loads(capsys.readouterr().out)
    network, record = load_network(place)
    assert told["folder"] == str(place)
    assert measure_network(network, DATA.val).score == told["metrics"]["val"]["score"] == record.metrics["val"]["score"]
    assert record.data["fingerprint"] == DATA.fingerprint
    assert len(record.training["history"]) == 2
    assert {name: tuple(labels) for name, labels in record.attributes.items()} == DATA.train.attributes


def test_its_folder_is_named_by_its_weights_and_nothing_else_is_left(tmp_path):
    place = run(tmp_path)
    card = json.loads((place / "network.json").read_text())
    assert place == tmp_path / "models" / "networks" / f"spikeable-{card['weights_sha256'][:8]}"
    assert list(place.parent.iterdir()) == [place]
    assert run(tmp_path) == place


def test_a_folder_of_the_users_is_used(tmp_path):
    assert run(tmp_path, out=tmp_path / "mine") == tmp_path / "mine"
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["network.json", "network.safetensors"]


def test_the_test_images_are_measured_only_on_request(tmp_path, capsys):
    run(tmp_path)
    assert "test" not in json.loads(capsys.readouterr().out)["metrics"]
    run(tmp_path, test=True)
    assert json.loads(capsys.readouterr().out)["metrics"]["test"]["images"] == 32


def test_a_run_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    import os
    import signal

    from classifier.training import engine

    whole = run(tmp_path / "whole")
    real = engine.measure_network

    def interrupt(network, images):
        os.kill(os.getpid(), signal.SIGINT)
        return real(network, images)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "measure_network", interrupt)
        assert run(tmp_path / "cut") is None
    assert len(list((tmp_path / "cut").rglob("checkpoint-*.safetensors"))) > 0
    assert run(tmp_path / "cut").name == whole.name


def test_images_that_are_not_square_are_refused(tmp_path):
    wide = draw_images(4)
    wide.shape = (8, 9, 1)
    with pytest.raises(InputError, match="9 x 8 pixels"):
        train_network(
            Settings(data=tmp_path), "mlp2", dataclasses.replace(DATA, train=wide), NetworkOptions(), as_json=True
        )


def test_networks_are_listed_with_their_recipes(capsys):
    print_networks(as_json=True)
    cards = {card["name"]: card for card in json.loads(capsys.readouterr().out)}
    assert cards["spikeable"]["recipe"]["optimiser"] == "sgd"
    assert cards["vgg19"]["pretrained"]
    print_networks(as_json=False)
    assert "vit_b_16" in capsys.readouterr().out


def test_it_goes_on_from_a_network_trained_before(tmp_path, capsys):
    """At a rate of nothing the weights stay those it started from; from the start they would be random ones."""
    first = run(tmp_path)
    resting = dataclasses.replace(TRAINING, rate=0.0, epochs=1)
    second = run(tmp_path, start=first, training=resting)
    third = run(tmp_path, training=resting)
    weights = [load_network(place)[0].heads[0].weight for place in (first, second, third)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def test_another_network_is_no_start(tmp_path):
    first = run(tmp_path)
    with pytest.raises(InputError, match="cannot start from it"):
        train_network(Settings(data=tmp_path), "mlp2", DATA, NetworkOptions(start=first), as_json=True)
    turned = draw_images(64, seed=1)
    turned.attributes = {"half": ("right", "left"), "corners": ("a", "b", "c", "d")}
    with pytest.raises(InputError, match="cannot start from it"):
        train_network(
            Settings(data=tmp_path),
            "spikeable",
            dataclasses.replace(DATA, train=turned),
            NetworkOptions(start=first),
            as_json=True,
        )
