"""The heads as arrays: pools to components to hidden numbers to calibrated probabilities. Numpy only.

All members are one network here: their hidden numbers stand side by side, and how much a member counts for an
attribute, with the attribute's temperature, is in the weights of the one output layer. Knows nothing of training or
files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.heads.preparation import Preparation
from classifier.heads.schema import HeadAttribute
from search.errors import InputError
from search.pools import PARTS, PoolBatch

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HiddenLayer:
    """Of one member.

    Attributes:
        columns: which components it sees, shape (columns,).
        weight: shape (columns, hidden); `bias` (hidden,).
    """

    columns: NDArray[np.int64]
    weight: Matrix
    bias: Matrix

    def compute(self, components: Matrix) -> Matrix:
        """Hidden numbers, shape (photos, hidden)."""
        hidden = components[:, self.columns] @ self.weight
        hidden += self.bias
        return np.maximum(hidden, 0, out=hidden)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadsModel:
    """What turns pools into probabilities.

    Attributes:
        attributes: in the order of the logits.
        preparations: by encoder, in the order of the components.
        layers: of the members.
        output_weight: shape (hidden numbers of all members, logits of all attributes); `output_bias` (logits,).
    """

    attributes: tuple[HeadAttribute, ...]
    preparations: Mapping[str, Preparation]
    layers: tuple[HiddenLayer, ...]
    output_weight: Matrix
    output_bias: Matrix

    def prepare(self, pools: PoolBatch) -> Matrix:
        """Components of photos, shape (photos, components).

        Raises:
            InputError: pools of an encoder are missing, or of another shape.
        """
        return prepare_pools(self.preparations, pools)

    def compute_probabilities(self, components: Matrix) -> dict[str, Matrix]:
        """By attribute, shape (photos, labels); of a single-valued one a row sums to 1."""
        hidden = np.concatenate([layer.compute(components) for layer in self.layers], axis=1)
        logits = hidden @ self.output_weight
        logits += self.output_bias
        return {
            attribute.name: to_probabilities(logits[:, columns], multi_valued=attribute.multi_valued)
            for attribute, columns in zip(self.attributes, slice_logits(self.attributes), strict=True)
        }


def prepare_pools(preparations: Mapping[str, Preparation], pools: PoolBatch) -> Matrix:
    """Components of every encoder side by side, shape (photos, components)."""
    columns = []
    for name, preparation in preparations.items():
        dimension = len(preparation.projection) // len(preparation.parts)
        wanted = (len(PARTS), dimension)
        found = pools[name].shape[1:] if name in pools else "none"
        if found != wanted:
            raise InputError(
                f"the classifier needs pools of {name} of shape {wanted} for each photo, not {found}; embed with the "
                "encoders it was trained with, or train again"
            )
        columns.append(preparation.prepare(pools[name]))
    return np.concatenate(columns, axis=1)


def slice_logits(attributes: Iterable[HeadAttribute]) -> Sequence[slice]:
    """Which logits are an attribute's."""
    slices, start = [], 0
    for attribute in attributes:
        slices.append(slice(start, start + len(attribute.labels)))
        start += len(attribute.labels)
    return slices


def count_logits(attributes: Iterable[HeadAttribute]) -> int:
    """Of all attributes together."""
    return sum(len(attribute.labels) for attribute in attributes)


def to_probabilities(logits: Matrix, *, multi_valued: bool) -> Matrix:
    """Softmax over the labels, or a sigmoid of each; shape kept."""
    if multi_valued:
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float32)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
