"""The registry of networks: their cards, and building one by name.

A network registers itself from a module in `classifier/networks/families/`, and needs to be named nowhere else:

    @register(CARD)
    def build_spikeable(shape: Shape) -> Trunk: ...

Listing cards loads no model library. Knows nothing of what a network computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifier.networks.card import NetworkCard, Shape, Trunk, TrunkBuilder
from classifier.networks.pretrained import PretrainedWeights, load_weights
from search.errors import InputError, WeightsMissingError
from search.registry import Registry


@dataclass(frozen=True, slots=True)
class _Entry:
    card: NetworkCard
    build: TrunkBuilder
    weights: PretrainedWeights | None


_entries: Registry[_Entry] = Registry("classifier.networks.families", what="network")


def register(card: NetworkCard, weights: PretrainedWeights | None = None) -> Callable[[TrunkBuilder], TrunkBuilder]:
    """Decorator: the function builds the network of this card; `weights` are those learnt elsewhere."""

    def add(build: TrunkBuilder) -> TrunkBuilder:
        _entries.add(card.name, _Entry(card, build, weights))
        return build

    return add


def list_cards() -> Sequence[NetworkCard]:
    """Every network's card, by name."""
    return [entry.card for entry in _entries.list_entries()]


def find_card(name: str) -> NetworkCard:
    """The card of a network.

    Raises:
        SetupError: with code `unknown_network`, naming those there are.
    """
    return _entries.find(name).card


def build_trunk(name: str, shape: Shape) -> Trunk:
    """A network without heads, its weights random.

    Raises:
        SetupError: the name is unknown.
        InputError: it cannot be built for images of this shape.
    """
    entry = _entries.find(name)
    low, high = entry.card.sizes
    if not low <= shape.size <= high:
        raise InputError(f"{name} cannot be built for images of {shape.size} pixels a side; it takes {low} to {high}")
    # One that can start from weights for colour is always one for colour; a grey image's channel stands for all three.
    return entry.build(Shape(size=shape.size, channels=entry.card.channels) if entry.weights else shape)


def load_pretrained(name: str, trunk: Trunk, shape: Shape, models: Path | None = None) -> None:
    """Put the weights the card names into a trunk of that network.

    Args:
        models: folder of weights files; where torch keeps its own if None.

    Raises:
        WeightsMissingError: they cannot be had here, or there are none.
        IntegrityError: they are there, but damaged.
        MismatchError: they are for images of another size.
    """
    entry = _entries.find(name)
    if entry.weights is None:
        raise WeightsMissingError(f"there are no weights of {name} from elsewhere; train it without --pretrained")
    load_weights(name, entry.weights, trunk, shape, models)
