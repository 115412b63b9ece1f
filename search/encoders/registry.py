"""The registry of encoders: their cards, opening one by name, and choosing one where the user did not.

An encoder registers itself from its own module in this folder, and needs to be named nowhere else:

    @register(CARD)
    def open_color(*, models: Path, threads: int, progress: Progress | None) -> Encoder: ...

Encoders whose names are not known beforehand, such as every model of a library, are a family:

    @register_family
    class ClipFamily: ...

Knows nothing of what an encoder computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

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


class EncoderFamily(Protocol):
    """Encoders that one rule opens, by the names it knows as its own."""

    card: EncoderCard
    """What a listing says of them; its name is the pattern of theirs, its dimension 0 where they differ."""

    def owns(self, name: str) -> bool:
        """Whether a name is one of its encoders', or of its spaces'."""

    def name_space(self, name: str) -> str:
        """Name of an encoder's space; a space's own name stays what it is."""

    def open(self, name: str, *, models: Path, threads: int, progress: Progress | None) -> Encoder:
        """One of its encoders, ready, by its name or its space's; as `EncoderOpener` does."""


_openers: Registry[tuple[EncoderCard, EncoderOpener]] = Registry("search.encoders", what="encoder")
_families: Registry[EncoderFamily] = Registry("search.encoders", what="family of encoders")


def register(card: EncoderCard) -> Callable[[EncoderOpener], EncoderOpener]:
    """Decorator: the function opens the encoder of this card."""

    def add(opener: EncoderOpener) -> EncoderOpener:
        _openers.add(card.name, (card, opener))
        return opener

    return add


FamilyClass = TypeVar("FamilyClass", bound=Callable[[], EncoderFamily])


def register_family(family: FamilyClass) -> FamilyClass:
    """Decorator: the class is a family of encoders."""
    made = family()
    _families.add(made.card.name, made)
    return family


def list_cards() -> Sequence[EncoderCard]:
    """Every encoder's card, by name. Loads no model and no model library."""
    return [card for card, _ in _openers.list_entries()]


def list_family_cards() -> Sequence[EncoderCard]:
    """The card of every family, by the pattern of its names. Loads no model and no model library."""
    return [family.card for family in _families.list_entries()]


def find_card(name: str) -> EncoderCard:
    """The card of an encoder; of a family's encoder that of the family, with the name of the encoder's space.

    Raises:
        SetupError: with code `unknown_encoder`, naming those there are.
    """
    family = _find_family(name)
    return replace(family.card, name=family.name_space(name)) if family else _find_entry(name)[0]


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
    family = _find_family(name)
    if family is not None:
        return family.open(name, models=models, threads=threads, progress=progress)
    return _find_entry(name)[1](models=models, threads=threads, progress=progress)


def _find_entry(name: str) -> tuple[EncoderCard, EncoderOpener]:
    try:
        return _openers.find(name)
    except SetupError as error:
        raise SetupError(
            ", ".join((error.message, *(card.name for card in list_family_cards()))), code=error.code
        ) from None


def _find_family(name: str) -> EncoderFamily | None:
    return next((family for family in _families.list_entries() if family.owns(name)), None)


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
