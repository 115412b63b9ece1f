"""Small OpenCLIP models with random weights, as files: what brings a model by file brings.

Needs the extra `clip`; whoever uses it skips where that is absent.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

CONTEXT_LENGTH = 32
VOCABULARY = 49_408

VIT = {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
RESNET = {"image_size": 160, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32, "patch_size": None}
TEXT = {"context_length": CONTEXT_LENGTH, "vocab_size": VOCABULARY, "width": 32, "heads": 2, "layers": 2}
PREPROCESSING = {
    "mean": [0.48, 0.45, 0.40],
    "std": [0.26, 0.27, 0.28],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


def find_tiny_clip(models: Path) -> str:
    """Name of the encoder of a tiny model, whose files are beside these models and written where they are not yet."""
    return f"clip:tiny model/file:{keep_tiny_clip(models.parent / 'tiny-clip', configure())}"


def keep_tiny_clip(folder: Path, model: dict[str, Any]) -> Path:
    """The weights in a folder that is kept from run to run, written anew where they are of another configuration."""
    weights, beside = folder / "tiny.safetensors", folder / "open_clip_config.json"
    if weights.is_file() and beside.is_file() and json.loads(beside.read_text("utf-8")) == _describe(model):
        return weights
    return write_tiny_clip(folder, model)


def configure(vision: dict[str, Any] = VIT, **changes: Any) -> dict[str, Any]:
    """A model's configuration, as open_clip has it."""
    return {"embed_dim": 48, "vision_cfg": vision, "text_cfg": TEXT, **changes}


def write_tiny_clip(folder: Path, model: dict[str, Any] | None = None, *, seed: int = 0, stem: str = "tiny") -> Path:
    """Weights and their configuration in a folder; path of the weights, a safetensors file."""
    from safetensors.torch import save_model

    folder.mkdir(parents=True, exist_ok=True)
    model = model or configure()
    network = build(folder, model, seed=seed)
    (folder / "open_clip_config.json").write_text(json.dumps(_describe(model)), encoding="utf-8")
    aside = folder / f"{stem}.{os.getpid()}.tmp"
    save_model(network, str(aside))
    return aside.replace(folder / f"{stem}.safetensors")


def _describe(model: dict[str, Any]) -> dict[str, Any]:
    return {"model_cfg": model, "preprocess_cfg": PREPROCESSING}


def build(folder: Path, model: dict[str, Any], *, seed: int = 0) -> Any:
    """The network with random weights that differ enough for photos to differ."""
    import open_clip
    import torch

    own = folder / f"tiny_{seed}_{len(json.dumps(model))}.json"
    own.write_text(json.dumps(model), encoding="utf-8")
    open_clip.add_model_config(own)
    torch.manual_seed(seed)
    network = open_clip.create_model(own.stem, pretrained=None, load_weights=False)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if name.endswith("bn3.weight"):  # zeros at the start: a ResNet's blocks would give nothing
                tensor.fill_(0.5)
    return network.eval()
