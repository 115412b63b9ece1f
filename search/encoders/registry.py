"""The registry of encoders: their cards, opening one by name, and choosing one where the user did not.

An encoder registers itself from its own module in this folder, and needs to be named nowhere else:

    @register(CARD)
    def open_color(*, models: Path, threads: int, progress: Progress | None) -> Encoder: ...

Knows nothing of what an encoder computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from search.encoder import Encoder, EncoderCard
from search.errors import SetupError
from search.registry import Registry

Progress = Callable[[str], None]
"""Takes one line about what is going on; it may be called often."""

PREFERRED = "resnet50"
FALLBACK = "efficientnet_lite0"


class EncoderOpener(Protocol):
    """Opens one encoder: finds its weights, makes its graph. May take minutes the first time."""

    def __call__(self, *, models: Path, threads: int, progress: Progress | None) -> Encoder:
        """The encoder, ready.

        Args:
            models: folder of weights and exported graphs; made where it is not there.
            threads: of one forward pass; 0 for as many as there are cores.
            progress: told what takes time.
        """


_openers: Registry[tuple[EncoderCard, EncoderOpener]] = Registry("search.encoders", what="encoder")


def register(card: EncoderCard) -> Callable[[EncoderOpener], EncoderOpener]:
    """Decorator: the function opens the encoder of this card."""

    def add(opener: EncoderOpener) -> EncoderOpener:
        _openers.add(card.name, (card, opener))
        return opener

    return add


def list_cards() -> Sequence[EncoderCard]:
    """Every encoder's card, by name. Loads no model and no model library."""
    return [card for card, _ in _openers.list_entries()]


def find_card(name: str) -> EncoderCard:
    """The card of an encoder.

    Raises:
        SetupError: with code `unknown_encoder`, naming those there are.
    """
    return _openers.find(name)[0]


def open_encoder(name: str, *, models: Path, threads: int = 0, progress: Progress | None = None) -> Encoder:
    """An encoder ready to embed.

    Args:
        models: folder of weights and exported graphs; made where it is not there.
        threads: of one forward pass; 0 for as many as there are cores.
        progress: told what takes time: a download, an export.

    Raises:
        SetupError: the name is unknown.
        WeightsMissingError: its weights are not on disk and cannot be fetched.
        IntegrityError: its weights or its graph are damaged, and cannot be made again.
    """
    return _openers.find(name)[1](models=models, threads=threads, progress=progress)


def choose_backbone(*, models: Path, progress: Progress | None = None) -> tuple[str, str]:
    """What `auto` means here: the name of an encoder, and the sentence that says why, to be said aloud.

    Fetches the weights of the better encoder where that is possible: only then is it known that they can be had.
    """
    # Imported here: those modules register themselves with this one.
    from search.encoders import resnet50
    from search.encoders.graph import has_graph, obtain_weights

    if has_graph(resnet50.RECIPE, models=models):
        return PREFERRED, f"encoder {PREFERRED}: its graph is in {models}"
    try:
        place = obtain_weights(resnet50.RECIPE, models=models, progress=progress)
    except SetupError as error:
        return FALLBACK, f"encoder {FALLBACK}, as the weights of {PREFERRED} cannot be had: {error.message}"
    return PREFERRED, f"encoder {PREFERRED}: its weights are {place}"
