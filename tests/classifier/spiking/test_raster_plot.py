"""The picture of one photo's spikes: something is drawn for each layer and label, and other spikes draw another one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from classifier.report.canvas import BLUE
from classifier.spiking.raster_plot import SHOWN_NEURONS, _pick_neurons, plot_raster
from tests.classifier.spiking.small_networks import describe, make_evidence_network

STEPS = 8
NETWORK = make_evidence_network({"shape": describe(9, prefix="_$shape"), "color": describe(2, multi_valued=True)})


def draw_raster(rate=0.2, seed=0, *, layers=("conv1", "hidden")):
    random = np.random.default_rng(seed)
    return {name: random.random((STEPS, 400)) < rate for name in layers}


def draw_means(seed=0):
    return np.random.default_rng(seed).normal(size=(STEPS, 11)).astype(np.float32)


def plot(raster=None, means=None, *, decided=5, temperatures=(1.0, 1.0)) -> np.ndarray:
    """The picture's pixels."""
    data = plot_raster(
        NETWORK,
        draw_raster() if raster is None else raster,
        draw_means() if means is None else means,
        dict(zip(("shape", "color"), temperatures, strict=True)),
        decided=decided,
    )
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def count_color(pixels: np.ndarray, color: str) -> int:
    wanted = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
    return int((np.abs(pixels.astype(int) - wanted).max(axis=2) < 40).sum())


def differ(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape != other.shape or (one != other).any(axis=2).sum() > 20


def test_it_is_a_picture_of_a_sensible_size():
    height, width, _ = plot().shape
    assert 700 < width < 1_300
    assert 500 < height < 1_000


@pytest.mark.parametrize(
    "other",
    [
        {"raster": draw_raster(seed=1)},
        {"means": draw_means(seed=1)},
        {"decided": 2},
        {"temperatures": (4.0, 1.0)},
        {"temperatures": (1.0, 4.0)},
        {"raster": draw_raster(layers=("conv1", "conv2"))},
    ],
)
def test_whatever_is_another_is_drawn_otherwise(other):
    assert differ(plot(), plot(**other))
    assert not differ(plot(**other), plot(**other))


def test_more_spikes_are_more_ink():
    ink = [count_color(plot(draw_raster(rate)), BLUE) for rate in (0.0, 0.05, 0.5)]
    assert ink[0] + 200 < ink[1] < ink[2] - 200


def test_each_layer_has_its_row():
    heights = [plot(draw_raster(layers=tuple(f"conv{n}" for n in range(count)))).shape[0] for count in (1, 2, 4)]
    assert heights[1] - heights[0] > 50
    assert heights[2] - heights[1] > 100


def test_one_step_can_be_drawn():
    raster = {name: spikes[:1] for name, spikes in draw_raster().items()}
    assert plot(raster, draw_means()[:1], decided=1).size


@pytest.mark.parametrize("neurons", [1, 10, 150, 151, 290, 301, 5_000])
def test_neurons_shown_are_some_of_those_that_spike_most(neurons):
    spikes = np.random.default_rng(0).random((16, neurons)) < np.linspace(0, 0.5, neurons)
    shown = _pick_neurons(spikes)
    assert len(shown) == min(neurons, SHOWN_NEURONS)
    assert len(set(shown.tolist())) == len(shown)
    assert shown.tolist() == sorted(shown.tolist())
    counts = spikes.sum(axis=0)
    left_out = np.setdiff1d(np.arange(neurons), shown)
    if 150 < neurons < 300:
        assert counts[shown].min() >= counts[left_out].max()
    if neurons > 300:
        assert counts[shown].min() >= np.median(counts)
