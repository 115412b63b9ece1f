"""Networks on pixels behind `/v1/classify`, apart from the catalogue's own classifier: the port, and the door to it.

One photo at a time and a line of its own, so that a slow engine holds up nobody who searches. Knows nothing of HTTP,
nor of what an engine is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import anyio
import anyio.to_thread

from api.limits import Admission
from classifier.spiking.answering import PixelAnswer
from search.errors import NotFoundError

ENGINE_WAIT_S = 30.0
"""Seconds somebody waits in line at most: long enough for the one in front to start a spiking process."""

HEADS = "heads"
EngineName = Literal["heads", "cnn", "snn"]
"""`heads` is the catalogue's own classifier, on embeddings; the others look at pixels."""


class PixelEngines(Protocol):
    """What answers from pixels. Safe to use from several threads."""

    def list_names(self) -> tuple[str, ...]:
        """Those that can be asked now."""

    def answer(self, name: str, photo: bytes) -> PixelAnswer:
        """What one says of a photo's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDoor:
    """Engines, and the line in front of them.

    Attributes:
        engines: None where there are none.
        admission: who waits, and how long.
    """

    engines: PixelEngines | None
    admission: Admission
    threads: anyio.CapacityLimiter

    def list_names(self) -> list[str]:
        """Those that can be asked now."""
        return [] if self.engines is None else list(self.engines.list_names())

    async def ask(self, name: str, photo: bytes) -> PixelAnswer:
        """What the engine of that name says of a photo's file, from a thread.

        Raises:
            NotFoundError: `no_engine`: it is not to be had here.
            OverloadedError: too many are in line.
        """
        names = self.list_names()
        if self.engines is None or name not in names:
            there = f"there are {', '.join(names)}" if names else "there is none"
            raise NotFoundError(
                f"no engine {name!r} can be asked here; besides the catalogue's own classifier {there}. Convert a "
                "trained network with 'vitrine snn convert', and install the extra snn for its spikes",
                code="no_engine",
            )
        async with self.admission.enter():
            return await anyio.to_thread.run_sync(self.engines.answer, name, photo, limiter=self.threads)
