"""Names of OpenCLIP's models, and the names of the spaces they make.

    clip:ViT-B-32/laion2b_s34b_b79k            one of open_clip's models and pretrained tags
    clip:RN50/file:/weights/ours.safetensors   weights in a file, for a model of open_clip or one that a file describes

Works with texts and, for weights in a file, that file's hash. Knows nothing of open_clip itself.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from search.encoders.weights import compute_sha256
from search.errors import SetupError, WeightsMissingError

PREFIX = "clip:"
SPACE_PREFIX = "clip_"
PATTERN = f"{PREFIX}MODEL/TAG"
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
"""Of weights files; what is not safetensors is read as plain tensors only, and converted once."""

CONFIGURATION = "open_clip_config.json"
"""Beside weights in a file: architecture (`model_cfg`) and preprocessing (`preprocess_cfg`), as on the hub."""

_FILE = "/file:"
_MAX_PART = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipName:
    """Which model, and which weights of it.

    Attributes:
        model: as open_clip calls it; for weights in a file with a configuration beside it, any name.
        tag: open_clip's pretrained tag; empty where the weights are in a file.
        file: the weights' file; None for a tag.
    """

    model: str
    tag: str = ""
    file: Path | None = None

    def name_space(self) -> str:
        """Name of the space: model and tag, or model, file name and the first 8 digits of a hash, which is the file's,
        or its and its configuration's where that lies beside it: either changed is another space.

        Whatever is no letter, digit, `_` or `-` becomes a `-`: the name is also a file's, a vector's and a column's.

        Raises:
            WeightsMissingError: the file is not there.
        """
        if self.file is None:
            return f"{SPACE_PREFIX}{_clean(self.model)}_{_clean(self.tag)}"
        if not self.file.is_file():
            raise WeightsMissingError(
                f"the weights file {self.file} of {PREFIX}{self.model} is not there: check the path, or bring the file"
            )
        return f"{SPACE_PREFIX}{_clean(self.model)}_{_clean(self.file.stem)}_{_compute_digest(self.file)[:8]}"

    def __str__(self) -> str:
        return f"{PREFIX}{self.model}/{self.tag}" if self.file is None else f"{PREFIX}{self.model}{_FILE}{self.file}"


def parse_clip_name(text: str) -> ClipName:
    """The model and the weights a name tells; `clip:` in front may be left out.

    Raises:
        SetupError: with code `unknown_encoder`, for what is no such name or no weights file by its suffix.
    """
    model, file, path = text.strip().removeprefix(PREFIX).partition(_FILE)
    tag = ""
    if not file:
        model, _, tag = model.rpartition("/")
    model, tag, path = model.strip().replace("/", "-"), _clean_tag(tag), path.strip()
    if not model or not (tag or path):
        raise SetupError(
            f"{text!r} does not say which model and which weights: write {PATTERN}, such as "
            f"{PREFIX}ViT-B-32/laion2b_s34b_b79k, or {PREFIX}MODEL/file:PATH for weights in a file",
            code="unknown_encoder",
        )
    if path and Path(path).suffix.lower() not in SUFFIXES:
        raise SetupError(
            f"{path} is no weights file by its name; those end in {', '.join(SUFFIXES)}", code="unknown_encoder"
        )
    return ClipName(model=model, tag=tag, file=Path(path).expanduser().absolute() if path else None)


def is_clip(name: str) -> bool:
    """Whether a name is one of OpenCLIP's, of an encoder or of a space."""
    return name.startswith((PREFIX, SPACE_PREFIX))


def _clean_tag(tag: str) -> str:
    """A tag as open_clip looks it up: `laion2B-s34B-b79K` is `laion2b_s34b_b79k`."""
    return tag.strip().lower().replace("-", "_")


def _compute_digest(file: Path) -> str:
    weights, beside = compute_sha256(file), file.parent / CONFIGURATION
    return hashlib.sha256(weights.encode() + beside.read_bytes()).hexdigest() if beside.is_file() else weights


def _clean(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", part)[:_MAX_PART]
