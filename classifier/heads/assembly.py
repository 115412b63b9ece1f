"""Members put together: several small networks become the one that `model.py` runs. Numpy only.

Knows nothing of how members are trained or how their shares are chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.heads.calibration import Calibration
from classifier.heads.model import HeadsModel, HiddenLayer, prepare_pools, slice_logits
from classifier.heads.plan import MEASURED, MemberPlan
from classifier.heads.preparation import Preparation
from classifier.heads.schema import HeadSchema

Matrix = NDArray[np.float32]

_AT_ONCE = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """A trained member.

    Attributes:
        layer: its hidden one.
        output_weight: shape (hidden, logits); `output_bias` (logits,).
    """

    name: str
    layer: HiddenLayer
    output_weight: Matrix
    output_bias: Matrix

    def compute_logits(self, components: Matrix, schema: HeadSchema) -> dict[str, Matrix]:
        """By attribute, shape (photos, labels)."""
        logits = self.layer.compute(components) @ self.output_weight + self.output_bias
        slices = slice_logits(schema.attributes)
        return {name: logits[:, columns] for name, columns in zip(schema.names, slices, strict=True)}


def list_columns(preparations: Mapping[str, Preparation], plan: MemberPlan) -> NDArray[np.int64]:
    """Which components, of all encoders side by side, a member sees; none where it would see no encoder."""
    columns: list[int] = []
    start = 0
    for name, preparation in preparations.items():
        width = preparation.projection.shape[1]
        columns.extend(range(start, start + min(width, plan.measured if name in MEASURED else plan.learnt)))
        start += width
    return np.array(columns, dtype=np.int64)


def even_out(components: Matrix, evenness: float) -> Matrix:
    """What to multiply each component by, shape (components,): its spread to the power of -evenness.

    After it the components' mean square is 1.
    """
    spread = np.maximum(components.std(axis=0), 1e-6)
    scale = spread**-evenness
    return np.asarray(scale / np.sqrt(np.mean((spread * scale) ** 2)), dtype=np.float32)


def prepare_rows(preparations: Mapping[str, Preparation], pools: Mapping[str, NDArray[np.floating[Any]]]) -> Matrix:
    """Components of many photos, a part of them at a time: pools may be float16, and are large as float32."""
    count = len(next(iter(pools.values())))
    width = sum(preparation.projection.shape[1] for preparation in preparations.values())
    components = np.zeros((count, width), dtype=np.float32)
    for start in range(0, count, _AT_ONCE):
        part = {name: values[start : start + _AT_ONCE].astype(np.float32) for name, values in pools.items()}
        components[start : start + _AT_ONCE] = prepare_pools(preparations, part)
    return components


def mix_logits(logits: Sequence[Matrix], shares: NDArray[np.float64]) -> Matrix:
    """The members' logits of one attribute, each times its share, added up."""
    return np.asarray(np.tensordot(shares, np.stack(logits), axes=1), dtype=np.float32)


def join_members(
    schema: HeadSchema,
    preparations: Mapping[str, Preparation],
    members: Sequence[Trained],
    shares: Mapping[str, NDArray[np.float64]],
    calibrations: Mapping[str, Calibration],
) -> HeadsModel:
    """One network, the members' hidden layers side by side; its logits are theirs times share over temperature."""
    outputs, bias = [], np.zeros(members[0].output_bias.shape, dtype=np.float64)
    for number, member in enumerate(members):
        scale = np.concatenate(
            [
                np.full(len(each.labels), shares[each.name][number] / calibrations[each.name].temperature)
                for each in schema.attributes
            ]
        )
        outputs.append(member.output_weight * scale)
        bias += member.output_bias * scale
    return HeadsModel(
        attributes=schema.attributes,
        preparations=dict(preparations),
        layers=tuple(member.layer for member in members),
        output_weight=np.concatenate(outputs).astype(np.float32),
        output_bias=bias.astype(np.float32),
    )
