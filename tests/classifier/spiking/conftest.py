"""A small network trained on real Fashion-MNIST images, and the same converted: once for all tests that need one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from classifier.data.fashion_mnist import load_fashion_mnist_splits
from classifier.data.images import ArrayImages, LabelledImages, Splits
from classifier.data.resized import resize_splits
from classifier.networks.artefact import NetworkRecord
from classifier.networks.card import Shape
from classifier.networks.network import Network, build_network
from classifier.networks.registry import find_card
from classifier.spiking.artefact import SpikingNetwork, save_spiking
from classifier.spiking.conversion import ConversionOptions, Watchers, convert_network
from classifier.training.engine import train_network
from classifier.training.settings import Augmentation, to_json

TRAIN, VAL, TEST = 4_000, 500, 500
SIDE = 14
"""Pixels: a quarter of the work of whole images, and the same garments."""


@dataclass(frozen=True)
class Trained:
    """A network and all that a conversion of it needs."""

    network: Network
    record: NetworkRecord
    data: Splits


@dataclass(frozen=True)
class Converted:
    """A network as it was converted, and where it was saved."""

    spiking: SpikingNetwork
    folder: Path
    said: list[str]


@pytest.fixture(scope="session")
def snn() -> None:
    """The extra is installed."""
    if find_spec("nengo_dl") is None:
        pytest.skip("the extra snn is not installed: make test SNN=1, on Python 3.11")


def take_first(images: LabelledImages, count: int) -> ArrayImages:
    """The first images of a set, as a set."""
    labels = {name: values[:count] for name, values in images.read_labels().items()}
    return ArrayImages(
        images.read_batch(range(count)),
        labels,
        name=images.name,
        attributes=images.attributes,
        ids=list(images.ids[:count]),
    )


@pytest.fixture(scope="session")
def trained(fashion_mnist_dir, tmp_path_factory) -> Trained:
    """`spikeable`, six epochs on 4,000 real images: about 80 % right, in some twenty seconds."""
    whole = load_fashion_mnist_splits(fashion_mnist_dir, cache=tmp_path_factory.mktemp("cache"))
    parts = Splits(
        train=take_first(whole.train, TRAIN), val=take_first(whole.val, VAL), test=take_first(whole.test, TEST)
    )
    data = resize_splits(parts, side=SIDE, channels=1)
    card = find_card("spikeable")
    settings = replace(
        card.recipe, epochs=6, augmentation=Augmentation.NONE, plain_epochs=0, ema=0.9, rate=0.05, label_smoothing=0.0
    )
    network = build_network("spikeable", Shape(size=SIDE, channels=1), {"product_type": 10})
    outcome = train_network(network, data.train, data.val, settings)
    record = NetworkRecord(
        name="spikeable",
        shape=Shape(size=SIDE, channels=1),
        attributes=data.train.attributes,
        multi=frozenset(),
        data={"name": data.train.name},
        metrics={},
        training={"settings": to_json(settings)},
    )
    return Trained(network=outcome.network, record=record, data=data)


@pytest.fixture(scope="session")
def converted(snn, trained, tmp_path_factory) -> Converted:
    """The network, converted with an epoch of finetuning with levels and one with spikes, and saved."""
    said: list[str] = []
    spiking = convert_network(
        trained.network,
        trained.record,
        trained.data,
        ConversionOptions(levels=((4, 8, 16),), epochs=1, spike_epochs=1, spike_steps=(4, 8), max_steps=16),
        Watchers(say=said.append),
    )
    assert spiking is not None
    folder = tmp_path_factory.mktemp("spiking")
    return Converted(spiking=save_spiking(folder, spiking), folder=folder, said=said)
