"""`vitrine snn` and `vitrine classify --engine`, over a shop of ninety photos, learnt in seconds."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from classifier.spiking.artefact import load_spiking
from vitrine.cli import app

runner = CliRunner()
COLORS = {"Red": (200, 30, 30), "Green": (30, 160, 40), "Blue": (30, 40, 190)}

needs_snn = pytest.mark.skipif(
    find_spec("nengo_dl") is None, reason="the extra snn is not installed: make test SNN=1, on Python 3.11"
)


def run(data, *arguments: str, code: int = 0):
    result = runner.invoke(app, ["--data", str(data), *arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Ninety photos of three colours and a feed of them, a network trained on it, and the same network converted."""
    folder = tmp_path_factory.mktemp("shop")
    random = np.random.default_rng(0)
    rows = ["id,title,color,image_link,split"]
    for number in range(90):
        name = list(COLORS)[number % 3]
        noise = random.integers(-25, 25, (24, 24, 3))
        pixels = np.clip(np.array(COLORS[name]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        split = ("train", "train", "val", "test")[number // 3 % 4]
        rows.append(f"{number},{name} thing,{name},{number}.png,{split}")
    (folder / "feed.csv").write_text("\n".join(rows))
    settings = ["epochs=6", "batch=8", "augmentation=none", "plain_epochs=0", "ema=0", "rate=0.05"]
    fixed = [part for each in settings for part in ("--set", each)]
    run(
        folder / "data",
        "train",
        "network",
        "spikeable",
        str(folder / "feed.csv"),
        *("-a", "color", "--side", "12", "--out", str(folder / "network")),
        *fixed,
    )
    return folder


@pytest.fixture(scope="module")
def converted(shop):
    run(
        shop / "data",
        *("snn", "convert", str(shop / "network"), str(shop / "feed.csv"), "--epochs", "1", "--max-steps", "8"),
        *("--threads", "1"),
    )
    return shop


@needs_snn
def test_converted_it_is_where_the_server_looks(converted):
    network = load_spiking(converted / "data" / "models" / "spiking")
    assert list(network.cnn.attributes) == ["color"]
    assert set(network.cnn.attributes["color"].labels) == set(COLORS)
    assert 1 <= network.choices.steps <= 8
    left = [path.name for path in (converted / "data" / "models" / "spiking").iterdir()]
    assert sorted(left) == ["spiking.json", "spiking.safetensors"]


@needs_snn
@pytest.mark.parametrize("engine", ["cnn", "snn"])
def test_classify_by_engine(converted, engine):
    photos = [str(converted / f"{number}.png") for number in range(3)]
    result = run(converted / "data", "classify", *photos, "--engine", engine, "--json")
    seen = json.loads(result.stdout)["photos"]
    assert [each["attributes"]["color"]["values"][0]["value"] for each in seen] == list(COLORS)
    for each in seen:
        assert each["model"].startswith("spiking-")
        if engine == "cnn":
            assert each["spiking"] is None
        else:
            assert 1 <= each["spiking"]["steps"] <= each["spiking"]["most_steps"]
            assert each["spiking"]["spikes"] > 0


@needs_snn
def test_a_photo_that_cannot_be_read_is_named_and_the_others_are_answered(converted, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no")
    good = str(converted / "0.png")
    result = run(converted / "data", "classify", str(broken), good, "--engine", "cnn", "--json", code=1)
    first, second = json.loads(result.stdout)["photos"]
    assert "error" in first
    assert second["attributes"]["color"]["values"][0]["value"] == "Red"


@needs_snn
def test_compare_writes_tables_and_plots(converted, tmp_path):
    out = tmp_path / "out"
    result = run(
        converted / "data",
        *("snn", "compare", str(converted / "feed.csv"), "--steps", "1", "--steps", "4", "--steps", "8"),
        *("--timed", "5", "--threads", "1", "--out", str(out), "--json"),
    )
    found = json.loads(result.stdout)
    assert found == json.loads((out / "comparison.json").read_text())
    assert found["images"] == 21
    systems = [row["system"] for row in found["rows"]]
    assert systems.count("snn") == systems.count("nengo_default") == 3
    rows = {(row["system"], row["steps"]): row for row in found["rows"]}
    assert rows["cnn", None]["score"] > 0.9
    assert rows["snn", 8]["score"] > rows["nengo_default", 8]["score"]
    assert rows["snn", 8]["operations"] > rows["snn", 4]["operations"] > 0
    assert rows["snn", 4]["seconds_per_1000"] > 0
    assert found["energy_assumptions"]
    markdown = (out / "comparison.md").read_text()
    assert "| spiking, ours | 8 |" in markdown
    assert "Energy is estimated, not measured." in markdown
    for name in ("scores", "activity", "energy"):
        with Image.open(out / f"{name}.png") as plot:
            assert plot.size[0] > 300


@needs_snn
def test_compare_says_what_it_does_not_know(converted, tmp_path):
    feed = str(converted / "feed.csv")
    assert "there are" in run(converted / "data", "snn", "compare", feed, "--system", "brain", code=1).output
    assert "test or val" in run(converted / "data", "snn", "compare", feed, "--part", "train", code=1).output


@needs_snn
def test_show_draws_a_picture(converted, tmp_path):
    picture = tmp_path / "deep" / "spikes.png"
    result = run(
        converted / "data", "snn", "show", str(converted / "1.png"), "--steps", "6", "--out", str(picture), "--json"
    )
    seen = json.loads(result.stdout)
    assert seen["attributes"]["color"]["values"][0]["value"] == "Green"
    assert 1 <= seen["steps"] <= 6
    assert seen["spikes"] > 0
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 400


@needs_snn
def test_a_network_that_cannot_spike_is_refused_and_nothing_is_kept(shop, tmp_path):
    feed = str(shop / "feed.csv")
    to = ("--side", "24", "--out", str(tmp_path / "n"), "--set", "epochs=1", "--set", "batch=8")
    run(tmp_path, "train", "network", "conv3", feed, "-a", "color", *to)
    result = run(tmp_path, "snn", "convert", str(tmp_path / "n"), feed, code=1)
    assert "not_convertible" in result.output
    assert "trunk.conv1" in result.output
    assert not (tmp_path / "models" / "spiking").exists()


def test_without_a_network_the_way_to_one_is_named(tmp_path):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (20, 20)).save(photo)
    result = run(tmp_path, "classify", str(photo), "--engine", "snn", code=4)
    assert "vitrine snn convert" in result.output
    assert "heads" in run(tmp_path, "classify", str(photo), "--engine", "brain", code=2).output


def test_a_folder_without_a_network_is_refused(tmp_path):
    assert "cannot be read" in run(tmp_path, "snn", "convert", str(tmp_path), "fashion-mnist", code=2).output


def test_limits_are_said_by_the_command_line(tmp_path):
    result = run(tmp_path, "snn", "convert", str(tmp_path), "fashion-mnist", "--max-steps", "0", code=2)
    assert "--max-steps" in result.output
