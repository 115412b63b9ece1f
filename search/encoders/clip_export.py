"""An OpenCLIP model to two ONNX graphs, one of photos and one of texts: `python -m search.encoders.clip_export`.

Runs in a child process, so that torch and open_clip are never loaded by a process that serves. Knows nothing of
catalogues.

Beside the embedding of a photo the graph gives that of its places, for the bands of `search.pools`. A vision
transformer's last patch tokens go through the norm and the projection that its class token goes through. In CLIP's
ResNets each place goes through the value and output projections of the pooling attention, as if it attended to itself
alone: C. Zhou, C. C. Loy and B. Dai, "Extract free dense labels from CLIP" (arXiv:2112.01071). Other towers (those of
timm, and those that pool by attention over queries) have no such places; there every band is the whole's embedding.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.encoders.clip_graphs import ANSWER, ClipTask
from search.encoders.clip_name import CONFIGURATION, ClipName, parse_clip_name
from search.encoders.clip_record import VERSION, ClipRecord, GraphFile, save_record
from search.encoders.clip_weights import ClipSource, find_name, find_source
from search.encoders.onnx_export import OPSET, build_normalisation
from search.encoders.weights import compute_sha256
from search.errors import IntegrityError, SetupError, VitrineError

if TYPE_CHECKING:
    import torch

MAX_BYTES = 2**31 - 2**26
"""Weights of one tower at most: a graph is one file, and such a file ends at 2 GiB."""

_TAKEN = ("mean", "std", "interpolation")

PHOTOS, TOKENS, TEXT = "photos", "tokens", "text"
"""Inputs of the two graphs, and the output of that of texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipModel:
    """A model with its weights in it.

    Attributes:
        network: open_clip's module.
        input_size: side of a photo, pixels.
        mean, std, interpolation: open_clip's preprocessing.
    """

    network: Any
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str


def run_task(task: ClipTask, folder: Path) -> ClipRecord:
    """Both graphs and their record, written into a folder.

    Raises:
        SetupError: no such model, or one that cannot be made graphs of.
        WeightsMissingError, IntegrityError: see `search.encoders.clip_weights.find_source`.
    """
    name = parse_clip_name(task.name) if task.name else find_name(task.space)
    source = find_source(name, converted=Path(task.models) / f"{task.space}.safetensors")
    text = source.architecture["text_cfg"]
    if "hf_tokenizer_name" in text or "hf_model_name" in text:
        raise SetupError(
            f"the texts of {name} need a tokenizer of Hugging Face's, which Vitrine does not run; choose a model with "
            "CLIP's own, such as ViT-B-32/laion2b_s34b_b79k or ViT-B-16/datacomp_xl_s13b_b90k",
            code="unsupported_encoder",
        )
    model = build_model(name, source, folder)
    stem = f"{task.space}-{source.sha256[:12]}-v{VERSION}"
    photos, texts = folder / f"{stem}-photos.onnx", folder / f"{stem}-texts.onnx"
    context_length = int(text.get("context_length", 77))
    dimension = export_photos(model, photos)
    export_texts(model, context_length, texts)
    record = ClipRecord(
        space=task.space,
        source=source.told,
        licence=source.licence,
        weights_sha256=source.sha256,
        dimension=dimension,
        input_size=model.input_size,
        mean=model.mean,
        std=model.std,
        interpolation=model.interpolation,
        context_length=context_length,
        clean=str((text.get("tokenizer_kwargs") or {}).get("clean", "lower")),
        photos=GraphFile(name=photos.name, sha256=compute_sha256(photos)),
        texts=GraphFile(name=texts.name, sha256=compute_sha256(texts)),
    )
    save_record(record, folder)
    return record


