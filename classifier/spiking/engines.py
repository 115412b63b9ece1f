"""The networks on pixels of a data directory: `cnn` and `snn`, found where `vitrine snn convert` left them.

Loaded at the first question, and anew when another network has been converted into the folder. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
from importlib.util import find_spec
from pathlib import Path

from classifier.artefact import find_card
from classifier.spiking.answering import CnnEngine, PixelAnswer, read_pixels
from classifier.spiking.artefact import NAME, SpikingNetwork, load_spiking
from classifier.spiking.process import SpikingProcess
from search.errors import NotFoundError

CNN, SNN = "cnn", "snn"


class _Loaded:
    """One network, with both its engines."""

    def __init__(self, folder: Path, *, threads: int, timeout_s: float) -> None:
        self.network: SpikingNetwork = load_spiking(folder)
        self.cnn = CnnEngine(self.network, threads=threads)
        self.snn = SpikingProcess(folder, self.network, threads=threads, timeout_s=timeout_s)


class PixelEngines:
    """Answers from pixels, where there is a converted network. Safe to use from several threads; to be closed.

    Args:
        folder: where a converted network is, or may come to be.
        threads: of one forward pass; 0 for one a core.
        timeout_s: seconds for one spiking answer, its process's start not counted.
    """

    def __init__(self, folder: Path, *, threads: int = 0, timeout_s: float = 10.0) -> None:
        self._folder, self._threads, self._timeout_s = folder, threads, timeout_s
        self._lock = threading.Lock()
        self._loaded: tuple[int, _Loaded] | None = None

    def list_names(self) -> tuple[str, ...]:
        """Those that can be asked now: none without a converted network, `snn` only where its extra is installed."""
        if not find_card(self._folder, NAME).is_file():
            return ()
        return (CNN, SNN) if find_spec("nengo_dl") else (CNN,)

    def answer(self, name: str, photo: bytes) -> PixelAnswer:
        """What the engine of that name says of a photo's file.

        Raises:
            NotFoundError: `no_network`: nothing was converted here.
            SetupError: `extra_missing`; IntegrityError: a file is damaged.
            PhotoError: the photo cannot be read, or is refused.
            TryLaterError, OverloadedError: as `SpikingProcess.answer`.
        """
        loaded = self._load()
        pixels = read_pixels(loaded.network.cnn, photo)
        return loaded.cnn.answer(pixels) if name == CNN else loaded.snn.answer(pixels)

    def close(self) -> None:
        """End the spiking process, where it runs."""
        with self._lock:
            if self._loaded is not None:
                self._loaded[1].snn.close()
                self._loaded = None

    def _load(self) -> _Loaded:
        with self._lock:
            try:
                stamp = find_card(self._folder, NAME).stat().st_mtime_ns
            except OSError:
                raise NotFoundError(
                    f"there is no converted network in {self._folder}: train one with 'vitrine train network', then "
                    "'vitrine snn convert NETWORK DATA'",
                    code="no_network",
                ) from None
            if self._loaded is None or self._loaded[0] != stamp:
                if self._loaded is not None:
                    self._loaded[1].snn.close()
                self._loaded = stamp, _Loaded(self._folder, threads=self._threads, timeout_s=self._timeout_s)
            return self._loaded[1]
