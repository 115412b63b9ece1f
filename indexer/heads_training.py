"""Heads for a catalogue: what was gathered from its feed goes into training, and comes out with weights for the fusion.

The split is the gathered one: heads learn from its training items, everything that is chosen (calibration, thresholds,
weights of the spaces) is chosen on its validation items, and its test items are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.data.splitting import TRAIN, VAL
from classifier.heads.artefact import Heads
from classifier.heads.fusion import MAX_GALLERY, MAX_QUERIES, choose_weights, mark_relevant
from classifier.heads.plan import TrainingOptions
from classifier.heads.schema import HeadSchema, Labels, encode_labels, learn_schema
from classifier.heads.tagger import HeadsTagger
from classifier.heads.training import TrainingData, train_heads
from indexer.training_data import LabelledPools
from search.embedding import Embeddings
from search.errors import InputError
from search.manifest import Manifest
from search.pools import PoolBatch, to_embeddings

DECISIVE = ("product_type", "color")
"""A hit is right where it agrees in these, as far as they are learnt: what a shopper who shows a photo is after."""

MIN_ITEMS = 50
"""Training items below which heads learn nothing worth having."""

_BATCH = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A catalogue's items, ready to be learnt from."""

    schema: HeadSchema
    data: TrainingData


def prepare_training(labelled: LabelledPools, manifest: Manifest, attributes: Sequence[str]) -> Training:
    """What is to be learnt, from which rows.

    Args:
        attributes: those wanted; all that can be learnt where empty.

    Raises:
        InputError: too few items, or an attribute that cannot be learnt.
    """
    train_rows, val_rows = labelled.list_rows(TRAIN), labelled.list_rows(VAL)
    if len(train_rows) < MIN_ITEMS or not len(val_rows):
        raise InputError(
            f"there are {len(train_rows)} items to learn from and {len(val_rows)} to choose by; heads need at least "
            f"{MIN_ITEMS} and 1: index more of the catalogue first"
        )
    schema = learn_schema(_pick(labelled.labels, train_rows), attributes or None, kinds=manifest.attributes)
    data = TrainingData(
        schema=schema,
        spaces=manifest.list_encoder_spaces(),
        train_pools={name: pools[train_rows] for name, pools in labelled.pools.items()},
        train_labels=_pick(labelled.labels, train_rows),
        val_pools={name: pools[val_rows] for name, pools in labelled.pools.items()},
        val_labels=_pick(labelled.labels, val_rows),
        ids=[labelled.items[row] for row in train_rows],
    )
    return Training(schema=schema, data=data)


def train_on_catalogue(
    training: Training, *, seed: int = 0, progress: Callable[[int, str], None] | None = None
) -> Heads:
    """Heads, with weights of the fusion chosen on the validation items."""
    heads = train_heads(training.data, TrainingOptions(seed=seed), progress=progress)
    weights, precision = choose_fusion(heads, training)
    return replace(heads, fusion_weights=weights, metrics={**heads.metrics, "precision_at_10": round(precision, 4)})


def choose_fusion(heads: Heads, training: Training) -> tuple[Mapping[str, float], float]:
    """Weights by space, and the precision at 10 they reach: validation items searched for among training items."""
    tagger, data = HeadsTagger(heads), training.data
    names = [name for name in DECISIVE if name in heads.schema.names] or list(heads.schema.names[:2])
    relevant = mark_relevant(
        _number(data.val_labels, MAX_QUERIES, heads.schema, names),
        _number(data.train_labels, MAX_GALLERY, heads.schema, names),
    )
    return choose_weights(
        _embed(tagger, data.val_pools, MAX_QUERIES), _embed(tagger, data.train_pools, MAX_GALLERY), relevant
    )


def _pick(labels: Labels, rows: NDArray[np.int64]) -> Labels:
    return {name: [values[row] for row in rows] for name, values in labels.items()}


def _number(labels: Labels, count: int, schema: HeadSchema, names: Sequence[str]) -> list[NDArray[np.int64]]:
    """Of each attribute a number for each of the first rows; of one with several values, that of the first label."""
    targets = encode_labels({name: labels[name][:count] for name in schema.names}, schema)
    numbers = []
    for name in names:
        values = np.asarray(targets[name].values)
        single = values if values.ndim == 1 else np.where(values.any(axis=1), values.argmax(axis=1), -1)
        numbers.append(single.astype(np.int64))
    return numbers


def _embed(tagger: HeadsTagger, pools: Mapping[str, NDArray[Any]], count: int) -> Embeddings:
    """Embeddings of the first rows in every space, as they are in the store."""
    parts: dict[str, list[NDArray[np.float32]]] = {}
    rows = min(count, len(next(iter(pools.values()))))
    for start in range(0, rows, _BATCH):
        some: PoolBatch = {
            name: values[start : min(start + _BATCH, rows)].astype(np.float32) for name, values in pools.items()
        }
        for name, batch in some.items():
            parts.setdefault(name, []).append(to_embeddings(batch))
        vectors = np.stack([tagging.vector for tagging in tagger.tag(some)])
        parts.setdefault(tagger.space.name, []).append(vectors)
    return {name: np.concatenate(batches) for name, batches in parts.items()}
