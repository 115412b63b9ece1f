"""An answer about one photo, from evidence to what a user is told, and the CNN that gives it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit, softmax

from classifier.spiking.answering import CnnEngine, describe_answer, read_pixels
from classifier.spiking.artefact import Calibrated
from classifier.spiking.layers import Output
from search.errors import PhotoError
from tests.classifier.spiking import numpy_reference
from tests.classifier.spiking.small_networks import (
    describe,
    draw_images,
    make_evidence_network,
    make_spiking,
)

EVIDENCE = np.array([1.0, 3.0, -2.0, 2.0, -1.0, 0.5], np.float32)


def answer(evidence=EVIDENCE, *, temperature=1.0, shape=(0.5, 0.5, 0.5), color=(0.5, 0.5, 0.5), output=Output.SOFTMAX):
    """One of three shapes, and any of three colours."""
    attributes = {"shape": describe(3, prefix="shape", output=output)}
    attributes["color"] = describe(3, prefix="color", multi_valued=True)
    calibrated = {
        "shape": Calibrated(temperature=temperature, thresholds=shape),
        "color": Calibrated(temperature=2 * temperature, thresholds=color),
    }
    return describe_answer(make_evidence_network(attributes), evidence, calibrated)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_probabilities_are_of_evidence_over_its_temperature(temperature):
    found = answer(temperature=temperature)
    assert list(found) == ["shape", "color"]
    chances = softmax(EVIDENCE[:3].astype(float) / temperature)
    assert [label for label, _ in found["shape"].values] == ["shape 1", "shape 0", "shape 2"]
    assert [chance for _, chance in found["shape"].values] == pytest.approx([chances[1], chances[0], chances[2]])
    chances = expit(EVIDENCE[3:].astype(float) / temperature / 2)
    assert dict(found["color"].values) == pytest.approx({"color 0": chances[0], "color 2": chances[2]})


def test_a_network_trained_on_each_label_for_itself_is_read_so():
    found = answer(output=Output.SIGMOID)["shape"]
    assert [chance for _, chance in found.values] == pytest.approx(expit([3.0, 1.0, -2.0]))
    assert found.accepted == ("shape 1",)


def test_a_label_is_stood_by_from_its_own_threshold_on():
    sure = float(softmax(EVIDENCE[:3].astype(float))[1])
    assert answer(shape=(0.1, sure - 1e-6, 0.1))["shape"].accepted == ("shape 1",)
    assert answer(shape=(0.1, sure + 1e-6, 0.1))["shape"].accepted == ()
    half = expit(1.0)
    assert answer(color=(half - 1e-6, 0.1, 0.9))["color"].accepted == ("color 0", "color 1")
    assert answer(color=(half + 1e-6, 0.9, 0.1))["color"].accepted == ("color 2",)


@pytest.fixture(scope="module")
def spiking():
    return replace(make_spiking(), sha256="ab" * 32)


def compute_evidence(network, pixels) -> np.ndarray:
    """The CNN in numpy."""
    flowing = ((pixels[None] / 255 - network.mean) / network.std).astype(np.float64)
    rectified = {layer.name for layer in network.list_spiking()}
    for layer in network.layers:
        flowing = numpy_reference.apply(layer, flowing)
        if layer.name in rectified:
            flowing = np.maximum(flowing, 0)
    return flowing[0]


def test_the_engine_s_answer_is_the_cnn_s_calibrated_as_the_cnn_was(spiking):
    engine = CnnEngine(spiking, threads=1)
    given = set()
    for pixels in draw_images(6, 8, 3):
        found = engine.answer(pixels)
        evidence = compute_evidence(spiking.cnn, pixels)
        shape = softmax(evidence[:3] / 0.7)
        assert dict(found.predictions["shape"].values) == pytest.approx(
            {f"shape {number}": chance for number, chance in enumerate(shape)}, abs=1e-5
        )
        given.add(round(found.predictions["shape"].values[0][1], 4))
        colors = expit(evidence[3:] / 1.3)
        wanted = {f"color {number}" for number in (0, 1) if colors[number] >= (0.6, 0.7)[number]}
        assert set(found.predictions["color"].accepted) == wanted
        assert found.model == "spiking-abababababab"
        assert found.work is None
        assert 0 < found.took_ms < 60_000
    assert len(given) == 6


def test_threads_may_share_an_engine(spiking):
    engine, images = CnnEngine(spiking, threads=1), draw_images(40, 8, 3)
    alone = [engine.answer(pixels).predictions for pixels in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda pixels: engine.answer(pixels).predictions, images)) == alone


def write_photo(width: int, height: int, color: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("width", "height"), [(120, 60), (60, 120), (30, 30)])
def test_a_photo_is_taken_whole_on_a_white_square(channels, width, height):
    """Red all over: what is not red is the square."""
    network = replace(make_evidence_network({"shape": describe(2)}), size=(20, 20, channels))
    pixels = read_pixels(network, write_photo(width, height, "#c80000"))
    assert pixels.shape == (20, 20, channels)
    assert pixels.dtype == np.uint8
    red = [200, 0, 0] if channels == 3 else [round(200 * 0.299)]
    assert np.abs(pixels[10, 10].astype(int) - red).max() <= 1
    white = (pixels == 255).all(axis=2)
    assert white.sum() == (0 if width == height else 200)
    rows = white.all(axis=1) if width > height else white.all(axis=0)
    assert np.flatnonzero(rows).tolist() == ([] if width == height else [*range(5), *range(15, 20)])


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 no photo", write_photo(40, 40, "red")[:60]])
def test_what_is_no_photo_is_refused(data):
    with pytest.raises(PhotoError):
        read_pixels(make_spiking().cnn, data)
