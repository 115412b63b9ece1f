"""Networks in ONNX Runtime give what torch gives with the same weights, on photos prepared one way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from search.encoder import Encoder
from search.encoders import efficientnet_lite0, graph, resnet50
from search.encoders.graph import NetworkRecipe, obtain_graph, obtain_weights
from search.encoders.network import fit_square, open_network, pool_bands
from search.encoders.weights import compute_sha256
from search.errors import SetupError
from search.photo import decode_photo
from search.pools import to_embeddings, weigh_bands

ROOT = Path(__file__).parents[2]
MODELS = Path(os.environ.get("VITRINE_MODELS") or ROOT / ".cache" / "models")

TORCH_EMBEDS = """
import importlib, sys
from pathlib import Path
import numpy, torch
module, weights, photos, out = sys.argv[1:]
recipe = importlib.import_module(module)
card = recipe.CARD
if not Path(weights).exists():  # the real ones are not needed: numbers drawn at random will do
    import torchvision
    torch.manual_seed(0)
    torch.save(getattr(torchvision.models, card.name)(weights=None).state_dict(), weights)
pixels = torch.from_numpy(numpy.load(photos)).permute(0, 3, 1, 2).float() / 255
pixels = (pixels - torch.tensor(card.mean).view(1, 3, 1, 1)) / torch.tensor(card.std).view(1, 3, 1, 1)
with torch.inference_mode():
    pools = recipe.build_network(Path(weights)).eval()(pixels).mean((2, 3))
numpy.save(out, torch.nn.functional.normalize(pools).numpy())
"""


def run_python(code: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def read_pictures(count: int) -> list[Image.Image]:
    """Drawn ones, and where the real photos are here, some of them."""
    numbers = np.random.default_rng(5)
    pictures = [
        Image.fromarray(numbers.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize(
            (200 + n, 150), Image.Resampling.BICUBIC
        )
        for n in range(count // 2)
    ]
    folder = Path(os.environ.get("VITRINE_TEST_CATALOGUE") or ROOT.parent / "shared" / "catalogue") / "images"
    paths = sorted(folder.glob("*.jpg"))[: count - len(pictures)]
    return pictures + [decode_photo(path.read_bytes()).picture for path in paths]


def embed_with_torch(recipe: NetworkRecipe, weights: Path, prepared: list[np.ndarray], folder: Path) -> np.ndarray:
    np.save(folder / "photos.npy", np.stack(prepared))
    module = recipe.builder.split(":")[0]
    run_python(TORCH_EMBEDS, module, weights, folder / "photos.npy", folder / "torch.npy")
    embeddings = np.load(folder / "torch.npy")
    # The photos are told apart: agreement on one constant embedding would be none.
    assert np.linalg.norm(embeddings[0] - embeddings[-1]) > 1e-2
    return embeddings


def embed(encoder: Encoder, prepared: Sequence[np.ndarray]) -> np.ndarray:
    """Embeddings of prepared photos."""
    return to_embeddings(encoder.pool(prepared))


def test_efficientnet_lite0_agrees_with_torch(tmp_path):
    recipe = efficientnet_lite0.RECIPE
    encoder = open_network(recipe, models=MODELS, threads=2)
    prepared = [encoder.prepare(picture) for picture in read_pictures(10)]
    from_torch = embed_with_torch(recipe, obtain_weights(recipe, models=MODELS), prepared, tmp_path)
    assert np.abs(embed(encoder, prepared) - from_torch).max() < 1e-4


@pytest.mark.slow
def test_resnet50_agrees_with_torch(tmp_path):
    """The whole way of weights that no package brings: found in the models folder, exported, run."""
    weights = tmp_path / resnet50.RECIPE.weights.file_name
    prepared = [fit_square(one, side=224, resampling=Image.Resampling.BILINEAR) for one in read_pictures(6)]
    from_torch = embed_with_torch(resnet50.RECIPE, weights, prepared, tmp_path)
    sha256 = compute_sha256(weights)
    recipe = replace(resnet50.RECIPE, weights=replace(resnet50.RECIPE.weights, sha256=sha256, url=""))
    encoder = open_network(recipe, models=tmp_path, threads=2)
    assert (encoder.space.name, encoder.space.dimension) == ("resnet50", 2048)
    assert encoder.space.weights_sha256 == sha256
    assert np.abs(embed(encoder, prepared) - from_torch).max() < 1e-4


def test_the_embedding_is_the_graphs_own_pool():
    """To the bit: stored embeddings are compared with those made today. The bands' mean is the whole's."""
    recipe = efficientnet_lite0.RECIPE
    encoder = open_network(recipe, models=MODELS, threads=1)
    session = onnxruntime.InferenceSession(str(obtain_graph(recipe, models=MODELS).path))
    prepared = [encoder.prepare(picture) for picture in read_pictures(5)]
    pools = encoder.pool(prepared)
    (own,) = session.run(["pool"], {"photos": np.stack(prepared)})
    assert pools[:, 0].tobytes() == own.tobytes()
    np.testing.assert_allclose(pools[:, 1:].mean(axis=1), own, atol=1e-4)


@pytest.mark.parametrize("rows", [7, 8, 9, 64])
def test_bands_are_equal_thirds_of_a_map(rows):
    """As with every row cut in three, so that no band shares one."""
    maps = np.random.default_rng(2).random((2, 5, rows, 4), dtype=np.float32)
    thirds = np.repeat(maps, 3, axis=2).reshape(2, 5, 3, rows, 4).mean(axis=(3, 4))
    np.testing.assert_allclose(pool_bands(maps), thirds.transpose(0, 2, 1), atol=1e-5)
    np.testing.assert_allclose(weigh_bands(rows).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((400, 200), (0, 56, 224, 168)),
        ((200, 400), (56, 0, 168, 224)),
        ((100, 100), (0, 0, 224, 224)),
        ((1, 640), (111, 0, 112, 224)),
    ],
)
def test_a_picture_is_fitted_whole_onto_a_white_square(size, box):
    square = fit_square(Image.new("RGB", size, "blue"), side=224, resampling=Image.Resampling.BICUBIC)
    wanted = Image.new("RGB", (224, 224), "white")
    wanted.paste((0, 0, 255), box)
    np.testing.assert_array_equal(square, np.asarray(wanted))


def test_a_picture_of_the_networks_side_is_not_resampled():
    noise = np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    square = fit_square(Image.fromarray(noise), side=224, resampling=Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(square, noise)
    lying = fit_square(Image.fromarray(noise[:100]), side=224, resampling=Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(lying[62:162], noise[:100])
    assert (lying[:62] == 255).all()
    assert (lying[162:] == 255).all()


def test_a_graph_that_cannot_be_run_is_named(tmp_path, monkeypatch):
    weights = tmp_path / "resnet50-11ad3fa6.pth"
    weights.write_bytes(b"weights")
    monkeypatch.setattr(graph, "export_in_child", lambda task, out: out.write_bytes(b"no graph"))
    recipe = replace(
        resnet50.RECIPE, weights=replace(resnet50.RECIPE.weights, sha256=compute_sha256(weights)[:8], url="")
    )
    with pytest.raises(SetupError, match=r"resnet50-.*onnx") as caught:
        open_network(recipe, models=tmp_path)
    assert caught.value.code == "graph_unusable"
