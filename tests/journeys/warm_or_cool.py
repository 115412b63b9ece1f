"""A network on pixels that is only a picture's mean colour, for journeys that need engines and no training."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from classifier.spiking.answering import PixelAnswer, SpikingWork
from search.errors import VitrineError
from search.tagging import Prediction

SURE = 0.6
SCALE = 12.0
"""Of red over blue, mean of the picture, 0 to 255: as much of it makes warm e times as probable as cool."""

WORDS = {"color": ("Yellow", "Blue"), "warmth": ("warm", "cool")}
"""What it has learnt to say; the shop has no attribute `warmth`."""

WORK = SpikingWork(steps=5, most_steps=8, spikes=41_203, operations=1_204_000)


class WarmOrCool:
    """A network on pixels that is only the picture's mean colour: yellow and warm, or blue and cool.

    Attributes:
        names: what can be asked.
        trouble: raised in place of an answer.
        asked: names of the engines that have been, in their order.
    """

    def __init__(self, *names: str) -> None:
        self.names = names
        self.trouble: VitrineError | None = None
        self.asked: list[str] = []

    def list_names(self) -> tuple[str, ...]:
        return self.names

    def answer(self, name: str, photo: bytes) -> PixelAnswer:
        self.asked.append(name)
        if self.trouble is not None:
            raise self.trouble
        red, _, blue = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"), np.float64).mean(axis=(0, 1))
        warm = 1 / (1 + float(np.exp((blue - red) / SCALE)))
        if name == "snn":
            warm = 0.5 + 0.8 * (warm - 0.5)  # counts of few spikes: never quite as sure
        found = {}
        for attribute, words in WORDS.items():
            values = sorted(zip(words, (warm, 1 - warm), strict=True), key=lambda value: -value[1])
            accepted = tuple(word for word, share in values if share >= SURE)
            found[attribute] = Prediction(values=tuple(values), accepted=accepted)
        spiking = name == "snn"
        return PixelAnswer(
            predictions=found, model="warm", took_ms=95.4 if spiking else 3.2, work=WORK if spiking else None
        )