def build_model(name: ClipName, source: ClipSource, folder: Path) -> ClipModel:
    """The network with these weights. Needs torch and open_clip.

    Args:
        folder: for a file that only open_clip reads.

    Raises:
        IntegrityError: the weights are not of this architecture.
        SetupError: its photos are not square.
    """
    import open_clip

    own = folder / "architecture.json"
    own.write_text(json.dumps(source.architecture), encoding="utf-8")
    open_clip.add_model_config(own)
    try:
        network = open_clip.create_model(
            own.stem,
            pretrained=str(source.path),
            require_pretrained=True,
            force_preprocess_cfg={key: source.preprocessing[key] for key in _TAKEN if key in source.preprocessing},
        )
    except Exception as error:  # of torch, timm and open_clip, for whatever does not fit
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise IntegrityError(
            f"the weights of {name} are not those of that model: {said} Name the model they were trained as, or "
            f"put its {CONFIGURATION} beside them"
        ) from error
    seen = network.visual.preprocess_cfg
    sides = set(seen["size"]) if isinstance(seen["size"], (tuple, list)) else {seen["size"]}
    if len(sides) != 1:
        raise SetupError(f"{name} sees photos of {seen['size']} pixels; only squares are", code="unsupported_encoder")
    red, green, blue = (float(level) for level in seen["mean"])
    reds, greens, blues = (float(level) for level in seen["std"])
    return ClipModel(
        network=network.eval().float(),
        input_size=int(sides.pop()),
        mean=(red, green, blue),
        std=(reds, greens, blues),
        interpolation="bilinear" if seen["interpolation"] == "bilinear" else "bicubic",
    )


def export_photos(model: ClipModel, out: Path) -> int:
    """Write the graph of photos; the number of components of an embedding."""
    import torch

    network = build_photo_graph(model)
    photos = torch.zeros((2, model.input_size, model.input_size, 3), dtype=torch.uint8)
    _export(network, photos, out, given=PHOTOS, gives=("pool", "map"))
    with torch.inference_mode():
        pool, _ = network(photos)
    return int(pool.shape[1])


def export_texts(model: ClipModel, context_length: int, out: Path) -> None:
    """Write the graph of texts."""
    import torch

    class Texts(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = model.network
            self.clip.visual = torch.nn.Identity()  # the other tower, which is no part of this graph

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            embedded: torch.Tensor = self.clip.encode_text(tokens)
            return embedded

    tokens = torch.zeros((2, context_length), dtype=torch.int64)
    tokens[:, 1] = 1
    _export(Texts().eval(), tokens, out, given=TOKENS, gives=(TEXT,))


def build_photo_graph(model: ClipModel) -> torch.nn.Module:
    """Photos as they are, uint8 (N, side, side, 3), to `pool` (N, D) and `map` (N, D, h, w), see the module's text."""
    import torch
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    visual = model.network.visual

    def look(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if isinstance(visual, VisionTransformer) and visual.attn_pool is None and visual.pool_type != "none":
            return _look_by_tokens(visual, pixels)
        if isinstance(visual, ModifiedResNet):
            return _look_by_places(visual, pixels)
        pool = model.network.encode_image(pixels)
        return pool, pool[:, :, None, None]

    class Photos(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.normalisation = build_normalisation(mean=model.mean, std=model.std)
            self.visual = visual

        def forward(self, photos: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return look(self.normalisation(photos))

    return Photos().eval()


def _look_by_tokens(visual: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    visual.output_tokens = True
    pool, tokens = visual(pixels)
    if visual.final_ln_after_pool:
        tokens = visual.ln_post(tokens)
    rows, columns = visual.grid_size
    places = (tokens @ visual.proj).permute(0, 2, 1)
    return pool, places.reshape(places.shape[0], places.shape[1], rows, columns)


def _look_by_places(visual: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    features = visual.stem(pixels)
    for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        features = layer(features)
    attention = visual.attnpool
    places = attention.c_proj(attention.v_proj(features.permute(0, 2, 3, 1)))
    return attention(features), places.permute(0, 3, 1, 2)


def _export(network: torch.nn.Module, example: Any, out: Path, *, given: str, gives: tuple[str, ...]) -> None:
    import torch

    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size > MAX_BYTES:
        raise SetupError(
            f"a tower of this model has {size / 2**30:.1f} GiB of weights; a graph has at most "
            f"{MAX_BYTES / 2**30:.1f}: choose a smaller model, up to ViT-L",
            code="unsupported_encoder",
        )
    torch.backends.mha.set_fastpath_enabled(False)  # its fused operator has no form in ONNX
    with warnings.catch_warnings(), torch.inference_mode():
        # As in search/encoders/onnx_export.py: deprecated, and the only one that needs no further packages.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            str(out),
            input_names=[given],
            output_names=list(gives),
            dynamic_axes={name: {0: "n"} for name in (given, *gives)},
            opset_version=OPSET,
            dynamo=False,
        )


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[2])
    try:
        run_task(ClipTask(**json.loads(sys.argv[1])), folder)
    except VitrineError as error:
        answer = {"kind": type(error).__name__, "code": error.code, "message": error.message}
        (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")
        sys.exit(1)
