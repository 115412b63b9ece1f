"""Pools of photos that were never taken, with labels that can be read off them, for tests of the heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.heads.plan import MemberPlan, TrainingOptions
from classifier.heads.schema import learn_schema
from classifier.heads.training import TrainingData
from search.embedding import Space

KINDS = ("bag", "hat", "shirt", "shoe")
COLORS = ("blue", "green", "red")
FEATURES = ("buttons", "pocket", "stripes")

SPACES = (
    Space(name="looks", dimension=32, weights_sha256="1" * 64),
    Space(name="color", dimension=12, weights_sha256="2" * 64),
)

OPTIONS = TrainingOptions(
    members=(
        MemberPlan(name="shape", learnt=24, measured=0, hidden=32, epochs=6),
        MemberPlan(name="colour", learnt=4, measured=24, hidden=24, epochs=6, evenness=0.0),
    ),
    batch=64,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePhotos:
    """Pools by encoder and labels by attribute."""

    pools: Mapping[str, np.ndarray]
    labels: Mapping[str, Sequence[tuple[str, ...]]]


def make_photos(count: int, seed: int, *, noise: float = 0.6) -> MadePhotos:
    """Photos whose kind and features show in `looks`, whose colour shows in `color`."""
    random = np.random.default_rng(seed)
    kinds, colors = random.integers(0, len(KINDS), count), random.integers(0, len(COLORS), count)
    features = random.random((count, len(FEATURES))) < 0.4
    turns = np.random.default_rng(99)  # the world is the same whatever the photos
    looks_of, colors_of = turns.random((len(KINDS), 4, 32)), turns.random((len(COLORS), 4, 12))
    features_of = turns.random((len(FEATURES), 4, 32))
    looks = 2 * looks_of[kinds] + np.tensordot(features, features_of, axes=1) + noise * random.random((count, 4, 32))
    color = colors_of[colors] + 0.5 * noise * random.random((count, 4, 12))
    return MadePhotos(
        pools={"looks": looks.astype(np.float32), "color": color.astype(np.float32)},
        labels={
            "product_type": [(KINDS[kind],) for kind in kinds],
            "color": [(COLORS[color],) for color in colors],
            "features": [tuple(name for name, has in zip(FEATURES, row, strict=True) if has) for row in features],
        },
    )


def make_data(train: MadePhotos, val: MadePhotos) -> TrainingData:
    """Both, with the schema that the training photos give."""
    return TrainingData(
        schema=learn_schema(train.labels),
        spaces=SPACES,
        train_pools=train.pools,
        train_labels=train.labels,
        val_pools=val.pools,
        val_labels=val.labels,
        ids=[str(number) for number in range(len(train.labels["color"]))],
    )
