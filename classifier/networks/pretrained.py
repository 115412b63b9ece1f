"""Weights learnt elsewhere: finding the file, checking it, and putting it into a trunk.

Works with what `search.encoders.weights` finds. Knows nothing of any one network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from classifier.networks.card import Shape, Trunk
from search.encoders.weights import WeightsSource, fetch_weights, find_torch_cache, find_weights
from search.errors import MismatchError, WeightsMissingError


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedWeights:
    """Weights of a whole network, its last layer included, in a file of torch's.

    Attributes:
        source: the file.
        left_out: prefixes of the names of tensors a trunk has no use for: the last layer, extra outputs.
        by_order: the file's names are others than the trunk's, and the tensors in the same order (batch counters
            aside); the last layer's come last.
    """

    source: WeightsSource
    left_out: tuple[str, ...] = ()
    by_order: bool = False


def load_weights(name: str, weights: PretrainedWeights, trunk: Trunk, shape: Shape, models: Path | None) -> None:
    """Put them into a trunk of the network called `name`.

    Args:
        models: folder of weights files; where torch keeps its own if None.

    Raises:
        WeightsMissingError: they are not on this machine and cannot be fetched; the message says the ways out.
        IntegrityError: the file is damaged or another one.
        MismatchError: they are for images of another size.
    """
    import torch

    place = models or find_torch_cache()
    try:
        path = find_weights(weights.source, models=place) or fetch_weights(weights.source, models=place)
    except WeightsMissingError as error:
        raise WeightsMissingError(
            f"the weights of {name} cannot be had here: {error.message} Without --pretrained it starts from nothing."
        ) from error
    given = torch.load(path, weights_only=True, map_location="cpu")
    own = trunk.module.state_dict()
    if weights.by_order:
        names = [key for key in own if not key.endswith("num_batches_tracked")]
        tensors = [tensor for key, tensor in given.items() if not key.endswith("num_batches_tracked")]
        given = dict(zip(names, tensors, strict=False))
    # Files from before torch counted batches have no counters: the trunk's zeros stay.
    state = own | {key: tensor for key, tensor in given.items() if not key.startswith(weights.left_out or ("\0",))}
    missing = [key for key in own if key not in given and not key.endswith("num_batches_tracked")]
    try:
        if missing:
            raise RuntimeError(f"{missing[0]} is not in the file")
        trunk.module.load_state_dict(state)
    except RuntimeError as error:
        raise MismatchError(
            f"the weights of {name} do not fit a network for images of {shape.size} pixels ({error}); give --side "
            "as its card has it, or train without --pretrained"
        ) from error
