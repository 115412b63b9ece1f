"""A torch network to an ONNX graph that takes photos as they are: uint8, in rows of RGB pixels.

The export runs in a child process (`python -m search.encoders.onnx_export`), so that torch is never loaded, and its
memory never held, by a process that serves. Knows nothing of encoders' names or of where graphs are kept.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import SetupError

if TYPE_CHECKING:
    import torch

EXPORT_VERSION = 1
"""Part of a graph's file name: raised when what is exported changes."""

OPSET = 17
INPUT = "photos"
OUTPUTS = ("pool", "map")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTask:
    """What to export.

    Attributes:
        builder: `module:function`; the function takes the weights' path and gives a `torch.nn.Module` from normalised
            photos (N, 3, H, W) to the last map before pooling.
        input_size: side of a photo, pixels.
        mean, std: per channel RGB, on values in [0, 1]; built into the graph.
    """

    builder: str
    weights: str
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def export_in_child(task: ExportTask, out: Path) -> None:
    """Write the graph to `out`, in a child process. Its input: `photos`, uint8 (N, H, W, 3). Its outputs, float32:
    `pool` (N, C), the mean over the last map, and `map` (N, C, h, w), the last map before pooling.

    Raises:
        SetupError: with code `export_failed` and the last line torch said.
    """
    child = run_module("search.encoders.onnx_export", json.dumps(asdict(task)), str(out))
    if child.returncode != 0:
        said = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise SetupError(
            f"the weights {task.weights} could not be made an ONNX graph: {said[-1]}. "
            "Check that torch, torchvision and timm are installed as in constraints/",
            code="export_failed",
        )


def run_module(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A module of ours run to its end in a child process, without a graphics card, and what it said."""
    # The child finds this package where the parent did, installed or not.
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def export_graph(task: ExportTask, out: Path) -> None:
    """The same, in this process. Needs torch."""
    module, function = task.builder.split(":")
    build_network = getattr(importlib.import_module(module), function)
    import torch

    network = build_network(Path(task.weights))
    photos = torch.zeros((2, task.input_size, task.input_size, 3), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.inference_mode():
        # This exporter is deprecated, and the only one that writes graphs without further packages.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            build_graph(network, mean=task.mean, std=task.std),
            (photos,),
            str(out),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )


def build_graph(
    network: torch.nn.Module, *, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> torch.nn.Module:
    """The network with its normalisation before it and the global pool after it, as exported. Needs torch."""
    import torch

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.normalisation = build_normalisation(mean=mean, std=std)
            self.network = network

        def forward(self, photos: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = self.network(self.normalisation(photos))
            return features.mean((2, 3)), features

    return Graph().eval()


def build_normalisation(*, mean: tuple[float, float, float], std: tuple[float, float, float]) -> torch.nn.Module:
    """Photos as they are, uint8 (N, H, W, 3), to normalised ones, float32 (N, 3, H, W). Needs torch."""
    import torch

    class Normalisation(torch.nn.Module):
        scale: torch.Tensor
        shift: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            # (x / 255 - mean) / std as one multiplication and one addition
            self.register_buffer("scale", torch.tensor([1 / (255 * s) for s in std]).view(1, 3, 1, 1))
            self.register_buffer(
                "shift", torch.tensor([-m / s for m, s in zip(mean, std, strict=True)]).view(1, 3, 1, 1)
            )

        def forward(self, photos: torch.Tensor) -> torch.Tensor:
            return photos.permute(0, 3, 1, 2).float() * self.scale + self.shift

    return Normalisation()


if __name__ == "__main__":
    fields = json.loads(sys.argv[1])
    fields["mean"], fields["std"] = tuple(fields["mean"]), tuple(fields["std"])
    export_graph(ExportTask(**fields), Path(sys.argv[2]))
