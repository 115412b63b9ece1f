"""Weights of an OpenCLIP model: which file, of which architecture, read how.

Runs in the child process that makes graphs, beside torch and open_clip. A file that is no safetensors file is read with
`weights_only=True`, which unpickles nothing but tensors, and written as safetensors once.
"""

from __future__ import annotations

import difflib
import json
import os
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from search.encoders.clip_name import CONFIGURATION, ClipName
from search.encoders.weights import compute_sha256
from search.errors import IntegrityError, SetupError, WeightsMissingError

MIT_TAGS = ("openai", "laion", "datacomp", "commonpool")
"""Beginnings of tags whose publishers give the weights under the MIT licence, by their pages on the hub."""

_ORIGIN = "converted_from_sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSource:
    """Weights on this disk, and what is needed to load them.

    Attributes:
        path: a safetensors file.
        sha256: of the file as it was published, before it was converted.
        architecture: open_clip's model configuration.
        preprocessing: `mean`, `std` and `interpolation`, as open_clip has them.
        told: where they came from, for a reader.
        licence: SPDX identifier, or a reference to where it is told.
    """

    path: Path
    sha256: str
    architecture: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    told: str
    licence: str


def find_source(name: ClipName, *, converted: Path) -> ClipSource:
    """The weights of a name; those of a tag from the cache, else from the hub.

    Args:
        converted: where a safetensors file is kept that another file was converted to.

    Raises:
        SetupError: no such model or tag.
        WeightsMissingError: they are not here and cannot be fetched.
        IntegrityError: the file cannot be read.
    """
    return _find_tag(name, converted) if name.file is None else _find_file(name, name.file, converted)


def find_name(space: str) -> ClipName:
    """The model and tag whose space is called so.

    Raises:
        WeightsMissingError: there is none, as with weights in a file.
    """
    import open_clip

    for model, tag in open_clip.list_pretrained():
        name = ClipName(model=model, tag=tag)
        if name.name_space() == space:
            return name
    raise WeightsMissingError(
        f"the graphs of {space} are not in the models folder, and no tag of open_clip is called so: bring them back, "
        "or give the weights once more ('vitrine index FEED --clip MODEL/file:PATH')"
    )


def _find_tag(name: ClipName, converted: Path) -> ClipSource:
    _stay_offline_without_network()
    import open_clip

    architecture = _find_architecture(name.model)
    tag = open_clip.get_pretrained_cfg(name.model, name.tag)
    if not tag:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(name.model)) or "none"
        raise SetupError(
            f"open_clip has no weights {name.tag!r} of {name.model}; it has: {known}", code="unknown_encoder"
        )
    hub = str(tag.get("hf_hub") or "").strip("/")
    fetch = f"run 'hf download {hub}'" if hub else f"fetch {tag['url']}"
    try:
        path = Path(open_clip.download_pretrained(tag))
    except Exception as error:  # of the hub's client, of urllib, of open_clip: they share no other class
        raise WeightsMissingError(
            f"the weights of {name} are not in the cache and cannot be fetched "
            f"({_say(error)}). On a machine with a network {fetch}, "
            f"bring the weights' file here and write clip:{name.model}/file:PATH"
        ) from error
    if tag.get("quick_gelu"):  # a fact of the weights: with the other activation every embedding is a little wrong
        architecture["quick_gelu"] = True
    mit = name.tag.startswith(MIT_TAGS)
    return ClipSource(
        path=_convert(path, converted),
        sha256=compute_sha256(path),
        architecture=architecture,
        preprocessing=tag,
        told=f"open_clip {name.model}, tag {name.tag} ({hub or tag['url']})",
        licence="MIT" if mit else "LicenseRef-as-its-publisher-says",
    )


def _find_file(name: ClipName, file: Path, converted: Path) -> ClipSource:
    beside = file.parent / CONFIGURATION
    if beside.is_file():
        try:
            told = json.loads(beside.read_text("utf-8"))
            architecture, preprocessing = dict(told["model_cfg"]), dict(told.get("preprocess_cfg", {}))
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{beside} is no configuration of open_clip: {error!r}; bring the right one"
            ) from error
    else:
        architecture, preprocessing = _find_architecture(name.model), dict(_agree(name.model))
    return ClipSource(
        path=_convert(file, converted),
        sha256=compute_sha256(file),
        architecture=architecture,
        preprocessing=preprocessing,
        told=f"file {file.name}, open_clip {name.model}",
        licence="LicenseRef-as-its-publisher-says",
    )


def _find_architecture(model: str) -> dict[str, Any]:
    import open_clip

    found = open_clip.get_model_config(model)
    if found is None:
        near = difflib.get_close_matches(model, open_clip.list_models(), n=5, cutoff=0.4)
        raise SetupError(
            f"open_clip has no model {model!r}; near to it are: {', '.join(near) or 'none'}. For a model of your own, "
            f"put its {CONFIGURATION} beside the weights",
            code="unknown_encoder",
        )
    return dict(found)


def _agree(model: str) -> Mapping[str, Any]:
    """Preprocessing of a model's published weights where they all have the same; else open_clip's own default."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(model)
    each = [
        {key: cfg[key] for key in ("mean", "std", "interpolation")}
        for cfg in (open_clip.get_pretrained_cfg(model, tag) for tag in tags)
    ]
    return each[0] if each and all(one == each[0] for one in each) else {}


def _convert(path: Path, converted: Path) -> Path:
    """The same tensors as a safetensors file: the file itself, or one written once from it."""
    if path.suffix.lower() == ".safetensors":
        return path
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file

    origin = compute_sha256(path)
    try:
        with safe_open(converted, framework="pt") as kept:
            if (kept.metadata() or {}).get(_ORIGIN) == origin:
                return converted
    except (OSError, SafetensorError):
        pass
    try:
        read = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # an unpickling, a zip or a runtime error
        raise IntegrityError(
            f"{path} cannot be read as plain tensors ({_say(error)}); save its state dict as a "
            "safetensors file, on a machine that trusts it, and give that"
        ) from error
    aside = converted.with_suffix(f".{os.getpid()}.tmp")
    save_file(_list_tensors(read), aside, metadata={_ORIGIN: origin})
    return aside.replace(converted)


def _list_tensors(read: Any) -> dict[str, Any]:
    """The tensors of a checkpoint, by the model's names, each with memory of its own."""
    import torch

    state = read.get("state_dict", read) if isinstance(read, dict) else {}
    tensors = {
        str(key).removeprefix("module."): value.detach().clone().contiguous()
        for key, value in state.items()
        if isinstance(value, torch.Tensor)
    }
    if not tensors:
        raise IntegrityError("the weights' file holds no tensors by name; give the state dict of an OpenCLIP model")
    return tensors


def _say(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _stay_offline_without_network() -> None:
    """Tell the hub's client to look in its cache alone where its server has no address: it would try for a minute."""
    if urllib.request.getproxies():
        return
    host = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").hostname
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        os.environ["HF_HUB_OFFLINE"] = "1"
