"""Trained towers to an ONNX graph. Needs torch."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from classifier.text.encoder import INPUTS, OUTPUT
from classifier.text.training import TrainedTowers
from classifier.text.vocabulary import CONTEXT

OPSET = 17


def export_towers(trained: TrainedTowers, *, factor: float) -> bytes:
    """The graph's bytes: `rows` int64 (n, CONTEXT) and `bags` int64 (n, parts) to `vectors` float32.

    Args:
        factor: every number of a vector is multiplied with it.
    """
    given = (
        torch.zeros((2, CONTEXT), dtype=torch.int64),
        torch.zeros((2, 3), dtype=torch.int64),
    )
    with warnings.catch_warnings(), torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "text.onnx"
        # This exporter is deprecated, and the only one that writes graphs without further packages.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            trained.fold(factor=factor),
            given,
            str(out),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={**{name: {0: "n"} for name in (*INPUTS, OUTPUT)}, INPUTS[1]: {0: "n", 1: "parts"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return out.read_bytes()
