"""Photos and texts through OpenCLIP's graphs: what open_clip itself gives, on small models with random weights."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from search.encoder import Encoder
from search.encoders.clip_record import load_record
from search.encoders.clip_text import ClipTextEncoder, open_clip_text
from search.encoders.registry import open_encoder
from search.pools import to_embeddings
from tests.contracts.tiny_clip import (
    CONTEXT_LENGTH,
    PREPROCESSING,
    RESNET,
    VIT,
    build,
    configure,
    keep_tiny_clip,
)

open_clip = pytest.importorskip("open_clip", reason="the extra clip is not installed")
torch = pytest.importorskip("torch")

MODELS = Path(os.environ.get("VITRINE_MODELS") or Path(__file__).parents[2] / ".cache" / "models")
TEXTS = ["red shoes for women", "Blue T-shirt, XL", "a", "a leather belt with a golden buckle " * 9]
TIMM = {"timm_model_name": "resnet10t", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64}
MADE = {
    "class-token": configure(),
    "quick-gelu": configure(quick_gelu=True),
    "mean-of-tokens": configure({**VIT, "pool_type": "avg", "final_ln_after_pool": True}),
    "resnet": configure(RESNET),
    "timm": configure(TIMM, custom_text=True),
}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A model here, and the same in open_clip; `side` is that of a photo, pixels."""

    kind: str
    side: int
    photos: Encoder
    texts: ClipTextEncoder
    network: Any
    preprocess: Any


@pytest.fixture(scope="module", params=list(MADE))
def pair(request: pytest.FixtureRequest) -> Pair:
    from open_clip.transform import image_transform
    from safetensors.torch import load_model

    folder = MODELS.parent / f"tiny-clip-{request.param}"
    weights = keep_tiny_clip(folder, MADE[request.param])
    photos = open_encoder(f"clip:{request.param}/file:{weights}", models=MODELS, threads=1)
    network = build(folder, MADE[request.param], seed=1)
    load_model(network, str(weights))
    side = MADE[request.param]["vision_cfg"]["image_size"]
    mean, std = tuple(PREPROCESSING["mean"]), tuple(PREPROCESSING["std"])
    return Pair(
        kind=request.param,
        side=side,
        photos=photos,
        texts=open_clip_text(photos.space.name, models=MODELS, threads=1),
        network=network.eval(),
        preprocess=image_transform(side, is_train=False, mean=mean, std=std, interpolation="bicubic"),
    )


def draw_squares() -> list[Image.Image]:
    """Square pictures of several sides: there nothing is cropped and nothing is padded."""
    numbers = np.random.default_rng(5)
    pictures = []
    for side in (64, 65, 200, 333):
        picture = Image.new("RGB", (side, side), tuple(int(level) for level in numbers.integers(0, 256, 3)))
        draw = ImageDraw.Draw(picture)
        draw.ellipse(
            (side // 5, side // 4, side // 2, side * 3 // 4), tuple(int(n) for n in numbers.integers(0, 256, 3))
        )
        pictures.append(picture)
    return pictures


def test_photos_are_embedded_as_open_clip_embeds_them(pair):
    pictures = draw_squares()
    with torch.no_grad():
        theirs = pair.network.encode_image(torch.stack([pair.preprocess(picture) for picture in pictures]))
        golden = torch.nn.functional.normalize(theirs, dim=-1).numpy()
    pools = pair.photos.pool([pair.photos.prepare(picture) for picture in pictures])
    np.testing.assert_allclose(pools[:, 0], theirs.numpy(), atol=1e-4 * np.abs(theirs.numpy()).max())
    assert ((to_embeddings(pools) * golden).sum(axis=1) > 0.9999).all()
    # A model that saw nothing would agree with itself too.
    assert np.linalg.norm(golden[0] - golden[1]) > 1e-3


def test_other_photos_differ_by_the_white_they_are_fitted_on_alone(pair):
    """A tall photo keeps its ends; what open_clip makes of the same square is what we make of the photo."""
    tall = draw_squares()[2].resize((90, 300))
    square = Image.fromarray(np.asarray(pair.photos.prepare(tall)))
    with torch.no_grad():
        golden = pair.network.encode_image(pair.preprocess(square)[None], normalize=True).numpy()[0]
    ours = to_embeddings(pair.photos.pool([pair.photos.prepare(tall)]))[0]
    assert float(ours @ golden) > 0.9999


def test_texts_are_embedded_as_open_clip_embeds_them(pair):
    tokens = open_clip.tokenizer.SimpleTokenizer(context_length=CONTEXT_LENGTH)(TEXTS)
    with torch.no_grad():
        golden = pair.network.encode_text(tokens, normalize=True).numpy()
    ours = np.stack([pair.texts.embed(text)[pair.photos.space.name] for text in TEXTS])
    np.testing.assert_allclose(ours, golden, atol=1e-4)
    assert ((ours * golden).sum(axis=1) > 0.9999).all()
    assert len(np.unique(golden.round(4), axis=0)) == len(TEXTS)


def test_both_sides_are_of_one_space(pair):
    assert pair.texts.space == pair.photos.space
    assert pair.texts.version == pair.photos.space.weights_sha256[:8]
    vector = pair.texts.embed("red")[pair.photos.space.name]
    assert (vector.dtype, vector.shape) == (np.float32, (pair.photos.space.dimension,))
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


def test_bands_are_of_their_places_where_the_tower_has_places(pair):
    """Each band's pool is moved most by what is drawn into that band; a tower without places repeats the whole."""
    plain = Image.new("RGB", (96, 96), (200, 200, 200))
    before = pair.photos.pool([pair.photos.prepare(plain)])[0]
    if pair.kind == "timm":
        np.testing.assert_array_equal(before[1:], np.repeat(before[:1], 3, axis=0))
        return
    for band in range(3):
        changed = plain.copy()
        ImageDraw.Draw(changed).rectangle((15, 32 * band + 8, 80, 32 * band + 24), "navy")
        moved = np.linalg.norm(pair.photos.pool([pair.photos.prepare(changed)])[0] - before, axis=1)
        assert moved[1:].argmax() == band


def test_the_record_says_what_a_card_says(pair):
    record = load_record(pair.photos.space.name, MODELS)
    card = record.to_card()
    assert (card.mean, card.std) == (tuple(PREPROCESSING["mean"]), tuple(PREPROCESSING["std"]))
    assert (card.input_size, card.interpolation, record.context_length) == (pair.side, "bicubic", CONTEXT_LENGTH)
    assert card.licence
    assert "tiny.safetensors" in card.source
    assert str(MODELS) not in card.source


def test_photos_and_texts_are_embedded_without_torch(pair):
    if pair.kind != "class-token":
        pytest.skip("once is enough: which tower it is does not matter")
    code = (
        "import sys; from pathlib import Path; from PIL import Image;"
        "from search.encoders.registry import open_encoder; from search.encoders.clip_text import open_clip_text;"
        f"name, models = {pair.photos.space.name!r}, Path({str(MODELS)!r});"
        "encoder = open_encoder(name, models=models, threads=1);"
        "encoder.pool([encoder.prepare(Image.new('RGB', (64, 64)))]);"
        "open_clip_text(name, models=models).embed('red');"
        "print([m for m in ('torch', 'open_clip', 'timm', 'huggingface_hub') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert said.stdout.strip() == "[]", said.stderr
