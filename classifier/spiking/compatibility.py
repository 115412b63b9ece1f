"""The one door to TensorFlow and NengoDL: asked for when something spikes, and never before.

NengoDL 3.6.0, its last release, was made for TensorFlow 2.11. TensorFlow 2.15 moved two names that it imports; both are
put back here. Nothing else in the project imports either library but through `load_libraries`.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from search.errors import SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Libraries:
    """The three libraries of the extra `snn`, as modules without types."""

    nengo: Any
    nengo_dl: Any
    tensorflow: Any


_loading = threading.Lock()
_loaded: list[Libraries] = []


def load_libraries(threads: int = 0) -> Libraries:
    """TensorFlow, Nengo and NengoDL, made to fit each other; some seconds the first time.

    Args:
        threads: of TensorFlow's operations; 0 leaves its own choice. It takes this once: the first call decides.

    Raises:
        SetupError: `extra_missing` where they are not installed, naming the extra.
    """
    with _loading:
        if not _loaded:
            _loaded.append(_import_libraries(threads))
        return _loaded[0]


def _import_libraries(threads: int) -> Libraries:
    with warnings.catch_warnings(), _keep_quiet():
        warnings.simplefilter("ignore")
        try:
            tensorflow = importlib.import_module("tensorflow")
            if threads:
                tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            _restore_names()
            nengo = importlib.import_module("nengo")
            nengo_dl = importlib.import_module("nengo_dl")
            tensorflow.constant(0)  # what it has to say of the processor it says now
        except ImportError as error:
            raise SetupError(
                f"the spiking classifier needs the extra snn, which is not installed here ({error}): on Python 3.11, "
                "pip install 'vitrine[snn]', or 'make snn' in a checkout; everything else works without it",
                code="extra_missing",
            ) from error
    tensorflow.get_logger().setLevel(logging.ERROR)
    return Libraries(nengo=nengo, nengo_dl=nengo_dl, tensorflow=tensorflow)


@contextmanager
def _keep_quiet() -> Iterator[None]:
    """Standard error to nowhere: TensorFlow writes of missing graphics cards there, past Python, whatever is set."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _restore_names() -> None:
    """`keras.engine` went to `keras.src.engine`, and the two classes of batch normalisation became one."""
    sys.modules.setdefault("keras.engine", importlib.import_module("keras.src.engine"))
    for part in ("functional", "base_layer", "training", "input_layer"):
        sys.modules.setdefault(f"keras.engine.{part}", importlib.import_module(f"keras.src.engine.{part}"))
    layers = importlib.import_module("keras.layers")
    for name in ("BatchNormalizationV1", "BatchNormalizationV2"):
        if not hasattr(layers, name):
            setattr(layers, name, layers.BatchNormalization)
